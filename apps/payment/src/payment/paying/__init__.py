"""Payments of buyers: what speaks to WeChat about one."""
