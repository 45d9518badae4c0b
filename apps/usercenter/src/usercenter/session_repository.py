"""All queries of sessions and their refresh tokens. Functions use the caller's transaction and never end it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Transaction
from usercenter.models import RefreshToken, UserSession


async def locked(tx: Transaction, session_id: int) -> UserSession | None:
    return (await tx.scalars(select(UserSession).where(UserSession.id == session_id).with_for_update())).one_or_none()


async def by_id(session: AsyncSession, session_id: int) -> UserSession | None:
    return (await session.scalars(select(UserSession).where(UserSession.id == session_id))).one_or_none()


async def locked_by_token(tx: Transaction, digest: bytes) -> UserSession | None:
    """The session of a refresh token, used or not."""
    session_id = select(RefreshToken.session_id).where(RefreshToken.digest == digest).scalar_subquery()
    return (await tx.scalars(select(UserSession).where(UserSession.id == session_id).with_for_update())).one_or_none()


async def refresh_token(tx: Transaction, digest: bytes) -> RefreshToken | None:
    """To be read after its session was locked."""
    return (await tx.scalars(select(RefreshToken).where(RefreshToken.digest == digest))).one_or_none()


async def delete_tokens(tx: Transaction, session_id: int) -> None:
    await tx.execute(delete(RefreshToken).where(RefreshToken.session_id == session_id))


async def newest_of(
    session: AsyncSession,
    user_id: int,
    generation: int,
    *,
    used_after: datetime,
    started_after: datetime,
    most: int,
) -> Sequence[UserSession]:
    """The sessions of an account that are not over, the one used last first."""
    query = select(UserSession).where(
        UserSession.user_id == user_id,
        UserSession.generation == generation,
        UserSession.ended_at.is_(None),
        UserSession.last_used_at > used_after,
        UserSession.started_at > started_after,
    )
    return (await session.scalars(query.order_by(UserSession.last_used_at.desc(), UserSession.id).limit(most))).all()


async def ended_since(session: AsyncSession, moment: datetime, *, most: int) -> Sequence[tuple[int, datetime]]:
    """(id, time) of the sessions that were ended after `moment`, newest first."""
    query = (
        select(UserSession.id, UserSession.ended_at)
        .where(UserSession.ended_at > moment)
        .order_by(UserSession.ended_at.desc(), UserSession.id.desc())
        .limit(most)
    )
    return [(session_id, ended_at) for session_id, ended_at in await session.execute(query) if ended_at]


async def delete_tokens_of_over(tx: Transaction, *, ended: datetime, unused: datetime, most: int) -> bool:
    """Refresh tokens of sessions ended before `ended` or last used before `unused`. Whether there were `most` of them."""
    over = select(UserSession.id).where(or_(UserSession.ended_at < ended, UserSession.last_used_at < unused))
    some = select(RefreshToken.digest).where(RefreshToken.session_id.in_(over)).limit(most)
    gone = await tx.execute(
        delete(RefreshToken).where(RefreshToken.digest.in_(some)).returning(RefreshToken.session_id)
    )
    return len(gone.all()) == most


async def delete_over(tx: Transaction, *, ended: datetime, unused: datetime, most: int) -> bool:
    """As `delete_tokens_of_over`, the sessions themselves, whose tokens are gone."""
    some = (
        select(UserSession.id).where(or_(UserSession.ended_at < ended, UserSession.last_used_at < unused)).limit(most)
    )
    gone = await tx.execute(delete(UserSession).where(UserSession.id.in_(some)).returning(UserSession.id))
    return len(gone.all()) == most
