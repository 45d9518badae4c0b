"""Tells the guest, by WeChat subscribe messages, what became of an order."""
