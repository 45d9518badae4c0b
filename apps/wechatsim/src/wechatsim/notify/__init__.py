"""Outgoing notifications: schedule, delivery attempts, and the faults that change them."""
