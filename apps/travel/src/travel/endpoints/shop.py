"""`/travel/v1/homestayBussiness/…` (the source's spelling): shops and their bosses, for anybody."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.schemas import Ok
from travel.endpoints.language import Language
from travel.schemas import Boss, ById, KeysetRequest, Listed, ShopDetail, ShopListed
from travel.shops import Shops

router = APIRouter(prefix="/travel/v1/homestayBussiness", tags=["homestayBussiness"])

TheShops = Annotated[Shops, Depends(provided(Shops))]


@router.post("/goodBoss")
async def list_good_bosses(shops: TheShops, language: Language) -> Ok[Listed[Boss]]:
    """At most ten; nameless ones while usercenter does not answer."""
    return Ok(data=Listed(list=await shops.good_bosses(language)))


@router.post("/homestayBussinessList")
async def list_shops(body: KeysetRequest, shops: TheShops) -> Ok[Listed[ShopListed]]:
    return Ok(data=Listed(list=await shops.page(body.last_id, body.page_size)))


@router.post("/homestayBussinessDetail")
async def show_shop(body: ById, shops: TheShops, language: Language) -> Ok[ShopDetail]:
    return Ok(data=await shops.detail(body.id, language))
