"""Queries of second factors. Functions use the caller's transaction and never end it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Transaction
from usercenter.models import RecoveryCode, SecondFactor


async def is_enrolled(session: AsyncSession, user_id: int) -> bool:
    query = select(SecondFactor.user_id).where(SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None))
    return (await session.scalar(query)) is not None


async def locked(tx: Transaction, user_id: int) -> SecondFactor | None:
    query = select(SecondFactor).where(SecondFactor.user_id == user_id).with_for_update()
    return (await tx.scalars(query)).one_or_none()


async def put_pending(tx: Transaction, user_id: int, pending: bytes, now: datetime) -> None:
    """Replaces an enrolment that was not confirmed; what is confirmed stays in force."""
    values = {"pending": pending, "pending_at": now}
    statement = insert(SecondFactor).values(user_id=user_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=[SecondFactor.user_id], set_=values))


async def forget_pending(tx: Transaction, user_id: int) -> None:
    """An enrolment that was not confirmed; what is confirmed stays in force."""
    nothing = update(SecondFactor).values(pending=None, pending_at=None)
    await tx.execute(nothing.where(SecondFactor.user_id == user_id))


async def put_recovery_codes(tx: Transaction, user_id: int, digests: Sequence[str]) -> None:
    """In place of all earlier ones."""
    await tx.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    await tx.execute(insert(RecoveryCode), [{"user_id": user_id, "digest": digest} for digest in digests])


async def use_recovery_code(tx: Transaction, user_id: int, digest: str, now: datetime) -> bool:
    """False for one that is unknown or was used."""
    found = await tx.execute(
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.digest == digest, RecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .returning(RecoveryCode.id)
    )
    return found.first() is not None


async def recovery_codes_left(session: AsyncSession, user_id: int) -> int:
    query = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return (await session.execute(query)).scalar_one()


async def remove(tx: Transaction, user_id: int) -> bool:
    """False when there was none."""
    await tx.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    removed = await tx.execute(
        delete(SecondFactor).where(SecondFactor.user_id == user_id).returning(SecondFactor.user_id)
    )
    return removed.first() is not None
