"""Verification codes by text message, which prove a mobile number. Six digits, one use, five minutes, five attempts."""

import hashlib
import hmac
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from servicekit import addresses
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from usercenter import repository
from usercenter.errors import TooManyCodes, TooManyWrongCodes
from usercenter.guessing import free_again
from usercenter.sms import TextMessages

DIGITS = 6
"""As in the pattern of schemas.NewAccount and the field of the sign-in page: tests/contract/test_form_bounds.py."""
VALID_FOR = timedelta(minutes=5)
MOST_ATTEMPTS = 5
MOST_WRONG = 100
"""Wrong codes from one address within an hour, whatever the mobiles, until each further one doubles the wait. Many phones
of a mobile network share an address; one in our own networks is not counted."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNKNOWN = "unknown"
"""Stands for all unknown addresses."""


@dataclass(frozen=True)
class CodeLimits:
    """Rate limits: each code costs money, and may reach a phone whose owner did not request it. The numbers: settings."""

    pause: timedelta
    mobile_daily: int
    address_hourly: int
    total_hourly: int

    @property
    def unknown_hourly(self) -> int:
        """Shared by all unknown addresses: half of the total, so that they cannot use up the others' share."""
        return max(1, self.total_hourly // 2)


@dataclass(kw_only=True, eq=False)
class MobileCodes:
    """`key` is set at start: only an HMAC of a code is stored, so that a leaked table does not reveal codes."""

    db: Database
    messages: TextMessages
    clock: Clock
    limits: CodeLimits
    key: bytes = field(default=b"", repr=False)

    async def send(self, mobile: str, address: str | None) -> int:
        """Send a code; returns the seconds until another can be requested. `address` is the caller's IP address if
        known. Raises TooManyCodes; PeerUnavailable when it could not be sent: then another can be requested at once."""
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        digest, now, site = self._digest(mobile, code), self.clock(), _site(address)
        async with self.db.transaction() as tx:
            await repository.lock_code_sending(tx)
            await self._check_limits(tx, mobile, site)
            sending = await repository.add_code(
                tx, mobile=mobile, digest=digest, now=now, expires_at=now + VALID_FOR, address=site
            )
        try:
            await self.messages.send(mobile, code, minutes=VALID_FOR.seconds // 60)
        except BaseException:
            async with self.db.transaction() as tx:
                await repository.backdate(
                    tx, sending, now - self.limits.pause
                )  # counts for the limits, but not for the pause
            raise
        return round(self.limits.pause.total_seconds())

    async def redeem(self, tx: Transaction, mobile: str, code: str, address: str) -> bool:
        """Whether `code`, which came from `address`, is valid for this mobile. Deletes it, or counts a wrong attempt, in
        the caller's transaction, which must be committed in both cases. Raises TooManyWrongCodes, with nothing counted."""
        kept = await repository.locked_code(tx, mobile)
        counts = _wrong_from(address)
        await self._require_patience(tx, counts)
        if kept and kept.expires_at > self.clock() and kept.attempts < MOST_ATTEMPTS:
            if hmac.compare_digest(kept.digest, self._digest(mobile, code)):
                await tx.delete(kept)
                return True
            kept.attempts += 1
        if counts:
            await repository.count_sign_in_failure(tx, sorted(counts), self.clock(), HOUR)
        return False

    async def _require_patience(self, tx: Transaction, counts: Mapping[str, int]) -> None:
        now = self.clock()
        for each in await repository.sign_in_failures(tx, list(counts)):
            until = free_again(each, counts[each.counted_by], HOUR)
            if until > now:
                seconds = math.ceil((until - now).total_seconds())
                raise TooManyWrongCodes("wrong codes", retry_after=seconds, minutes=math.ceil(seconds / 60))

    async def _check_limits(self, tx: Transaction, mobile: str, site: str) -> None:
        now, limits = self.clock(), self.limits
        of_site = limits.unknown_hourly if site == UNKNOWN else limits.address_hourly
        for what, since, most, period in (
            ({"mobile": mobile}, now - limits.pause, 1, limits.pause),
            ({"mobile": mobile}, now - DAY, limits.mobile_daily, DAY),
            ({"address": site}, now - HOUR, of_site, HOUR),
            ({}, now - HOUR, limits.total_hourly, HOUR),
        ):
            count, oldest = await repository.codes_sent(tx, since, **what)
            if count >= most and oldest is not None:
                wait = max(1, round((oldest + period - now).total_seconds()))
                raise TooManyCodes(f"{most} codes in {period}", retry_after=wait, minutes=-(-wait // 60))

    def _digest(self, mobile: str, code: str) -> str:
        if not self.key:
            raise RuntimeError("MobileCodes.key is not set")
        return hmac.new(self.key, f"{mobile}:{code}".encode(), hashlib.sha256).hexdigest()


def _wrong_from(address: str) -> Mapping[str, int]:
    """What a wrong code from `address` is counted by, and how many are free."""
    found = {
        addresses.public_site(address): MOST_WRONG,
        addresses.public_network(address): MOST_WRONG * addresses.SITES_OF_A_NETWORK,
    }
    return {f"codes {where}": free for where, free in found.items() if where}


def _site(address: str | None) -> str:
    known = addresses.parsed(address or "")
    return addresses.site(known) if known else UNKNOWN


def key_from(private_pem: str, purpose: str) -> bytes:
    """Derived from the signing key, so that no second secret is needed; another key for each purpose."""
    return hashlib.sha256(f"minsu {purpose}\0{private_pem}".encode()).digest()
