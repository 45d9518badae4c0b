"""Who somebody is: for themselves, and for peers."""

from collections.abc import Sequence

from servicekit.db import Database
from servicekit.errors import NotFound, Unauthenticated
from usercenter import repository
from usercenter.models import User, UserAuth
from usercenter.schemas import Account, Auth, AuthType, OwnUserInfo, UserInfo


class Profiles:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def own(self, account: Account) -> OwnUserInfo:
        """Raises Unauthenticated when the account behind a valid token is closed, or the token void."""
        user = await self._find(account.user_id)
        if user is None or user.token_generation != account.generation:
            raise Unauthenticated("the account is closed, or the token void")
        return OwnUserInfo(**_shown(user).model_dump(), roles=user.roles_in_force)

    async def by_id(self, user_id: int) -> UserInfo:
        user = await self._find(user_id)
        if user is None:
            raise NotFound("no such user")
        return _shown(user)

    async def by_ids(self, ids: Sequence[int]) -> list[UserInfo]:
        """Those that exist, by id."""
        async with self._db.read() as session:
            return [_shown(user) for user in await repository.users_by_ids(session, ids)]

    async def auth_by_user(self, user_id: int, auth_type: AuthType, appid: str) -> Auth:
        async with self._db.read() as session:
            return _known(await repository.auth_by_user(session, user_id, auth_type, appid), auth_type)

    async def auth_by_key(self, auth_type: AuthType, auth_key: str, appid: str) -> Auth:
        async with self._db.read() as session:
            return _known(await repository.auth_by_key(session, auth_type, auth_key, appid), auth_type)

    async def _find(self, user_id: int) -> User | None:
        async with self._db.read() as session:
            return await repository.user_by_id(session, user_id)


def _shown(user: User) -> UserInfo:
    return UserInfo(
        id=user.id, mobile=user.mobile, nickname=user.nickname, sex=user.sex, avatar=user.avatar, info=user.info
    )


def _known(auth: UserAuth | None, auth_type: AuthType) -> Auth:
    if auth is None:
        raise NotFound("no such sign-in")
    return Auth(user_id=auth.user_id, auth_type=auth_type, auth_key=auth.auth_key, appid=auth.appid)
