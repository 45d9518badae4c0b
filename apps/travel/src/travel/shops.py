"""Shops and the people behind them. Lists go without names while usercenter is away; a detail says 503 instead."""

import math

from servicekit.db import Database
from servicekit.messages import Catalogue
from travel import repository
from travel.errors import ShopNotFound
from travel.models import HomestayBusiness
from travel.peers import Profile, Users
from travel.schemas import Boss, ShopDetail, ShopListed, ShopOut

GOOD_BOSSES = 10


class Shops:
    def __init__(self, db: Database, users: Users, catalogue: Catalogue) -> None:
        self._db, self._users, self._catalogue = db, users, catalogue

    async def good_bosses(self, language: str) -> list[Boss]:
        async with self._db.read() as session:
            shops = await repository.good_shops(session, GOOD_BOSSES)
        profiles = await self._users.profiles([shop.user_id for shop in shops])
        return [
            self._boss(shop, profiles.get(shop.user_id), rank, language) for rank, shop in enumerate(shops, start=1)
        ]

    async def page(self, last_id: int, page_size: int) -> list[ShopListed]:
        async with self._db.read() as session:
            shops = await repository.shops(session, last_id, page_size)
            ids = [shop.id for shop in shops]
            stars = await repository.stars_of_shops(session, ids)
            cheapest = await repository.cheapest_fen_of_shops(session, ids)
        return [
            ShopListed(
                **_shown(shop, stars).model_dump(),
                sell_month=0,
                person_consume=math.ceil(cheapest.get(shop.id, 0) / 100),
            )
            for shop in shops
        ]

    async def detail(self, shop_id: int, language: str) -> ShopDetail:
        """Raises ShopNotFound for a closed one as well; PeerUnavailable while its boss cannot be named."""
        async with self._db.read() as session:
            shop = await repository.shop_by_id(session, shop_id)
            if shop is None:
                raise ShopNotFound("absent, or closed", field="id")
            stars = await repository.stars_of_shops(session, [shop.id])
            good = [each.id for each in await repository.good_shops(session, GOOD_BOSSES)]
        profile = await self._users.profile(shop.user_id)
        rank = good.index(shop.id) + 1 if shop.id in good else 0
        return ShopDetail(boss=self._boss(shop, profile, rank, language), homestay_business=_shown(shop, stars))

    def _boss(self, shop: HomestayBusiness, profile: Profile | None, rank: int, language: str) -> Boss:
        return Boss(
            id=shop.user_id,
            user_id=shop.user_id,
            nickname=profile.nickname if profile else self._catalogue.text("anonymous-host", language),
            avatar=profile.avatar if profile else "",
            info=shop.boss_info,
            rank=rank,
            homestay_business_id=shop.id,
        )


def _shown(shop: HomestayBusiness, stars: dict[int, float]) -> ShopOut:
    return ShopOut(
        id=shop.id,
        title=shop.title,
        info=shop.info,
        tags=shop.tags,
        cover=shop.cover,
        star=stars.get(shop.id, 0.0),
        is_fav=0,
        header_img=shop.header_img,
    )
