"""Every query of usercenter. Callers hold the transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Transaction
from usercenter.models import LoginFailure, User, UserAuth

_ALIVE = User.deleted_at.is_(None)
_AUTHS = select(UserAuth).join(User, User.id == UserAuth.user_id).where(_ALIVE)


async def user_by_id(session: AsyncSession, user_id: int) -> User | None:
    return (await session.scalars(select(User).where(User.id == user_id, _ALIVE))).one_or_none()


async def users_by_ids(session: AsyncSession, ids: Sequence[int]) -> Sequence[User]:
    return (await session.scalars(select(User).where(User.id.in_(ids), _ALIVE).order_by(User.id))).all()


async def user_by_mobile(session: AsyncSession, mobile: str) -> User | None:
    return (await session.scalars(select(User).where(User.mobile == mobile, _ALIVE))).one_or_none()


async def add_user(
    tx: Transaction, *, mobile: str, nickname: str, avatar: str, password_hash: str | None = None
) -> int | None:
    """The new id; None when the mobile has an account. Waits for another transaction that is just adding it."""
    statement = (
        insert(User)
        .values(mobile=mobile, nickname=nickname, avatar=avatar, password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=[User.mobile])
        .returning(User.id)
    )
    return (await tx.execute(statement)).scalar()


async def set_password_hash(tx: Transaction, user_id: int, before: str, after: str) -> None:
    """Only when nobody changed it in between."""
    await tx.execute(
        update(User)
        .where(User.id == user_id, User.password_hash == before)
        .values(password_hash=after, version=User.version + 1)
    )


async def auth_by_key(session: AsyncSession, auth_type: str, auth_key: str) -> UserAuth | None:
    query = _AUTHS.where(UserAuth.auth_type == auth_type, UserAuth.auth_key == auth_key)
    return (await session.scalars(query)).one_or_none()


async def auth_by_user(session: AsyncSession, user_id: int, auth_type: str) -> UserAuth | None:
    query = _AUTHS.where(UserAuth.user_id == user_id, UserAuth.auth_type == auth_type)
    return (await session.scalars(query)).one_or_none()


async def add_auth(tx: Transaction, user_id: int, auth_type: str, auth_key: str) -> bool:
    """False when the key belongs to somebody, or the user has another key of this type."""
    statement = insert(UserAuth).values(user_id=user_id, auth_type=auth_type, auth_key=auth_key)
    return (await tx.execute(statement.on_conflict_do_nothing().returning(UserAuth.id))).first() is not None


async def failures_of(session: AsyncSession, mobile: str, *, lock: bool = False) -> LoginFailure | None:
    query = select(LoginFailure).where(LoginFailure.mobile == mobile)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def count_failure(tx: Transaction, mobile: str, now: datetime, window: timedelta) -> LoginFailure:
    """One more in the present window, or the first of a new one."""
    is_over = LoginFailure.since <= now - window
    statement = (
        insert(LoginFailure)
        .values(mobile=mobile, failures=1, since=now)
        .on_conflict_do_update(
            index_elements=[LoginFailure.mobile],
            set_={
                "failures": case((is_over, 1), else_=LoginFailure.failures + 1),
                "since": case((is_over, now), else_=LoginFailure.since),
            },
        )
        .returning(LoginFailure)
    )
    return (await tx.execute(statement)).scalar_one()


async def forget_failures(tx: Transaction, mobile: str) -> None:
    await tx.execute(delete(LoginFailure).where(LoginFailure.mobile == mobile))


async def forget_failures_before(tx: Transaction, moment: datetime) -> None:
    await tx.execute(delete(LoginFailure).where(LoginFailure.since < moment))
