"""order: what a payment means for an order, and what its peers may ask it."""
