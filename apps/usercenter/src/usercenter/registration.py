"""Registering by mobile and password."""

import secrets

from servicekit.db import Database
from servicekit.messages import Catalogue
from usercenter import repository
from usercenter.errors import MobileTaken
from usercenter.models import SYSTEM
from usercenter.passwords import Passwords
from usercenter.schemas import Account

AVATARS = 12


class Registration:
    def __init__(self, db: Database, passwords: Passwords, newcomer: "Newcomer") -> None:
        self._db, self._passwords, self._newcomer = db, passwords, newcomer

    async def register(self, mobile: str, password: str) -> Account:
        """Raises MobileTaken. Two at the same moment: the unique mobile lets one of them through."""
        async with self._db.read() as session:
            if await repository.user_by_mobile(session, mobile):
                raise _taken()
        password_hash = await self._passwords.hash(password)
        async with self._db.transaction() as tx:
            user_id = await repository.add_user(
                tx,
                mobile=mobile,
                nickname=self._newcomer.nickname(secrets.token_hex(4)),
                avatar=self._newcomer.avatar(),
                password_hash=password_hash,
            )
            if user_id is None or not await repository.add_auth(tx, user_id, SYSTEM, mobile):
                raise _taken()
        return Account(user_id=user_id)


class Newcomer:
    """How somebody looks who has told us nothing yet."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def nickname(self, suffix: str) -> str:
        return self._catalogue.text("new-user-nickname", "zh", suffix=suffix)

    def avatar(self) -> str:
        return f"/static/avatars/{secrets.randbelow(AVATARS) + 1}.svg"


def _taken() -> MobileTaken:
    return MobileTaken("an account has this mobile", field="mobile")
