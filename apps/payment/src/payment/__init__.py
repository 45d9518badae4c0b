"""Payments and refunds through WeChat Pay v3; the source of truth for whether an order is paid."""
