"""Reads shops and their hosts. While usercenter is unavailable lists have no names; a detail raises PeerUnavailable."""

from dataclasses import dataclass

from servicekit.db import Database
from travel import repository
from travel.errors import ShopNotFound
from travel.models import HomestayBusiness
from travel.peers import Profile, UserPeer

GOOD_BOSSES = 10


@dataclass(frozen=True)
class Host:
    """A shop's host. `profile` None: unknown, or usercenter is unavailable. `rank` is the place among the good bosses,
    from 1; 0 for none."""

    shop: HomestayBusiness
    profile: Profile | None
    rank: int


@dataclass(frozen=True)
class ListedShop:
    """`star` is the average of its homestays' comments; `cheapest_fen` the lowest base price of a night for one
    person."""

    shop: HomestayBusiness
    star: float
    cheapest_fen: float


@dataclass(kw_only=True, eq=False)
class Shops:
    db: Database
    users: UserPeer

    async def good_bosses(self) -> list[Host]:
        async with self.db.read() as session:
            shops = await repository.good_shops(session, GOOD_BOSSES)
        profiles = await self.users.profiles([shop.user_id for shop in shops])
        return [Host(shop, profiles.get(shop.user_id), rank) for rank, shop in enumerate(shops, start=1)]

    async def page(self, last_id: int, page_size: int) -> list[ListedShop]:
        """Newest first."""
        async with self.db.read() as session:
            shops = await repository.shops(session, last_id, page_size)
            ids = [shop.id for shop in shops]
            stars = await repository.stars_of_shops(session, ids)
            cheapest = await repository.cheapest_fen_of_shops(session, ids)
        return [ListedShop(shop, stars.get(shop.id, 0.0), cheapest.get(shop.id, 0)) for shop in shops]

    async def detail(self, shop_id: int) -> tuple[Host, float]:
        """A shop's host and its star. Raises ShopNotFound, also for a closed one; PeerUnavailable while usercenter does not
        answer."""
        async with self.db.read() as session:
            shop = await repository.shop_by_id(session, shop_id)
            if shop is None:
                raise ShopNotFound("absent, or closed", field="id")
            stars = await repository.stars_of_shops(session, [shop.id])
            good = [each.id for each in await repository.good_shops(session, GOOD_BOSSES)]
        profile = await self.users.profile(shop.user_id)
        return Host(shop, profile, good.index(shop.id) + 1 if shop.id in good else 0), stars.get(shop.id, 0.0)
