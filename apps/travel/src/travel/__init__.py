"""Homestays, their shops, promotions and guests' comments."""
