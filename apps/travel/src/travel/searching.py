"""Finds homestays by place, people, price and dates. What it finds for dates was free when travel last heard of them."""

from dataclasses import dataclass

from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from travel import repository, search_repository
from travel.homestays import Rated, rated
from travel.search_repository import Criteria


@dataclass(frozen=True)
class Found:
    """`from_fen`: a night of one unit, at the base price or, with dates, on the average of the stay, rounded down.
    `stay_total_fen`: the stay of all, without food; None without dates."""

    rated: Rated
    from_fen: int
    stay_total_fen: int | None


@dataclass(kw_only=True, eq=False)
class Searching:
    db: Database
    clock: Clock

    async def search(self, criteria: Criteria, page: int, page_size: int) -> tuple[list[Found], int]:
        """A page of those that fit, and how many fit in all. A stay in the past finds nothing."""
        today = self.clock().astimezone(SHANGHAI).date()
        async with self.db.read() as session:
            hits, total = await search_repository.search(session, criteria, today, page, page_size)
            unit_fen = {each.homestay_id: each.unit_fen for each in hits}
            homestays = await rated(session, await repository.homestays_by_ids(session, list(unit_fen)))
        return [_found(each, unit_fen[each[0].id], criteria) for each in homestays], total

    async def cities(self) -> list[tuple[str, int]]:
        """The cities with homestays on sale and their number, the largest first."""
        async with self.db.read() as session:
            return await search_repository.cities(session)


def _found(rated: Rated, unit_fen: int, criteria: Criteria) -> Found:
    units = criteria.people if rated[0].sold_by else 1
    return Found(rated, unit_fen // max(1, criteria.nights), unit_fen * units if criteria.nights else None)
