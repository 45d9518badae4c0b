"""What every service shares, and nothing that knows what is sold."""
