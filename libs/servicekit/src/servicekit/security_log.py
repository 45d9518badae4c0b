"""The security log: who was refused, and what changed who may do what. One line and one count for each event.

Lines are for a search after an alert, and hold no mobile, token, password or body: a user's id, a keyed hash of a mobile,
an address. Strangers cause most kinds at any pace, so each of those has a bound on its lines; the counter has them all.
"""

import hmac
import time
from collections.abc import Callable
from typing import Literal, get_args

import structlog
from prometheus_client import Counter

Kind = Literal[
    "signed_in",
    "sign_in_failed",
    "sign_in_slowed",
    "mobile_code_wrong",
    "token_refused",
    "forbidden",
    "role_changed",
    "session_ended",
    "refresh_reused",
    "refresh_repeated",
    "password_changed",
    "second_factor_failed",
    "rate_limited",
    "reauthentication_refused",
    "approval_given",
    "personal_data_read",
    "personal_data_erased",
    "key_rotated",
]
BY_STRANGERS: frozenset[Kind] = frozenset(
    {
        "sign_in_failed",
        "sign_in_slowed",
        "mobile_code_wrong",
        "second_factor_failed",
        "token_refused",
        "forbidden",
        "rate_limited",
    }
)
LINES_PER_SECOND = 20
"""Of each kind that strangers cause, by process. Above it they are counted; the next line says how many were left out."""
EVENTS = Counter("security_events_total", "Events of the security log, by kind", ["kind"])
KINDS = get_args(Kind)
for _kind in KINDS:
    EVENTS.labels(_kind)  # from 0 on: a rate sees the first one
log = structlog.get_logger()


def event(kind: Kind, **facts: str | int | None) -> None:
    """Count an event and write its line: `security`, with `security_event` and those of `facts` that are known."""
    EVENTS.labels(kind).inc()
    left_out = _pace.take(kind) if kind in BY_STRANGERS else 0
    if left_out is None:
        return
    known = {name: fact for name, fact in facts.items() if fact not in {None, ""}}
    log.info("security", security_event=kind, **known, **({"left_out": left_out} if left_out else {}))


def pseudonym(key: bytes, text: str) -> str:
    """Sixteen hex digits that stand for a mobile: the same for the same one, and of no use without `key`."""
    return hmac.new(key, text.encode(), "sha256").hexdigest()[:16]


class Pace:
    """How many lines of each kind were written in the current second. `monotonic` in seconds."""

    def __init__(self, most: int = LINES_PER_SECOND, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now = most, monotonic
        self._second: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def take(self, kind: str) -> int | None:
        """How many were left out before this line; None for a line that is left out."""
        second = int(self._now())
        if self._second.get(kind) != second:
            self._second[kind], self._written[kind] = second, 0
        if self._written[kind] >= self._most:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return None
        self._written[kind] += 1
        return self._left_out.pop(kind, 0)


_pace = Pace()
