"""Causes of refunds, as payment's API names them."""

ASKED_AGAIN_BY_ORDER = ("buyer", "goodwill")
"""A closed refund of these causes gets no new number: it is asked for again on the order's page."""
