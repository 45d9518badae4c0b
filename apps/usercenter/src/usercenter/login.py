"""Sign-in by mobile and password."""

from dataclasses import dataclass

from servicekit import security_log
from servicekit.db import Database
from usercenter import repository
from usercenter.errors import TooManyFailures, WrongCredentials
from usercenter.guessing import Attempt, Guessing
from usercenter.identity import Identity
from usercenter.known_devices import KnownDevices
from usercenter.models import PASSWORD, User
from usercenter.passwords import Passwords


@dataclass(kw_only=True, eq=False)
class Login:
    db: Database
    passwords: Passwords
    guessing: Guessing
    devices: KnownDevices

    async def by_password(
        self, mobile: str, password: str, address: str, *, device_token: str = "", device: str = ""
    ) -> Identity:
        """The identity as of when the password hash was read: if the password is voided meanwhile, a token for it is void.
        `device_token` is what an earlier sign-in gave this device; `device` names one that has proven otherwise that it is
        known to this account. Raises TooManyFailures; WrongCredentials, after the same work for an unknown mobile as for a
        wrong password."""
        try:
            return await self._identity(mobile, password, address, device_token, device)
        except (WrongCredentials, TooManyFailures) as refusal:
            security_log.event(
                "sign_in_failed" if isinstance(refusal, WrongCredentials) else "sign_in_slowed",
                mobile_hash=self.guessing.mobile_hash(mobile),
                address=address,
            )
            raise

    async def _identity(self, mobile: str, password: str, address: str, device_token: str, device: str) -> Identity:
        async with self.db.read() as session:
            user = await repository.user_by_mobile(session, mobile)
            known = device or self.devices.id_of(device_token, user)
            attempt = Attempt(mobile=mobile, address=address, device=known)
            await self.guessing.require_patience(session, attempt)
        kept = user.password_hash if user else None
        if not await self.passwords.matches(password, kept) or user is None or kept is None:
            async with self.db.transaction() as tx:
                await self.guessing.failed(tx, attempt)
            raise WrongCredentials("no account has this mobile and password")
        async with self.db.transaction() as tx:
            await self.guessing.succeeded(tx, attempt)
        await self._renew_hash(user, kept, password)
        return Identity.of(user, PASSWORD)

    async def _renew_hash(self, user: User, kept: str, password: str) -> None:
        if self.passwords.is_outdated(kept):
            renewed = await self.passwords.hash(password)
            async with self.db.transaction() as tx:
                await repository.set_password_hash(tx, user.id, kept, renewed)
