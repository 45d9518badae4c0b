"""All queries of hosting. Functions use the caller's transaction and never end it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import due
from servicekit.db import Transaction
from servicekit.paging import newest_first
from travel.models import UP, Homestay, HomestayBusiness, HostApplication, HostChange
from travel.states import ApplicationState


async def application_of(session: AsyncSession, user_id: int, *, lock: bool = False) -> HostApplication | None:
    query = select(HostApplication).where(HostApplication.user_id == user_id)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def lock_application(tx: Transaction, application_id: int) -> HostApplication | None:
    query = select(HostApplication).where(HostApplication.id == application_id).with_for_update()
    return (await tx.scalars(query)).one_or_none()


async def add_application(tx: Transaction, **values: Any) -> bool:
    """False when the user has one: waits for a concurrent insert of the same user."""
    statement = (
        insert(HostApplication).values(**values).on_conflict_do_nothing(index_elements=[HostApplication.user_id])
    )
    return (await tx.execute(statement.returning(HostApplication.id))).first() is not None


async def applications(
    session: AsyncSession, state: ApplicationState | None, *, below: int, limit: int
) -> Sequence[HostApplication]:
    """Newest first."""
    query = newest_first(select(HostApplication), HostApplication.id, below=below, limit=limit)
    return (await session.scalars(query.where(HostApplication.state == state) if state else query)).all()


async def claim_approved(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[tuple[int, int, int]]:
    """(id, user id, number of the try) of approved applications whose role is not granted yet and that are due."""
    c = HostApplication.__table__.c
    is_open = c.state == ApplicationState.APPROVED
    rows = await due.claim(
        tx, HostApplication.__table__, c.user_id, c.tries, is_open=is_open, now=now, lease=lease, limit=limit
    )
    return [(row["id"], row["user_id"], row["tries"]) for row in rows]


def oldest(state: ApplicationState) -> Select[tuple[datetime | None]]:
    """Since when the oldest application has been in a state that should end."""
    since = HostApplication.applied_at if state is ApplicationState.WAITING else HostApplication.decided_at
    return select(func.min(since)).where(HostApplication.state == state)


async def shop_of(session: AsyncSession, user_id: int, *, lock: bool = False) -> HomestayBusiness | None:
    query = select(HomestayBusiness).where(HomestayBusiness.user_id == user_id, HomestayBusiness.deleted_at.is_(None))
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def add_shop(tx: Transaction, user_id: int, title: str) -> None:
    """An open shop; changes nothing when the user has one."""
    values = {"user_id": user_id, "title": title, "row_state": UP}
    statement = insert(HomestayBusiness).values(values)
    await tx.execute(statement.on_conflict_do_nothing(index_elements=[HomestayBusiness.user_id]))


async def own_homestay(session: AsyncSession, user_id: int, homestay_id: int, *, lock: bool = False) -> Homestay | None:
    """None also for another host's. `lock`: its row, until the transaction ends."""
    query = select(Homestay).where(
        Homestay.id == homestay_id, Homestay.user_id == user_id, Homestay.deleted_at.is_(None)
    )
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def homestays_of(session: AsyncSession, user_id: int, *, below: int, limit: int) -> Sequence[Homestay]:
    """On sale or not, newest first."""
    query = select(Homestay).where(Homestay.user_id == user_id, Homestay.deleted_at.is_(None))
    return (await session.scalars(newest_first(query, Homestay.id, below=below, limit=limit))).all()


async def count_homestays(session: AsyncSession, shop_id: int) -> int:
    query = select(func.count()).where(Homestay.homestay_business_id == shop_id, Homestay.deleted_at.is_(None))
    return (await session.execute(query)).scalar_one()


async def homestay_by_request_key(session: AsyncSession, user_id: int, key: str) -> Homestay | None:
    query = select(Homestay).where(Homestay.user_id == user_id, Homestay.request_key == key)
    return (await session.scalars(query)).one_or_none()


async def add_homestay(tx: Transaction, shop: HomestayBusiness, key: str | None, values: Mapping[str, Any]) -> Homestay:
    homestay = Homestay(homestay_business_id=shop.id, user_id=shop.user_id, request_key=key, banner="", **values)
    homestay.row_state = 0
    tx.add(homestay)
    await tx.flush()
    return homestay


async def changes(
    session: AsyncSession, user_id: int, homestay_id: int | None, *, below: int, limit: int
) -> Sequence[HostChange]:
    """Newest first."""
    query = newest_first(select(HostChange), HostChange.id, below=below, limit=limit)
    query = query.where(HostChange.user_id == user_id)
    return (await session.scalars(query.where(HostChange.homestay_id == homestay_id) if homestay_id else query)).all()
