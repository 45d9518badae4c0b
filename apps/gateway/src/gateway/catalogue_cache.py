"""Keeps public catalogue responses for a few seconds, by time alone: docs/decisions/0018-catalogue-cache.md. Photos, which
never change, are kept by the same rules for longer.

It must never hold anything personal: what fetches a response sees the key and nothing else of the caller's request.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cachetools import TLRUCache
from prometheus_client import Counter

from gateway.answers import Answer

LOOKUPS = Counter(
    "gateway_catalogue_lookups_total",
    "Catalogue requests: hit (kept response), shared (waited for another's fetch), miss (fetched)",
    ["result"],
)
RESULTS = ("hit", "shared", "miss")
LARGEST_KEY_BYTES = 1024
"""A longer request is no key: padded ones would push out what visitors read."""
ENTRY_BYTES = 1024
"""Counted for each entry beside its bodies, so that the bound on bytes bounds the entries as well."""
_SHARED = re.compile(r"public, *max-age=(\d{1,9})(?:, *immutable)?")


@dataclass(frozen=True, slots=True)
class Key:
    """All that a catalogue response may depend on. `language`: `zh` or `en`."""

    path: str
    body: bytes
    content_type: str
    language: str

    @property
    def size(self) -> int:
        return len(self.body) + len(self.content_type)


@dataclass(frozen=True, slots=True)
class Kept:
    """`asked_at`: when its request left, in seconds of the cache's clock."""

    answer: Answer
    asked_at: float


Fetch = Callable[[], Awaitable[Answer]]


@dataclass(kw_only=True, eq=False)
class CatalogueCache:
    """Bounded by `most_bytes`, the least recently used goes first. `seconds` 0 keeps nothing. Concurrent requests for one
    key share one fetch, also its error, which is never kept."""

    seconds: float
    most_bytes: int
    lookups: Counter = LOOKUPS
    monotonic: Callable[[], float] = time.monotonic
    _kept: TLRUCache[Key, Kept] = field(init=False)
    _under_way: dict[Key, asyncio.Task[Kept]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for result in RESULTS:
            self.lookups.labels(result)  # from 0 on: a rate sees the first one
        self._kept = TLRUCache(self.most_bytes, ttu=self._ends_at, timer=self.monotonic, getsizeof=_size)

    async def get(self, key: Key, fetch: Fetch) -> tuple[Answer, int]:
        """The response to `key`, and its age in whole seconds. Raises what `fetch` raises."""
        if not self.seconds or key.size > LARGEST_KEY_BYTES:
            return await fetch(), 0
        kept = self._kept.get(key)
        if kept is not None:
            self.lookups.labels("hit").inc()
            return kept.answer, int(self.monotonic() - kept.asked_at)
        fetching = self._under_way.get(key)
        self.lookups.labels("shared" if fetching else "miss").inc()
        if fetching is None:
            fetching = self._under_way[key] = asyncio.create_task(self._fetch(key, fetch))
            fetching.add_done_callback(lambda done: self._ended(key, done))
        # Shielded: the others still wait when the first caller leaves.
        return (await asyncio.shield(fetching)).answer, 0

    async def _fetch(self, key: Key, fetch: Fetch) -> Kept:
        asked_at = self.monotonic()
        kept = Kept(await fetch(), asked_at)
        if shared_seconds(kept.answer) and _size(kept) <= self.most_bytes:
            self._kept[key] = kept
        return kept

    def _ended(self, key: Key, done: asyncio.Task[Kept]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # looked at: a caller that left does not make it an unretrieved one

    def _ends_at(self, _key: Key, kept: Kept, _now: float) -> float:
        return kept.asked_at + min(self.seconds, shared_seconds(kept.answer))


def shared_seconds(answer: Answer) -> int:
    """How long anyone may be given this response, by its Cache-Control; 0 for what is not a success or not public."""
    allowed = _SHARED.fullmatch(answer.headers.get("cache-control", ""))
    return int(allowed[1]) if allowed and answer.status == 200 else 0


def _size(kept: Kept) -> int:
    return len(kept.answer.body) + LARGEST_KEY_BYTES + ENTRY_BYTES
