"""A sandbox for WeChat Pay API v3 and the mini-program server APIs, for tests and local development."""

__version__ = "0.1.0"
