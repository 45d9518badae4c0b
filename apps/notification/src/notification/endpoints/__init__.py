"""The HTTP edges."""
