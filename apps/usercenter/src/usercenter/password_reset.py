"""A new password by who has the server, for an account whose owner has no other way in."""

from dataclasses import dataclass

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import NotFound
from usercenter import password_policy, proof, repository
from usercenter.passwords import Passwords


@dataclass(kw_only=True, eq=False)
class PasswordReset:
    db: Database
    passwords: Passwords
    clock: Clock

    async def of(self, mobile: str, password: str, *, actor: str, note: str) -> None:
        """Set it, and void the account's tokens. Raises NotFound; PasswordTooShort, PasswordTooCommon."""
        password_policy.check(password, mobile)
        new_hash, now = await self.passwords.hash(password), self.clock()
        async with self.db.transaction() as tx:
            user = await repository.user_by_mobile(tx, mobile, lock=True)
            if user is None:
                raise NotFound(f"no account has the mobile {mobile}")
            user.password_hash = new_hash
            proof.void_tokens(user, now)
            await acts.record(
                tx, now, proof.SYSTEM_ACTOR, "password-reset", proof.subject(user), note=f"{note}; by {actor}"
            )
