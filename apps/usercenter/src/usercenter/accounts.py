"""Operators' use-cases on accounts: show one, release it for another WeChat user."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import NotFound
from usercenter import proof, repository
from usercenter.errors import HasRoles
from usercenter.models import BUYER, WX_MINI, User, UserAuth


@dataclass(frozen=True)
class AccountRecord:
    """An account with its WeChat users and what was done to it."""

    user: User
    wechat: Sequence[UserAuth]
    acts: Sequence[RowMapping]


@dataclass(kw_only=True, eq=False)
class Accounts:
    db: Database
    clock: Clock

    async def show(self, operator_id: int, mobile: str, note: str | None) -> AccountRecord:
        """For an operator: the read is in the audit, with `note`, why. Raises NotFound, and nothing was read."""
        found = await self._find(mobile)
        async with self.db.transaction() as tx:
            await acts.record(tx, self.clock(), operator_id, "account-read", proof.subject(found.user), note=note)
        return found

    async def _find(self, mobile: str) -> AccountRecord:
        async with self.db.read() as session:
            user = await repository.user_by_mobile(session, mobile)
            if user is None:
                raise NotFound("no account has this mobile")
            wechat = await repository.auths_of(session, user.id, WX_MINI)
            return AccountRecord(user, wechat, await acts.of_subjects(session, [proof.subject(user)]))

    async def release(self, operator_id: int, mobile: str, note: str) -> AccountRecord:
        """Give the account to the next user who proves the number: its WeChat bindings, password and tokens are
        voided, and the number counts as not proven. Raises NotFound; HasRoles, because roles must not pass to another
        person."""
        now = self.clock()
        async with self.db.transaction() as tx:
            user = await repository.user_by_mobile(tx, mobile, lock=True)
            if user is None:
                raise NotFound("no account has this mobile")
            if user.roles != [BUYER]:
                raise HasRoles(f"user {user.id} is {', '.join(user.roles)}")
            await repository.delete_auths(tx, user.id, WX_MINI)
            user.password_hash = user.mobile_proven_at = user.mobile_proven_by = None
            proof.void_tokens(user, now)
            await acts.record(tx, now, operator_id, "account-release", proof.subject(user), note=note)
        return await self._find(mobile)
