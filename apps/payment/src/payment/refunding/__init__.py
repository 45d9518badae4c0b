"""Refunds: requests, submission to WeChat, and what operators do with one that failed."""
