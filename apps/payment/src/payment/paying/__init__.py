"""Payments: prepay, query and close at WeChat, and their status for buyers and other services."""
