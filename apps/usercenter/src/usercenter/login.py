"""Sign-in by mobile and password. The limit on failed attempts holds for parallel ones and across replicas."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from servicekit import security_log
from servicekit.clock import Clock
from servicekit.db import Database
from usercenter import repository
from usercenter.errors import TooManyFailures, WrongCredentials
from usercenter.identity import Identity
from usercenter.models import PASSWORD, LoginFailure, User
from usercenter.passwords import Passwords


@dataclass(kw_only=True, eq=False)
class Login:
    """`mobile_key`, set at start, makes the hash that stands for a mobile in the security log."""

    db: Database
    passwords: Passwords
    clock: Clock
    failures: int
    window: timedelta
    mobile_key: bytes = field(default=b"", repr=False)

    async def by_password(self, mobile: str, password: str, address: str) -> Identity:
        """The identity as of when the password hash was read: if the password is voided meanwhile, a token for it is void.
        Raises TooManyFailures; WrongCredentials, after the same work for an unknown mobile as for a wrong password."""
        try:
            return await self._identity(mobile, password)
        except (WrongCredentials, TooManyFailures) as refusal:
            security_log.event(
                "sign_in_failed" if isinstance(refusal, WrongCredentials) else "sign_in_slowed",
                mobile_hash=security_log.pseudonym(self.mobile_key, mobile),
                address=address,
            )
            raise

    async def _identity(self, mobile: str, password: str) -> Identity:
        async with self.db.read() as session:
            if refusal := self._refusal(await repository.failures_of(session, mobile)):
                raise refusal
            user = await repository.user_by_mobile(session, mobile)
        kept = user.password_hash if user else None
        if not await self.passwords.matches(password, kept) or user is None or kept is None:
            raise await self._count(mobile)
        await self._admit(mobile)
        await self._renew_hash(user, kept, password)
        return Identity.of(user, PASSWORD)

    async def _count(self, mobile: str) -> WrongCredentials | TooManyFailures:
        async with self.db.transaction() as tx:
            counted = await repository.count_failure(tx, mobile, self.clock(), self.window)
        if counted.failures > self.failures:
            return self._too_many(counted, self.clock())
        return WrongCredentials("no account has this mobile and password")

    async def _admit(self, mobile: str) -> None:
        """Of many parallel attempts, a correct password counts only while the limit is not reached."""
        async with self.db.transaction() as tx:
            known = await repository.failures_of(tx, mobile, lock=True)
            if refusal := self._refusal(known):
                raise refusal
            if known:
                await repository.delete_failures(tx, mobile)

    async def _renew_hash(self, user: User, kept: str, password: str) -> None:
        if self.passwords.is_outdated(kept):
            renewed = await self.passwords.hash(password)
            async with self.db.transaction() as tx:
                await repository.set_password_hash(tx, user.id, kept, renewed)

    def _refusal(self, known: LoginFailure | None) -> TooManyFailures | None:
        now = self.clock()
        if known is None or known.failures < self.failures or known.since <= now - self.window:
            return None
        return self._too_many(known, now)

    def _too_many(self, known: LoginFailure, now: datetime) -> TooManyFailures:
        seconds = max(1, math.ceil((known.since + self.window - now).total_seconds()))
        return TooManyFailures(
            f"{self.failures} failed attempts for this mobile", retry_after=seconds, minutes=math.ceil(seconds / 60)
        )
