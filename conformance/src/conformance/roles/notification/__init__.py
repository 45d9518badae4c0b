"""notification: what becomes of an order's events, as the people of the mini program see it."""
