"""All cases of notification: each module registers its own, in this order."""

from conformance.roles import common
from conformance.roles.notification import crashes, doors, outages, poison
from conformance.roles.notification.events import CASES

CASES.include(common.CASES)
__all__ = ["CASES", "crashes", "doors", "outages", "poison"]
