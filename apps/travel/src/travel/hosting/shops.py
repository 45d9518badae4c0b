"""A host's own shop, which an approved application opened."""

from collections.abc import Mapping
from dataclasses import dataclass

from servicekit.clock import Clock
from servicekit.db import Database
from travel.errors import ShopNotFound
from travel.hosting import changes, repository
from travel.models import HomestayBusiness


@dataclass(kw_only=True, eq=False)
class HostShops:
    db: Database
    clock: Clock

    async def detail(self, user_id: int) -> HomestayBusiness:
        """Also a closed one. Raises ShopNotFound."""
        async with self.db.read() as session:
            return _found(await repository.shop_of(session, user_id))

    async def edit(self, user_id: int, values: Mapping[str, str]) -> HomestayBusiness:
        """Replace `values`, by column. Raises ShopNotFound."""
        async with self.db.transaction() as tx:
            shop = _found(await repository.shop_of(tx, user_id, lock=True))
            before = {name: getattr(shop, name) for name in values}
            if changes.record(tx, self.clock(), user_id, "shopEdit", before=before, after=values):
                for name, value in values.items():
                    setattr(shop, name, value)
                shop.version += 1
        return shop


def _found(shop: HomestayBusiness | None) -> HomestayBusiness:
    if shop is None:
        raise ShopNotFound("the host has no shop")
    return shop
