"""Limits on open connections: how many at once, how many per address, and which is closed when the server is full.

A connection costs a file descriptor and memory before there is a request to count. When all are taken, the one that has
been longest without a whole request is closed; clients that send whole requests are never cut.
"""

import ipaddress
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import prometheus_client

from servicekit import addresses
from servicekit.uploads import BYTES_PER_SECOND

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
OPEN = prometheus_client.Gauge("http_connections", "Connections that are open")
CUT = prometheus_client.Counter(
    "http_connections_cut_total", "Connections that were ended early, by reason", ["reason"]
)
for _reason in ("address_is_full", "all_are_taken", "makes_room", "status_408", "status_431"):
    CUT.labels(_reason)  # from 0 on: a rate sees the first one


class Guest(Protocol):
    """One connection, as the crowd sees it. `deadline` is on the monotonic clock."""

    @property
    def deadline(self) -> float: ...

    def expire(self) -> None: ...

    def cut(self, reason: str) -> None: ...


@dataclass(frozen=True)
class Bounds:
    """Bytes and seconds that a client is given. An address in `trusted` (a sidecar, a proxy) stands for many people."""

    connections: int = 4096
    per_address: int = 256
    trusted: tuple[Network, ...] = ()
    head_bytes: int = 32 * 1024
    line_bytes: int = 8 * 1024
    headers: int = 100
    arrive_seconds: float = 10.0
    """For the head, and again for the body. Whole, not from byte to byte: a byte a second would last for ever."""
    idle_seconds: float = 75.0
    uploads: Mapping[bytes, int] = field(default_factory=dict)
    """The largest body of each path that takes files: it has more time to arrive, by `upload_bytes_per_second`."""
    upload_bytes_per_second: int = BYTES_PER_SECOND
    unread_seconds: float = 30.0
    """How long an answer may lie ready without anyone taking some of it."""


def networks(text: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, ::1` → networks. Raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())


class Crowd:
    """One for each server. `sweep` is to be called every second."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._guests: set[Guest] = set()
        self._waiting: dict[Guest, None] = {}
        self._by_address: Counter[str] = Counter()
        self._counted_as = lru_cache(maxsize=8192)(self._address)

    def enter(self, guest: Guest, peer: str) -> bool:
        """Whether there is room for one more from `peer`; the guest is waiting from now on."""
        counted = self._counted_as(peer)
        if counted and self._by_address[counted] >= self.bounds.per_address:
            CUT.labels("address_is_full").inc()
            return False
        if len(self._guests) >= self.bounds.connections:
            longest = next(iter(self._waiting), None)
            if longest is None:
                CUT.labels("all_are_taken").inc()
                return False
            longest.cut("makes_room")
            self.leave(longest, "")
        if counted:
            self._by_address[counted] += 1
        self._guests.add(guest)
        self._waiting[guest] = None
        OPEN.inc()
        return True

    def leave(self, guest: Guest, peer: str) -> None:
        """Idempotent. `peer` is given once the socket is closed: only then is its address free again."""
        if guest in self._guests:
            self._guests.remove(guest)
            OPEN.dec()
        self._waiting.pop(guest, None)
        counted = self._counted_as(peer) if peer else ""
        if counted and self._by_address[counted] > 0:
            self._by_address[counted] -= 1
            if not self._by_address[counted]:
                del self._by_address[counted]

    def serves(self, guest: Guest) -> None:
        """Its request has been received whole."""
        self._waiting.pop(guest, None)

    def waits(self, guest: Guest) -> None:
        """It is idle between requests."""
        if guest in self._guests:
            self._waiting[guest] = None

    def is_served(self, guest: Guest) -> bool:
        return guest in self._guests and guest not in self._waiting

    def sweep(self, now: float | None = None) -> None:
        """Close connections that are past their deadline."""
        now = time.monotonic() if now is None else now
        for guest in self._beyond(now):
            guest.expire()

    def _beyond(self, now: float) -> Iterable[Guest]:
        return [guest for guest in self._guests if guest.deadline < now]

    def _address(self, peer: str) -> str:
        """What connections from `peer` are counted under: nothing when it is trusted; of IPv6 the network of one site."""
        address = addresses.parsed(peer)
        if address is None or any(address in network for network in self.bounds.trusted):
            return ""
        return addresses.site(address)
