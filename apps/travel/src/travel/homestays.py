"""What can be booked: lists, one in detail, and the snapshot that an order keeps."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Database
from servicekit.money import yuan
from travel import repository
from travel.errors import HomestayNotFound
from travel.models import Homestay
from travel.repository import Rating
from travel.schemas import HomestayOut, HomestaySnapshot

GUESSES = 5


class Homestays:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def preferred(self, page: int, page_size: int) -> list[HomestayOut]:
        async with self._db.read() as session:
            return await _shown(session, await repository.preferred_homestays(session, page, page_size))

    async def of_shop(self, shop_id: int, last_id: int, page_size: int) -> list[HomestayOut]:
        async with self._db.read() as session:
            return await _shown(session, await repository.homestays_of_shop(session, shop_id, last_id, page_size))

    async def guesses(self) -> list[HomestayOut]:
        async with self._db.read() as session:
            return await _shown(session, await repository.newest_homestays(session, GUESSES))

    async def detail(self, homestay_id: int) -> HomestayOut:
        """Raises HomestayNotFound for one that is not on sale as well."""
        async with self._db.read() as session:
            homestay = await repository.homestay_on_sale(session, homestay_id)
            if homestay is None:
                raise HomestayNotFound("absent, or not on sale", field="id")
            return (await _shown(session, [homestay]))[0]

    async def snapshot(self, homestay_id: int) -> HomestaySnapshot:
        """On sale or not, with the word for it. Raises HomestayNotFound when there is none."""
        async with self._db.read() as session:
            found = await repository.homestay_and_whether_on_sale(session, homestay_id)
        if found is None:
            raise HomestayNotFound("no such homestay", field="homestayId")
        return snapshot_of(*found)


def snapshot_of(homestay: Homestay, on_sale: bool) -> HomestaySnapshot:
    return HomestaySnapshot(
        id=homestay.id,
        title=homestay.title,
        sub_title=homestay.sub_title,
        cover=homestay.banner.split(",")[0].strip(),
        info=homestay.info,
        people_num=homestay.people_num,
        row_type=homestay.row_type,
        food_info=homestay.food_info,
        food_price_fen=homestay.food_price_fen,
        homestay_price_fen=homestay.homestay_price_fen,
        market_homestay_price_fen=homestay.market_homestay_price_fen,
        homestay_business_id=homestay.homestay_business_id,
        homestay_user_id=homestay.user_id,
        on_sale=on_sale,
    )


async def _shown(session: AsyncSession, homestays: Sequence[Homestay]) -> list[HomestayOut]:
    ratings = await repository.ratings_of_homestays(session, [each.id for each in homestays])
    return [shown(each, ratings.get(each.id, Rating())) for each in homestays]


def shown(homestay: Homestay, rating: Rating) -> HomestayOut:
    return HomestayOut(
        id=homestay.id,
        title=homestay.title,
        sub_title=homestay.sub_title,
        banner=homestay.banner,
        info=homestay.info,
        people_num=homestay.people_num,
        homestay_business_id=homestay.homestay_business_id,
        user_id=homestay.user_id,
        row_state=homestay.row_state,
        row_type=homestay.row_type,
        food_info=homestay.food_info,
        food_price=yuan(homestay.food_price_fen),
        homestay_price=yuan(homestay.homestay_price_fen),
        market_homestay_price=yuan(homestay.market_homestay_price_fen),
        star=rating.star,
        comment_num=rating.count,
    )
