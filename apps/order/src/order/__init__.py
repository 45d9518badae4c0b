"""Bookings of homestay nights: what was sold, the price, the trade state, check-in and refund requests."""
