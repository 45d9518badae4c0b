"""All queries of travel. Functions use the caller's transaction and never end it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Float,
    Integer,
    Select,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Transaction
from servicekit.paging import newest_first
from travel.models import (
    GOOD_BUSINESS,
    PREFERRED_HOMESTAY,
    UP,
    BlockedNight,
    ForeignCalendar,
    Homestay,
    HomestayActivity,
    HomestayBusiness,
    HomestayDate,
)
from travel.models import HomestayComment as Comment

_ABOVE_ALL = 2**63 - 1
_SHOP_OPEN = and_(HomestayBusiness.row_state == UP, HomestayBusiness.deleted_at.is_(None))
_ON_SALE = and_(Homestay.row_state == UP, Homestay.deleted_at.is_(None), _SHOP_OPEN)
_STAR = cast(Comment.tidiness + Comment.traffic + Comment.hospitality + Comment.value, Float) / 4
_FOR_ONE = case((Homestay.sold_by == 1, 1), else_=cast(Homestay.people_num, Integer))


@dataclass(frozen=True)
class Rating:
    star: float = 0.0
    count: int = 0


def _homestays_on_sale() -> Select[tuple[Homestay]]:
    return select(Homestay).join(HomestayBusiness, HomestayBusiness.id == Homestay.homestay_business_id).where(_ON_SALE)


def _promoted(kind: str, data_id: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(
        HomestayActivity.data_id == data_id,
        HomestayActivity.kind == kind,
        HomestayActivity.row_status == UP,
        HomestayActivity.deleted_at.is_(None),
    )


# Built once: SQLAlchemy needs longer to build such a statement than the server to execute it.
_PREFERRED = (
    _homestays_on_sale()
    .join(HomestayActivity, _promoted(PREFERRED_HOMESTAY, Homestay.id.expression))
    .order_by(Homestay.id.desc())
    .limit(bindparam("page_size", type_=Integer))
    .offset(bindparam("skipped", type_=Integer))
)
_NEWEST = (
    _homestays_on_sale()
    .where(Homestay.id < bindparam("below"))
    .order_by(Homestay.id.desc())
    .limit(bindparam("count", type_=Integer))
)
_OF_SHOP = _NEWEST.where(Homestay.homestay_business_id == bindparam("shop_id"))
_ON_SALE_BY_ID = _homestays_on_sale().where(Homestay.id == bindparam("homestay_id"))
_BY_ID_AND_ON_SALE = (
    select(Homestay, _ON_SALE)
    .join(HomestayBusiness, HomestayBusiness.id == Homestay.homestay_business_id)
    .where(Homestay.id == bindparam("homestay_id"), Homestay.deleted_at.is_(None))
)
# One statement: an order waits for it. Without dates nothing is joined.
_BLOCKED = func.array(
    select(BlockedNight.night)
    .join(ForeignCalendar, ForeignCalendar.id == BlockedNight.calendar_id)
    .where(
        ForeignCalendar.homestay_id == Homestay.id,
        BlockedNight.night >= bindparam("start", type_=Date),
        BlockedNight.night < bindparam("end", type_=Date),
    )
    .correlate(Homestay)
    .scalar_subquery(),
    type_=ARRAY(Date),
)
_BY_ID_WITH_DATES = _BY_ID_AND_ON_SALE.add_columns(_BLOCKED, HomestayDate).outerjoin(
    HomestayDate,
    and_(
        HomestayDate.homestay_id == Homestay.id,
        HomestayDate.night >= bindparam("start", type_=Date),
        HomestayDate.night < bindparam("end", type_=Date),
    ),
)
_IDS = any_(bindparam("ids", type_=ARRAY(BigInteger)))
_BY_IDS = select(Homestay).where(Homestay.id == _IDS)
_BY_IDS_AND_ON_SALE = (
    select(Homestay, _ON_SALE)
    .join(HomestayBusiness, HomestayBusiness.id == Homestay.homestay_business_id)
    .where(Homestay.id == _IDS, Homestay.deleted_at.is_(None))
)
_DATES_OF_MANY = select(HomestayDate).where(
    HomestayDate.homestay_id == _IDS,
    HomestayDate.night >= bindparam("start", type_=Date),
    HomestayDate.night < bindparam("end", type_=Date),
)
_BLOCKED_OF_MANY = (
    select(ForeignCalendar.homestay_id, BlockedNight.night)
    .join(BlockedNight, BlockedNight.calendar_id == ForeignCalendar.id)
    .where(
        ForeignCalendar.homestay_id == _IDS,
        BlockedNight.night >= bindparam("start", type_=Date),
        BlockedNight.night < bindparam("end", type_=Date),
    )
)
_RATINGS = (
    select(Comment.homestay_id, func.avg(_STAR), func.count())
    .where(Comment.homestay_id == any_(bindparam("ids", type_=ARRAY(BigInteger))), Comment.deleted_at.is_(None))
    .group_by(Comment.homestay_id)
)


async def preferred_homestays(session: AsyncSession, page: int, page_size: int) -> Sequence[Homestay]:
    asked = {"page_size": page_size, "skipped": (max(page, 1) - 1) * page_size}
    return (await session.scalars(_PREFERRED, asked)).all()


async def homestays_of_shop(session: AsyncSession, shop_id: int, last_id: int, limit: int) -> Sequence[Homestay]:
    asked = {"shop_id": shop_id, "below": last_id or _ABOVE_ALL, "count": limit}
    return (await session.scalars(_OF_SHOP, asked)).all()


async def newest_homestays(session: AsyncSession, limit: int) -> Sequence[Homestay]:
    return (await session.scalars(_NEWEST, {"below": _ABOVE_ALL, "count": limit})).all()


async def homestay_on_sale(session: AsyncSession, homestay_id: int) -> Homestay | None:
    return (await session.scalars(_ON_SALE_BY_ID, {"homestay_id": homestay_id})).one_or_none()


async def homestays_by_ids(session: AsyncSession, ids: Sequence[int]) -> list[Homestay]:
    """Those that exist, in the order of `ids`."""
    found = {each.id: each for each in await session.scalars(_BY_IDS, {"ids": list(ids)})}
    return [found[each] for each in ids if each in found]


async def homestay_and_whether_on_sale(session: AsyncSession, homestay_id: int) -> tuple[Homestay, bool] | None:
    row = (await session.execute(_BY_ID_AND_ON_SALE, {"homestay_id": homestay_id})).one_or_none()
    return (row[0], row[1]) if row else None


@dataclass(frozen=True)
class Offered:
    """A homestay, whether it is on sale, what its host set for nights, and the nights that foreign calendars block."""

    homestay: Homestay
    on_sale: bool
    settings: list[HomestayDate] = field(default_factory=list)
    blocked: set[date] = field(default_factory=set)


async def homestay_with_dates(
    session: AsyncSession, homestay_id: int, start: date | None, end: date | None
) -> Offered | None:
    """A homestay, with what is known of nights with start ≤ night < end: one statement, for an order that comes alone."""
    asked = {"homestay_id": homestay_id, "start": start, "end": end}
    rows = (await session.execute(_BY_ID_WITH_DATES, asked)).all()
    if not rows:
        return None
    homestay, on_sale, blocked, _ = rows[0]
    return Offered(homestay, on_sale, [row[3] for row in rows if row[3] is not None], set(blocked))


async def homestays_with_dates(
    session: AsyncSession, ids: Collection[int], start: date, end: date
) -> dict[int, Offered]:
    """Those of the homestays that exist, with what is known of nights with start ≤ night < end."""
    asked = {"ids": list(ids), "start": start, "end": end}
    rows = await session.execute(_BY_IDS_AND_ON_SALE, asked)
    found = {homestay.id: Offered(homestay, on_sale) for homestay, on_sale in rows}
    for setting in await session.scalars(_DATES_OF_MANY, asked):
        if setting.homestay_id in found:
            found[setting.homestay_id].settings.append(setting)
    for homestay_id, night in await session.execute(_BLOCKED_OF_MANY, asked):
        if homestay_id in found:
            found[homestay_id].blocked.add(night)
    return found


async def ratings_of_homestays(session: AsyncSession, ids: Collection[int]) -> dict[int, Rating]:
    rows = await session.execute(_RATINGS, {"ids": list(ids)})
    return {row[0]: Rating(round(row[1], 1), row[2]) for row in rows}


async def good_shops(session: AsyncSession, limit: int) -> Sequence[HomestayBusiness]:
    query = select(HomestayBusiness).join(HomestayActivity, _promoted(GOOD_BUSINESS, HomestayBusiness.id.expression))
    return (await session.scalars(query.where(_SHOP_OPEN).order_by(HomestayBusiness.id.desc()).limit(limit))).all()


async def shops(session: AsyncSession, last_id: int, limit: int) -> Sequence[HomestayBusiness]:
    query = select(HomestayBusiness).where(_SHOP_OPEN)
    return (await session.scalars(newest_first(query, HomestayBusiness.id, below=last_id, limit=limit))).all()


async def shop_by_id(session: AsyncSession, shop_id: int) -> HomestayBusiness | None:
    query = select(HomestayBusiness).where(HomestayBusiness.id == shop_id, _SHOP_OPEN)
    return (await session.scalars(query)).one_or_none()


async def stars_of_shops(session: AsyncSession, ids: Collection[int]) -> dict[int, float]:
    query = (
        select(Homestay.homestay_business_id, func.avg(_STAR))
        .join(Comment, Comment.homestay_id == Homestay.id)
        .where(Homestay.homestay_business_id.in_(ids), Comment.deleted_at.is_(None))
        .group_by(Homestay.homestay_business_id)
    )
    return {row[0]: round(row[1], 1) for row in await session.execute(query)}


async def cheapest_fen_of_shops(session: AsyncSession, ids: Collection[int]) -> dict[int, float]:
    """The lowest base price of a night for one person, in fen, by shop id. Weekends and dates (`night_prices`) are left
    out: what a stay costs is order's quote."""
    query = (
        _homestays_on_sale()
        .with_only_columns(Homestay.homestay_business_id, func.min(cast(Homestay.homestay_price_fen, Float) / _FOR_ONE))
        .where(Homestay.homestay_business_id.in_(ids))
        .group_by(Homestay.homestay_business_id)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def comments(session: AsyncSession, homestay_id: int | None, last_id: int, limit: int) -> Sequence[Comment]:
    query = select(Comment).where(Comment.deleted_at.is_(None))
    if homestay_id is not None:
        query = query.where(Comment.homestay_id == homestay_id)
    return (await session.scalars(newest_first(query, Comment.id, below=last_id, limit=limit))).all()


async def add_comment(tx: Transaction, **values: object) -> int | None:
    """The new id; None when the order already has a comment."""
    statement = insert(Comment).values(**values).on_conflict_do_nothing(index_elements=[Comment.order_sn])
    return (await tx.execute(statement.returning(Comment.id))).scalar()
