"""Queries about photos. Functions use the caller's transaction and never end it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import BigInteger, ColumnElement, Select, any_, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import due
from servicekit.db import Transaction
from travel.models import HomestayPhoto
from travel.states import PhotoState

_STORED = HomestayPhoto.state == PhotoState.STORED
_OF_HOMESTAYS = (
    select(HomestayPhoto)
    .where(HomestayPhoto.homestay_id == any_(bindparam("ids", type_=ARRAY(BigInteger))), _STORED)
    .order_by(HomestayPhoto.homestay_id, HomestayPhoto.place)
)


async def of_homestays(session: AsyncSession, ids: Collection[int]) -> dict[int, list[HomestayPhoto]]:
    """Those that are shown, the cover first, by homestay; one without photos is absent."""
    rows = await session.scalars(_OF_HOMESTAYS, {"ids": list(ids)})
    return {homestay_id: list(photos) for homestay_id, photos in groupby(rows, lambda each: each.homestay_id)}


async def stored(session: AsyncSession, homestay_id: int) -> Sequence[HomestayPhoto]:
    return (await of_homestays(session, [homestay_id])).get(homestay_id, [])


async def count(tx: Transaction, homestay_id: int) -> int:
    """Of those that are shown and those that are being written."""
    query = select(func.count()).where(
        HomestayPhoto.homestay_id == homestay_id, HomestayPhoto.state != PhotoState.REMOVED
    )
    return (await tx.scalars(query)).one()


async def mark_stored(tx: Transaction, homestay_id: int, key: str) -> bool:
    """Show the photo, as the last one. False when the job has deleted it meanwhile, or is about to."""
    last = select(func.coalesce(func.max(HomestayPhoto.place), 0)).where(
        HomestayPhoto.homestay_id == homestay_id, _STORED
    )
    statement = (
        update(HomestayPhoto)
        .where(_has(key), HomestayPhoto.state == PhotoState.WRITING, HomestayPhoto.leased_until.is_(None))
        .values(state=PhotoState.STORED, place=last.scalar_subquery() + 1)
    )
    return (await tx.execute(statement.returning(HomestayPhoto.id))).one_or_none() is not None


async def abandon(tx: Transaction, key: str) -> None:
    """What was not written counts no more; it is deleted when it is due, for a write may still be under way."""
    unwritten = update(HomestayPhoto).where(_has(key), HomestayPhoto.state == PhotoState.WRITING)
    await tx.execute(unwritten.values(state=PhotoState.REMOVED))


async def mark_removed(tx: Transaction, homestay_id: int, photo_id: int, due_at: datetime) -> bool:
    statement = (
        update(HomestayPhoto)
        .where(HomestayPhoto.id == photo_id, HomestayPhoto.homestay_id == homestay_id, _STORED)
        .values(state=PhotoState.REMOVED, due_at=due_at)
    )
    return (await tx.execute(statement.returning(HomestayPhoto.id))).one_or_none() is not None


async def is_served(session: AsyncSession, key: str) -> bool:
    query = select(HomestayPhoto.id).where(_has(key), HomestayPhoto.state != PhotoState.WRITING)
    return (await session.scalars(query)).one_or_none() is not None


async def claim(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[str]:
    """The keys of photos whose files are to be deleted now."""
    table = HomestayPhoto.__table__
    rows = await due.claim(
        tx, table, table.c.key, is_open=table.c.state != PhotoState.STORED, now=now, lease=lease, limit=limit
    )
    return [row["key"] for row in rows]


def longest_due(state: PhotoState) -> Select[tuple[datetime]]:
    """Since when files of photos in this state have been to be deleted."""
    return select(func.min(HomestayPhoto.due_at)).where(HomestayPhoto.state == state)


async def forget(tx: Transaction, key: str) -> None:
    await tx.execute(delete(HomestayPhoto).where(_has(key), HomestayPhoto.state != PhotoState.STORED))


def _has(key: str) -> ColumnElement[bool]:
    return HomestayPhoto.key == key
