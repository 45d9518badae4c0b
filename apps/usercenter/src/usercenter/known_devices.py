"""Devices that have signed in to an account before: what strangers try does not slow them down (guessing.py).

A device's token names user, token generation, time and a random id, with an HMAC over them. It replaces no password, and
voiding the tokens of an account voids it too.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from servicekit.auth import Principal
from servicekit.clock import Clock, unix
from usercenter.identity import Identity
from usercenter.models import User


@dataclass(kw_only=True, eq=False)
class KnownDevices:
    """`key` is set at start."""

    clock: Clock
    lifetime: timedelta
    key: bytes = field(default=b"", repr=False)

    def issue(self, identity: Identity) -> str:
        """The token of a device that has just signed in."""
        named = f"{identity.user_id}.{identity.generation}.{unix(self.clock())}.{secrets.token_hex(8)}"
        return f"{named}.{self._mac(named)}"

    def id_of(self, token: str, user: User | None) -> str:
        """The device's id; empty unless it has signed in to this very account, under its present generation."""
        named, _, mac = token.rpartition(".")
        if user is None or not hmac.compare_digest(self._mac(named).encode(), mac.encode()):
            return ""
        user_id, generation, issued_at, device = named.split(".")
        is_of_user = (int(user_id), int(generation)) == (user.id, user.token_generation)
        is_over = unix(self.clock()) - int(issued_at) > self.lifetime.total_seconds()
        return device if is_of_user and not is_over else ""

    def _mac(self, named: str) -> str:
        if not self.key:
            raise RuntimeError("KnownDevices.key is not set")
        return hmac.new(self.key, named.encode(), "sha256").hexdigest()


def of_session(user: Principal) -> str:
    """The id of a device by its session, for who is signed in and gives the password again; empty without one."""
    return f"session {user.session_id}" if user.session_id else ""
