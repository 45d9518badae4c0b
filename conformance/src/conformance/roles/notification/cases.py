"""All cases of notification: each module registers its own."""

from conformance.roles.notification import doors
from conformance.roles.notification.events import CASES

__all__ = ["CASES", "doors"]
