"""Every operation of the control API, and the console page."""

from __future__ import annotations

from wechatsim.control import clock, console, faults, health, keys, notifications, payments, refunds, sms, users

ROUTES = [
    *health.ROUTES,
    *payments.ROUTES,
    *refunds.ROUTES,
    *notifications.ROUTES,
    *users.ROUTES,
    *sms.ROUTES,
    *clock.ROUTES,
    *faults.ROUTES,
    *keys.ROUTES,
    *console.ROUTES,
]
