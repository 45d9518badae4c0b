"""Slows down the source of password guesses, never the account that is guessed at: docs/decisions/0033-limits.md.

Failures are counted by known device and mobile, or by address and mobile and by address alone (of IPv6 also by the network
that it is in, more loosely), in windows that begin with the first one. Beyond those that are free each failure doubles the
wait. It holds for parallel attempts and across replicas.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import addresses, security_log
from servicekit.clock import Clock
from servicekit.db import Transaction
from usercenter import repository
from usercenter.errors import TooManyFailures
from usercenter.models import SignInFailures

ANY = "*"
"""In the place of an address that is not known, or of all of them."""


@dataclass(frozen=True, kw_only=True)
class GuessLimits:
    """Failures within `window` that are free of a wait. With `contested` failures from unknown devices a mobile is under
    attack: then only the first one from each address is free."""

    window: timedelta
    of_device: int
    of_address_and_mobile: int
    of_address: int
    contested: int


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """To sign in to `mobile` from `address`; `device` is the id of one that has signed in to this very account before, else
    empty."""

    mobile: str
    address: str
    device: str = ""


@dataclass(kw_only=True, eq=False)
class Guessing:
    """`key`, set at start, makes the hash that stands for a mobile."""

    clock: Clock
    limits: GuessLimits
    key: bytes = field(default=b"", repr=False)

    def mobile_hash(self, mobile: str) -> str:
        return security_log.pseudonym(self.key, mobile)

    async def require_patience(self, session: AsyncSession, attempt: Attempt) -> None:
        """Raises TooManyFailures while the attempt has to wait."""
        counts = self._counts(attempt)
        found = await repository.sign_in_failures(session, [self._of_mobile(attempt), *counts])
        until = self._waits_until(attempt, counts, {each.counted_by: each for each in found})
        if until is not None:
            seconds = max(1, math.ceil((until - self.clock()).total_seconds()))
            raise TooManyFailures("too many failed attempts", retry_after=seconds, minutes=math.ceil(seconds / 60))

    async def failed(self, tx: Transaction, attempt: Attempt) -> None:
        """Count a failure. Raises TooManyFailures, with nothing counted, where parallel ones came first."""
        await self._take_turn(tx, attempt)
        counts = list(self._counts(attempt))
        counted = counts if attempt.device else [*counts, self._of_mobile(attempt)]
        await repository.count_sign_in_failure(tx, sorted(counted), self.clock(), self.limits.window)

    async def succeeded(self, tx: Transaction, attempt: Attempt) -> None:
        """Forget the failures of this device, or of this address with this mobile. Raises as `failed`."""
        await self._take_turn(tx, attempt)
        narrowest, *_ = self._counts(attempt)
        await repository.delete_sign_in_failures(tx, narrowest)

    async def _take_turn(self, tx: Transaction, attempt: Attempt) -> None:
        """One attempt on a mobile after the other, so that each sees the failures before it."""
        await repository.lock_sign_in(tx, self._of_mobile(attempt))
        await self.require_patience(tx, attempt)

    def _counts(self, attempt: Attempt) -> Mapping[str, "_Free"]:
        """What the attempt is counted by, the narrowest first, and how many failures are free."""
        mobile, limits = self.mobile_hash(attempt.mobile), self.limits
        if attempt.device:
            return {f"{mobile} device {attempt.device}": _Free(limits.of_device, limits.of_device)}
        counts, of_pair = dict[str, _Free](), _Free(limits.of_address_and_mobile, 1)
        of_address = _Free(limits.of_address, limits.of_address)
        site, network = addresses.public_site(attempt.address), addresses.public_network(attempt.address)
        for where, times in ((site, 1), (network, addresses.SITES_OF_A_NETWORK)):
            if where:
                counts[f"{mobile} {where}"] = of_pair.in_all(times)
                counts[f"{ANY} {where}"] = of_address.in_all(times)
        return counts or {f"{mobile} {ANY}": of_pair}

    def _of_mobile(self, attempt: Attempt) -> str:
        return f"{self.mobile_hash(attempt.mobile)} in all"

    def _waits_until(
        self, attempt: Attempt, counts: Mapping[str, "_Free"], known: Mapping[str, SignInFailures]
    ) -> datetime | None:
        now = self.clock()
        running = {name: each for name, each in known.items() if each.since > now - self.limits.window}
        in_all = running.get(self._of_mobile(attempt))
        is_contested = in_all is not None and in_all.failures >= self.limits.contested
        waits = [
            free_again(running[name], free.contested if is_contested else free.usually, self.limits.window)
            for name, free in counts.items()
            if name in running
        ]
        return max((each for each in waits if each > now), default=None)


@dataclass(frozen=True)
class _Free:
    """How many failures are free, and how many while the mobile is contested."""

    usually: int
    contested: int

    def in_all(self, times: int) -> "_Free":
        return _Free(self.usually * times, self.contested * times)


def free_again(counted: SignInFailures, free: int, window: timedelta) -> datetime:
    """When the next attempt may be made: a second after the last free failure, twice as long after each further one, and
    never later than the end of the window."""
    over = counted.failures - free
    if over < 0:
        return counted.since
    return min(counted.last_at + timedelta(seconds=2 ** min(over, 30)), counted.since + window)
