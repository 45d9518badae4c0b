"""A host's homestays: create, edit, put on sale and take off again. A host sees and changes own ones only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servicekit.clock import Clock
from servicekit.db import Database
from travel.errors import HomestayNotFound, LimitsContradict, NotSellable, ShopNotFound, TooManyHomestays
from travel.hosting import changes, repository
from travel.models import UP, Homestay, HomestayBusiness

MOST_HOMESTAYS = 200
"""Of one shop."""
DOWN = 0


@dataclass(kw_only=True, eq=False)
class HostHomestays:
    db: Database
    clock: Clock

    async def page(self, user_id: int, last_id: int, size: int) -> Sequence[Homestay]:
        """On sale or not, newest first."""
        async with self.db.read() as session:
            return await repository.homestays_of(session, user_id, below=last_id, limit=size)

    async def detail(self, user_id: int, homestay_id: int) -> Homestay:
        """Raises HomestayNotFound, also for another host's."""
        async with self.db.read() as session:
            return _found(await repository.own_homestay(session, user_id, homestay_id))

    async def create(self, user_id: int, key: str | None, values: Mapping[str, Any]) -> Homestay:
        """A homestay that is not on sale yet; `values` by column. The same `key` again returns the first one. Raises
        ShopNotFound while the host has no shop, LimitsContradict, TooManyHomestays."""
        _require_limits(values)
        async with self.db.transaction() as tx:
            shop = await repository.shop_of(tx, user_id, lock=True)
            if shop is None:
                raise ShopNotFound("the host has no shop")
            created = await repository.homestay_by_request_key(tx, user_id, key) if key else None
            if created is not None:
                return created
            if await repository.count_homestays(tx, shop.id) >= MOST_HOMESTAYS:
                raise TooManyHomestays(f"shop {shop.id}", most=MOST_HOMESTAYS)
            homestay = await repository.add_homestay(tx, shop, key, values)
            changes.record(
                tx, self.clock(), user_id, "homestayCreate", before={}, after=values, homestay_id=homestay.id
            )
        return homestay

    async def edit(self, user_id: int, homestay_id: int, values: Mapping[str, Any]) -> Homestay:
        """Replace all `values`, by column. Orders keep what they were booked with. Raises HomestayNotFound,
        LimitsContradict; NotSellable for one on sale that would lose what that needs."""
        _require_limits(values)
        async with self.db.transaction() as tx:
            homestay = _found(await repository.own_homestay(tx, user_id, homestay_id, lock=True))
            before = {name: getattr(homestay, name) for name in values}
            for name, value in values.items():
                setattr(homestay, name, value)
            if homestay.row_state == UP:
                _require_sellable(homestay, await repository.shop_of(tx, user_id))
            now, action = self.clock(), "homestayEdit"
            if changes.record(tx, now, user_id, action, before=before, after=values, homestay_id=homestay_id):
                homestay.version += 1
        return homestay

    async def set_sale(self, user_id: int, homestay_id: int, *, on_sale: bool) -> Homestay:
        """Take bookings, or no more of them: those that exist stay. Raises HomestayNotFound, NotSellable."""
        async with self.db.transaction() as tx:
            homestay = _found(await repository.own_homestay(tx, user_id, homestay_id, lock=True))
            if on_sale:
                _require_sellable(homestay, await repository.shop_of(tx, user_id))
            before, after = {"on_sale": homestay.row_state == UP}, {"on_sale": on_sale}
            now, action = self.clock(), "homestaySetSale"
            if changes.record(tx, now, user_id, action, before=before, after=after, homestay_id=homestay_id):
                homestay.row_state = UP if on_sale else DOWN
                homestay.version += 1
        return homestay


def _found(homestay: Homestay | None) -> Homestay:
    if homestay is None:
        raise HomestayNotFound("no such homestay of this host", field="id")
    return homestay


def _require_limits(values: Mapping[str, Any]) -> None:
    if values["max_nights"] < values["min_nights"]:
        raise LimitsContradict(f"{values['max_nights']} below {values['min_nights']}", field="maxNights")


def _require_sellable(homestay: Homestay, shop: HomestayBusiness | None) -> None:
    """Raises NotSellable unless guests can find it (city), read what it is (info) and book it (stock, an open shop). Title
    and prices are required of every homestay; pictures are not: a page without any has a placeholder."""
    has = {
        "info": bool(homestay.info),
        "city": bool(homestay.city),
        "stock": homestay.stock > 0,
        "shop": shop is not None and shop.row_state == UP,
    }
    missing = [name for name, there in has.items() if not there]
    if missing:
        raise NotSellable(f"homestay {homestay.id} lacks {', '.join(missing)}", field=missing[0], missing=missing)
