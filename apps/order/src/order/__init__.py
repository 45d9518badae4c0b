"""Bookings: what was sold, for how much, in which state, and who may use it."""
