"""Password hashing with argon2id, in a small thread pool with a bounded queue, so that a flood of sign-ins does not use up
the machine."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from servicekit.errors import Unavailable

T = TypeVar("T")
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's parameters for argon2id: 19 MiB, two passes, one lane. `is_outdated` brings older hashes up to them."""


@dataclass(kw_only=True, eq=False)
class Passwords:
    """`hash` and `matches` raise Unavailable when the queue is full."""

    threads: int = 2
    queue: int = 32
    _pool: ThreadPoolExecutor = field(init=False, repr=False)
    _room: int = field(init=False)
    _decoy: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="argon2")
        self._room = self.threads + self.queue
        self._decoy = HASHER.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        return await self._in_thread(lambda: HASHER.hash(password))

    async def matches(self, password: str, kept: str | None) -> bool:
        """Takes the same time when there is no hash to compare with."""
        return await self._in_thread(lambda: self._verify(kept or self._decoy, password)) and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than HASHER's."""
        return HASHER.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return HASHER.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._room <= 0:
            raise Unavailable("too many sign-ins at once", retry_after=1)
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
