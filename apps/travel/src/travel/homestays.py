"""Reads homestays: lists, details, and the snapshot for an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Database
from travel import photo_repository, repository
from travel.errors import HomestayNotFound
from travel.models import Homestay, HomestayPhoto
from travel.night_prices import NightOffer, night_offers
from travel.repository import Offered, Rating

GUESSES = 5
Rated = tuple[Homestay, Rating, Sequence[HomestayPhoto]]
"""A homestay with what guests think of it, and its photos, the cover first."""
Snapshot = tuple[Homestay, bool, list[NightOffer]]
"""A homestay, whether it is on sale, and its offer for each night of a stay."""


class AskedStay(NamedTuple):
    homestay_id: int
    start: date
    end: date


@dataclass(kw_only=True, eq=False)
class Homestays:
    db: Database

    async def preferred(self, page: int, page_size: int) -> list[Rated]:
        async with self.db.read() as session:
            return await rated(session, await repository.preferred_homestays(session, page, page_size))

    async def of_shop(self, shop_id: int, last_id: int, page_size: int) -> list[Rated]:
        async with self.db.read() as session:
            return await rated(session, await repository.homestays_of_shop(session, shop_id, last_id, page_size))

    async def guesses(self) -> list[Rated]:
        async with self.db.read() as session:
            return await rated(session, await repository.newest_homestays(session, GUESSES))

    async def detail(self, homestay_id: int) -> Rated:
        """Raises HomestayNotFound, also for one that is not on sale."""
        async with self.db.read() as session:
            homestay = await repository.homestay_on_sale(session, homestay_id)
            if homestay is None:
                raise HomestayNotFound("absent, or not on sale", field="id")
            return (await rated(session, [homestay]))[0]

    async def snapshot(self, homestay_id: int, start: date | None, end: date | None) -> Snapshot:
        """A homestay, whether it is on sale, and the offer for each night with start ≤ night < end (none without both).
        Raises HomestayNotFound when there is no such homestay."""
        async with self.db.read() as session:
            found = await repository.homestay_with_dates(session, homestay_id, start, end)
        if found is None:
            raise HomestayNotFound("no such homestay", field="homestayId")
        return _snapshot(found, start, end)

    async def snapshots(self, stays: Sequence[AskedStay]) -> list[Snapshot | None]:
        """`snapshot` of many stays in one go, at the same positions; None where there is no such homestay."""
        first, last = min(each.start for each in stays), max(each.end for each in stays)
        async with self.db.read() as session:
            found = await repository.homestays_with_dates(session, {each.homestay_id for each in stays}, first, last)
        return [
            _snapshot(offered, each.start, each.end) if (offered := found.get(each.homestay_id)) else None
            for each in stays
        ]


def _snapshot(found: Offered, start: date | None, end: date | None) -> Snapshot:
    nights = night_offers(found.homestay, found.settings, start, end, blocked=found.blocked) if start and end else []
    return found.homestay, found.on_sale, nights


async def rated(session: AsyncSession, homestays: Sequence[Homestay]) -> list[Rated]:
    """In the same order."""
    ids = [each.id for each in homestays]
    ratings = await repository.ratings_of_homestays(session, ids)
    photos = await photo_repository.of_homestays(session, ids)
    return [(each, ratings.get(each.id, Rating()), photos.get(each.id, [])) for each in homestays]
