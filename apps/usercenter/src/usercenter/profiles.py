"""Reads user profiles and sign-in methods, for the user and for other services."""

from collections.abc import Sequence
from dataclasses import dataclass

from servicekit.db import Database
from servicekit.errors import NotFound, Unauthenticated
from usercenter import repository
from usercenter.identity import Identity
from usercenter.models import User, UserAuth


@dataclass(kw_only=True, eq=False)
class Profiles:
    db: Database

    async def own(self, identity: Identity) -> User:
        """Raises Unauthenticated when the account behind a valid token is closed, or the token void."""
        user = await self._find(identity.user_id)
        if user is None or user.token_generation != identity.generation:
            raise Unauthenticated("the account is closed, or the token void")
        return user

    async def by_id(self, user_id: int) -> User:
        """Raises NotFound."""
        user = await self._find(user_id)
        if user is None:
            raise NotFound("no such user")
        return user

    async def by_ids(self, ids: Sequence[int]) -> Sequence[User]:
        """Those that exist, by id."""
        async with self.db.read() as session:
            return await repository.users_by_ids(session, ids)

    async def auth_by_user(self, user_id: int, auth_type: str, appid: str) -> UserAuth:
        """Raises NotFound."""
        async with self.db.read() as session:
            return _known(await repository.auth_by_user(session, user_id, auth_type, appid))

    async def openids(self, user_ids: Sequence[int], appid: str) -> dict[int, str]:
        """By user id; without users who have none in the mini-program `appid`."""
        async with self.db.read() as session:
            return await repository.openids(session, user_ids, appid)

    async def auth_by_key(self, auth_type: str, auth_key: str, appid: str) -> UserAuth:
        """Raises NotFound."""
        async with self.db.read() as session:
            return _known(await repository.auth_by_key(session, auth_type, auth_key, appid))

    async def _find(self, user_id: int) -> User | None:
        async with self.db.read() as session:
            return await repository.user_by_id(session, user_id)


def _known(auth: UserAuth | None) -> UserAuth:
    if auth is None:
        raise NotFound("no such sign-in")
    return auth
