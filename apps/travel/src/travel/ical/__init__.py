"""Calendars of other platforms: their nights are blocked here, ours are published to them (RFC 5545)."""
