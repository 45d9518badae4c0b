"""What can be booked: homestays, their shops, and what guests say of them."""
