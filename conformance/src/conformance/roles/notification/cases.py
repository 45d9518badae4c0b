"""All cases of notification: each module registers its own, in this order."""

from conformance.roles.notification import crashes, doors, outages, poison
from conformance.roles.notification.events import CASES

__all__ = ["CASES", "crashes", "doors", "outages", "poison"]
