"""The query that finds homestays: one statement for a page and the number of all. Functions use the caller's transaction
and never end it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from travel.night_prices import WEEKEND_NIGHTS, nights_between

MOST_CITIES = 100
NO_LIMIT_FEN = 2**53


class Sort(StrEnum):
    RECOMMENDED = "recommended"
    PRICE_UP = "priceUp"
    PRICE_DOWN = "priceDown"
    STAR = "star"


@dataclass(frozen=True)
class Criteria:
    """`stay`: first night and day of departure. Prices are of one unit and night: the base price or, with a stay, the
    average of its nights."""

    stay: tuple[date, date] | None
    people: int
    city: str
    low_fen: int | None
    high_fen: int | None
    sort: Sort

    @property
    def nights(self) -> int:
        return (self.stay[1] - self.stay[0]).days if self.stay else 0


class Hit(NamedTuple):
    """`unit_fen`: one unit for the whole stay; for one night without a stay."""

    homestay_id: int
    unit_fen: int


_ON_SALE = """
  from homestay h join homestay_business b on b.id = h.homestay_business_id
 where h.row_state = 1 and h.deleted_at is null and b.row_state = 1 and b.deleted_at is null
"""
_UNITS = "case h.sold_by when 1 then cast(:people as int) else 1 end"
_WEEKEND_FEN = "coalesce(h.weekend_price_fen, h.homestay_price_fen)"
_WEEKEND = f"extract(isodow from d.night) in ({', '.join(str(day + 1) for day in sorted(WEEKEND_NIGHTS))})"
_OF_STAY = "{0}.night >= cast(:start as date) and {0}.night < cast(:end as date)"
# The rule of `night_prices`, so that the database can sort by it; a test holds the two together.
_STAY_FEN = f"""
  :weekdays * h.homestay_price_fen + :weekend_nights * {_WEEKEND_FEN}
  + coalesce((
    select cast(sum(d.price_fen - case when {_WEEKEND} then {_WEEKEND_FEN} else h.homestay_price_fen end) as bigint)
      from homestay_date d where d.homestay_id = h.id and {_OF_STAY.format("d")} and d.price_fen is not null), 0)
"""  # noqa: S608 - fragments of this file
_FREE = f"""
   and cast(:nights as int) between h.min_nights and h.max_nights and {_UNITS} <= h.stock
   and cast(:start as date) between cast(:today as date) and cast(:today as date) + h.days_ahead
   and not exists (select from homestay_date d where d.homestay_id = h.id and {_OF_STAY.format("d")} and d.closed)
   and not exists (select from foreign_calendar c join blocked_night k on k.calendar_id = c.id
                    where c.homestay_id = h.id and {_OF_STAY.format("k")})
   and not exists (select from homestay_night n where n.homestay_id = h.id and {_OF_STAY.format("n")}
                      and n.taken + {_UNITS} > h.stock)
"""  # noqa: S608 - fragments of this file
_RANKS = {
    Sort.RECOMMENDED: """(
      select -count(*) from homestay_activity a
       where a.data_id = f.id and a.kind = 'preferredHomestay' and a.row_status = 1 and a.deleted_at is null)""",
    Sort.PRICE_UP: "f.unit_fen",
    Sort.PRICE_DOWN: "-f.unit_fen",
    Sort.STAR: """coalesce((
      select -avg(m.tidiness + m.traffic + m.hospitality + m.value) from homestay_comment m
       where m.homestay_id = f.id and m.deleted_at is null), 0)""",
}
_CITIES = text(
    f"select h.city, count(*) as homestays {_ON_SALE} and h.city <> ''"
    f" group by h.city order by homestays desc, h.city limit {MOST_CITIES}"
)


@cache
def statement(sort: Sort, *, has_stay: bool, has_city: bool) -> TextClause:
    """Selects id and price of a page, and the number of all in each row; one row without an id when the page is empty."""
    return text(f"""
with fitting as (
  select h.id, {_STAY_FEN if has_stay else "h.homestay_price_fen"} as unit_fen {_ON_SALE}
   and h.people_num >= :people {"and h.city = :city" if has_city else ""} {_FREE if has_stay else ""}
), found as materialized (
  select f.id, f.unit_fen, {_RANKS[sort]} as rank from fitting f
   where f.unit_fen between cast(:low as bigint) and cast(:high as bigint)
), page as (
  select * from found order by rank, id desc limit :size offset :skipped
)
select page.id, page.unit_fen, everything.total from (select count(*) as total from found) everything
  left join page on true order by page.rank, page.id desc
""")  # noqa: S608 - fragments of this file


async def search(
    session: AsyncSession, criteria: Criteria, today: date, page: int, page_size: int
) -> tuple[list[Hit], int]:
    """A page of the hits, in order, and the number of all."""
    query = statement(criteria.sort, has_stay=criteria.stay is not None, has_city=bool(criteria.city))
    rows = (await session.execute(query, parameters(criteria, today, page, page_size))).all()
    return [Hit(row.id, row.unit_fen) for row in rows if row.id is not None], rows[0].total


def parameters(criteria: Criteria, today: date, page: int, page_size: int) -> dict[str, object]:
    low, high = criteria.low_fen or 0, NO_LIMIT_FEN if criteria.high_fen is None else criteria.high_fen
    nights = max(1, criteria.nights)
    given: dict[str, object] = {
        "people": criteria.people,
        "low": low * nights,
        "high": min(high * nights, NO_LIMIT_FEN),
        "size": page_size,
        "skipped": (max(page, 1) - 1) * page_size,
    }
    if criteria.city:
        given["city"] = criteria.city
    if criteria.stay:
        start, end = criteria.stay
        weekend_nights = sum(night.weekday() in WEEKEND_NIGHTS for night in nights_between(start, end))
        given |= {"start": start, "end": end, "today": today, "nights": criteria.nights}
        given |= {"weekdays": criteria.nights - weekend_nights, "weekend_nights": weekend_nights}
    return given


async def cities(session: AsyncSession) -> list[tuple[str, int]]:
    return [(row.city, row.homestays) for row in await session.execute(_CITIES)]
