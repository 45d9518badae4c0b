"""Admission control: how many requests are served at once, and how much of their bodies is held in memory.

A request takes a place when it has been received whole: half a request costs a connection (crowd.py) and no more.
Some lanes have places of their own, so that public traffic cannot keep WeChat or the broker out.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge
from starlette.types import Receive

from servicekit.errors import Problem, Unavailable
from servicekit.events import LARGEST_DELIVERY_BYTES
from servicekit.uploads import Upload

IN_FLIGHT = Gauge("http_requests_in_flight", "Requests being served")
REFUSED = Counter(
    "http_requests_refused_total", "Requests refused for want of room, by lane and reason", ["lane", "reason"]
)

MAX_BODY_BYTES = 1024 * 1024
SMALL_BODY_BYTES = 16 * 1024
"""A body of this size needs no place in memory but its connection's: calls and callbacks are smaller."""


class BodyTooLarge(Problem):
    status, code, slug = 413, 100108, "body-too-large"


@dataclass
class Lane:
    """Requests of one kind: exact `paths`, or all below one that ends with a slash.

    `own` places are theirs alone; beyond them they take common ones where the lane `shares`. At most `large` bodies of
    more than `small` bytes are in memory at once, and one more waits `patience` seconds for its turn. `member` holds most
    of the body. `signed_in`: nothing is read for a caller without a valid token.
    """

    name: str
    paths: tuple[str, ...] = ()
    own: int = 0
    shares: bool = True
    max_body: int = MAX_BODY_BYTES
    small: int = SMALL_BODY_BYTES
    large: int = 64
    patience: float = 0.0
    member: str | None = None
    signed_in: bool = False
    free: int = field(init=False)
    turn: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.free = self.own
        self.turn = asyncio.Semaphore(self.large)
        for reason in ("capacity", "memory"):
            REFUSED.labels(self.name, reason)  # starts at 0, so that an alert on the rate sees the first one
        self._below = tuple(path for path in self.paths if path.endswith("/"))

    def takes(self, path: str) -> bool:
        return path in self.paths or path.startswith(self._below)

    def too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"at most {self.max_body} bytes", field=self.member)


class Admission:
    """The places of one service: `common` ones, and those of each lane."""

    def __init__(self, common: int, lanes: Sequence[Lane], visitors: Lane) -> None:
        self.free = common
        self.full_since: float | None = None
        self._lanes, self._visitors = lanes, visitors

    def lane(self, path: str) -> Lane:
        for lane in self._lanes:
            if lane.takes(path):
                return lane
        return self._visitors

    def full_for(self) -> float:
        """Seconds since a common place was last free; 0 while one is."""
        return 0.0 if self.full_since is None else time.monotonic() - self.full_since


class Visit:
    """What one request holds: memory for its body, then a place. `leave` gives both back, and has to be called."""

    __slots__ = ("_admission", "_has_turn", "_lane", "_place")

    def __init__(self, admission: Admission, lane: Lane) -> None:
        self._admission, self._lane = admission, lane
        self._has_turn = False
        self._place: Admission | Lane | None = None

    async def whole(self, receive: Receive) -> bytes | None:
        """Returns the whole body; None when the client disconnected. Raises BodyTooLarge, Unavailable."""
        lane, body = self._lane, bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part: bytes = message.get("body", b"")
            if not body and not message.get("more_body", False) and len(part) <= lane.small:
                return part
            body += part
            if len(body) > lane.max_body:
                raise lane.too_large()
            if len(body) > lane.small and not self._has_turn:
                await self._take_turn()
            if not message.get("more_body", False):
                return bytes(body)

    def take_place(self) -> None:
        """Raises Unavailable when there is none."""
        admission, lane = self._admission, self._lane
        if lane.free > 0:
            self._place = lane
        elif lane.shares and admission.free > 0:
            self._place = admission
            if admission.free == 1:
                admission.full_since = time.monotonic()
        else:
            REFUSED.labels(lane.name, "capacity").inc()
            raise Unavailable("at capacity", retry_after=1)
        self._place.free -= 1
        IN_FLIGHT.inc()

    def leave(self) -> None:
        if self._place is not None:
            self._place.free += 1
            IN_FLIGHT.dec()
            if self._place is self._admission:
                self._admission.full_since = None
        if self._has_turn:
            self._lane.turn.release()

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(self._lane.patience):
                await self._lane.turn.acquire()
        except TimeoutError:
            REFUSED.labels(self._lane.name, "memory").inc()
            raise Unavailable("too many large requests at once") from None
        self._has_turn = True


def standard(
    *,
    common: int,
    visitors_max_body: int,
    callbacks: tuple[str, ...],
    callback_places: int,
    delivery_places: int,
    uploads: Sequence[Upload] = (),
) -> Admission:
    """The lanes of every service: probes by the sidecar are never refused, WeChat and the broker have places of their own.
    Files have none: so many of them are held at once that their memory is bounded.

    Anyone can send a callback, so callbacks never take a common place. Deliveries may: only the sidecar brings them, as
    many at once as there are partitions and jobs, and one that is refused may end as a dead letter.
    """
    return Admission(
        common,
        [
            Lane("questions", ("/dapr/",), own=sys.maxsize),
            Lane(
                "deliveries",
                ("/events/", "/jobs/"),
                own=delivery_places,
                max_body=LARGEST_DELIVERY_BYTES,
                small=1024 * 1024,
                large=2,
                patience=4.0,  # less than the sidecar gives an event (dapr/resiliency)
            ),
            Lane("callbacks", callbacks, own=callback_places, shares=False),
            *(
                Lane(
                    "uploads",
                    (each.path,),
                    max_body=each.most_bytes,
                    large=8,
                    patience=4.0,
                    member=each.member,
                    signed_in=True,
                )
                for each in uploads
            ),
        ],
        Lane("visitors", max_body=visitors_max_body),
    )
