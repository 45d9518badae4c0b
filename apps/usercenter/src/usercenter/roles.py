"""Grants and revokes roles: by the command line, and the merchant role by travel when an operator approved a host."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.errors import NotFound
from usercenter import proof, repository
from usercenter.models import BUYER, BY_OPERATOR, MERCHANT, OPERATOR, User


class Role(StrEnum):
    MERCHANT = MERCHANT
    OPERATOR = OPERATOR


class NotProven(Exception):
    """The mobile is not proven: a stranger may have registered it."""


@dataclass(frozen=True)
class Change:
    """A role that is both granted and revoked is revoked. `vouch`: why the number counts as proven without a proof."""

    grant: Collection[Role] = ()
    revoke: Collection[Role] = ()
    vouch: str = ""

    def __bool__(self) -> bool:
        return bool(self.grant or self.revoke or self.vouch)


@dataclass(kw_only=True, eq=False)
class Roles:
    db: Database
    clock: Clock

    async def account(self, mobile: str) -> User:
        """The account of this mobile. Raises NotFound."""
        async with self.db.read() as session:
            user = await repository.user_by_mobile(session, mobile)
        if user is None:
            raise NotFound(f"no account has the mobile {mobile}")
        return user

    async def holders(self) -> Sequence[User]:
        """All accounts that were granted a role, by id."""
        async with self.db.read() as session:
            return await repository.users_with_roles(session)

    async def change(self, user_id: int, change: Change, *, actor: str) -> User:
        """The account after the change. Every account stays a buyer. What was granted is in the next token; what was
        revoked voids the account's tokens, in every service within a minute. Raises NotFound, NotProven for a grant."""
        async with self.db.transaction() as tx:
            user = await repository.locked_user(tx, user_id)
            if user is None:
                raise NotFound(f"no account has the id {user_id}")
            before = set(user.roles)
            if change.vouch and user.mobile_proven_at is None:
                user.mobile_proven_at, user.mobile_proven_by = self.clock(), BY_OPERATOR
                await self._record(tx, user, "mobile-vouch", f"{change.vouch}; by {actor}")
            after = {BUYER, *before, *change.grant} - {*change.revoke}
            if after - before and user.mobile_proven_at is None:
                raise NotProven(f"the mobile {user.mobile} is not proven")
            user.roles = sorted(after)
            if before - after:
                proof.void_tokens(user, self.clock())
            for act, roles in (("role-grant", after - before), ("role-revoke", before - after)):
                for role in sorted(roles):
                    await self._record(tx, user, act, f"{role}; by {actor}")
                    proof.log_role_change(tx, user, act, role, by=actor)
        return user

    async def grant(self, user_id: int, role: Role, *, actor: str) -> bool:
        """Grant a role; granting it again changes nothing. False, and nothing granted, while the mobile is not proven.
        Raises NotFound."""
        try:
            await self.change(user_id, Change(grant=[role]), actor=actor)
        except NotProven:
            return False
        return True

    async def _record(self, tx: Transaction, user: User, act: str, note: str) -> None:
        await acts.record(tx, self.clock(), proof.SYSTEM_ACTOR, act, proof.subject(user), note=note)
