"""Public endpoints for shops and their hosts: `/travel/v1/homestayBussiness/…` (the source system's spelling)."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.errors import PeerUnavailable
from servicekit.problems import declared
from servicekit.schemas import Ok
from travel.endpoints.catalogue import CatalogueRoute
from travel.endpoints.language import Translate
from travel.errors import ShopNotFound
from travel.schemas import Boss, ById, KeysetRequest, Listed, ShopDetail, ShopListed, ShopOut
from travel.shops import Shops

router = APIRouter(prefix="/travel/v1/homestayBussiness", tags=["homestayBussiness"], route_class=CatalogueRoute)

TheShops = Annotated[Shops, Depends(provided(Shops))]


@router.post("/goodBoss")
async def list_good_bosses(shops: TheShops, translate: Translate) -> Ok[Listed[Boss]]:
    """At most ten; without names while usercenter is unavailable."""
    anonymous = translate("anonymous-host")
    return Ok(data=Listed(list=[Boss.of(host, anonymous) for host in await shops.good_bosses()]))


@router.post("/homestayBussinessList")
async def list_shops(body: KeysetRequest, shops: TheShops) -> Ok[Listed[ShopListed]]:
    found = await shops.page(body.last_id, body.page_size)
    return Ok(data=Listed(list=[ShopListed.listed(each) for each in found]))


@router.post("/homestayBussinessDetail", responses=declared(ShopNotFound, PeerUnavailable))
async def show_shop(body: ById, shops: TheShops, translate: Translate) -> Ok[ShopDetail]:
    host, star = await shops.detail(body.id)
    boss = Boss.of(host, translate("anonymous-host"))
    return Ok(data=ShopDetail(boss=boss, homestay_business=ShopOut.of(host.shop, star)))
