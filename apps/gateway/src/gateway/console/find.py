"""Find: one box for whatever is known of a payment. One order leads straight to its way; several are listed.

What is typed comes in a body, never in an address that logs would keep: it may be a mobile or a check-in code.
"""

import asyncio
import re
from typing import Any

from fastapi.responses import RedirectResponse, Response

from gateway.console.acts import Act
from gateway.console.asking import Reading
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()
ACTS: tuple[Act, ...] = ()
WAY = "/console/payments"
ORDER_SN = re.compile(r"HSO[0-9]{22}")
MOBILE = re.compile(r"1[3-9][0-9]{9}")
CHECKIN_CODE = re.compile(r"[0-9A-Z]{8}")
NUMBER = re.compile(r"[0-9A-Za-z_-]{4,64}")
MOST_ORDERS = 20


@router.get("/console")
async def form(visit: SignedIn) -> Response:
    return visit.page("find", what="", searched=False, orders=[], missing=[])


@router.post("/console")
async def search(visit: SignedIn) -> Response:
    """On to the one order, or a page with several or none, which names the services that have not answered."""
    what = visit.form.get("what", "").strip()
    if ORDER_SN.fullmatch(what.upper()):
        return RedirectResponse(f"{WAY}/{what.upper()}", 303)
    orders, missing = await _search(visit, what)
    if len(orders) == 1 and not missing:
        return RedirectResponse(f"{WAY}/{orders[0]['sn']}", 303)
    status = 200 if orders else 503 if missing else 404
    return visit.page("find", status=status, what=what, searched=True, orders=orders, missing=missing)


async def _search(visit: Visit, what: str) -> tuple[list[dict[str, Any]], list[Reading]]:
    """Orders that it may mean, newest first, and the readings that failed. A text may be a number and a code alike."""
    readings: list[Reading] = []
    if MOBILE.fullmatch(what):
        readings += await _of_mobile(visit, what)
    if CHECKIN_CODE.fullmatch(code := _as_code(what)):
        readings.append(await visit.read("order", "orderFind", {"checkinCode": code}))
    if NUMBER.fullmatch(what):
        readings += await _of_number(visit, what)
    found = {each["sn"]: each for reading in readings if reading.data for each in reading.data.get("list", [])}
    orders = sorted(found.values(), key=lambda order: str(order["createdAt"]), reverse=True)
    return orders, [reading for reading in readings if reading.data is None]


async def _of_mobile(visit: Visit, mobile: str) -> list[Reading]:
    account = await visit.read("usercenter", "accountDetail", {"mobile": mobile})
    if account.data is None:
        return [] if account.status == 404 else [account]
    return [await visit.read("order", "orderFind", {"userId": account.data["id"]})]


async def _of_number(visit: Visit, number: str) -> list[Reading]:
    """The orders of payments and refunds with this number, ours or WeChat's."""
    payments = await visit.read("payment", "paymentFind", {"number": number})
    if payments.data is None:
        return [payments]
    sns = list(dict.fromkeys(each["orderSn"] for each in payments.data["list"]))[:MOST_ORDERS]
    return list(await asyncio.gather(*(visit.read("order", "orderFind", {"sn": sn}) for sn in sns)))


def _as_code(what: str) -> str:
    """As hosts may type a check-in code: in lower case, with a space or a hyphen in the middle."""
    return re.sub(r"[\s-]", "", what).upper()
