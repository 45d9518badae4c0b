"""Registration by mobile and password, optionally with a code that proves the mobile."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.messages import Catalogue
from usercenter import password_policy, proof, repository
from usercenter.codes import MobileCodes
from usercenter.errors import CodeNeeded, CodeWrong, MobileTaken
from usercenter.identity import Identity
from usercenter.models import BY_CODE, PASSWORD, SYSTEM, User
from usercenter.passwords import Passwords

AVATARS = 12


@dataclass(kw_only=True, eq=False)
class Registration:
    """`require_proof`: a code is mandatory."""

    db: Database
    passwords: Passwords
    defaults: "NewUserDefaults"
    codes: MobileCodes
    clock: Clock
    require_proof: bool

    async def register(self, mobile: str, password: str, code: str | None, address: str = "") -> Identity:
        """With a code this also takes over an account whose mobile is unproven, voiding its earlier password, and sets the
        password of an account created by WeChat. `address` is the caller's. Raises MobileTaken, CodeWrong,
        TooManyWrongCodes, CodeNeeded; PasswordTooShort and PasswordTooCommon.

        Whether a mobile has an account is told only to who has its code, and where none is required by MobileTaken; never
        by the time it takes: the password is hashed in any case, and nothing is looked up before."""
        password_policy.check(password, mobile)
        if code is None and self.require_proof:
            raise CodeNeeded("registration needs a code by text message", field="code")
        password_hash = await self.passwords.hash(password)
        async with self.db.transaction() as tx:
            if code is None:
                return await self._unproven(tx, mobile, password_hash)
            if await self.codes.redeem(tx, mobile, code, address):
                return await self._proven(tx, mobile, password_hash)
        raise CodeWrong("not the newest code of this mobile, or over", field="code")

    async def _unproven(self, tx: Transaction, mobile: str, password_hash: str) -> Identity:
        """Of two concurrent registrations the unique mobile accepts one."""
        if await self._add(tx, mobile, password_hash=password_hash) is None:
            raise _taken()
        return await self._with_password(tx, mobile)

    async def _proven(self, tx: Transaction, mobile: str, password_hash: str) -> Identity:
        now = self.clock()
        await self._add(tx, mobile, proven_at=now)
        user = await repository.user_by_mobile(tx, mobile, lock=True)
        if user is None or _has_proven_password(user):
            raise _taken()
        await proof.prove(tx, user, BY_CODE, now)
        user.password_hash = password_hash
        await tx.flush()
        return await self._with_password(tx, mobile)

    async def _add(
        self, tx: Transaction, mobile: str, *, password_hash: str | None = None, proven_at: datetime | None = None
    ) -> int | None:
        return await repository.add_user(
            tx,
            mobile=mobile,
            nickname=self.defaults.nickname(),
            avatar=self.defaults.avatar(),
            password_hash=password_hash,
            proven_at=proven_at,
            proven_by=BY_CODE if proven_at else None,
        )

    async def _with_password(self, tx: Transaction, mobile: str) -> Identity:
        user = await repository.user_by_mobile(tx, mobile)
        if user is None:
            raise _taken()
        await repository.add_auth(tx, user.id, SYSTEM, mobile)
        return Identity.of(user, PASSWORD)


@dataclass(kw_only=True, eq=False)
class NewUserDefaults:
    """Nickname and picture of a user who has chosen none yet. Both are public and random: they do not tell the mobile."""

    catalogue: Catalogue

    def nickname(self) -> str:
        return self.catalogue.text("new-user-nickname", "zh", suffix=secrets.token_hex(4))

    def avatar(self) -> str:
        return f"/static/avatars/{secrets.randbelow(AVATARS) + 1}.svg"


def _has_proven_password(user: User) -> bool:
    return user.owner_has_proven and user.password_hash is not None


def _taken() -> MobileTaken:
    return MobileTaken("an account has this mobile", field="mobile")
