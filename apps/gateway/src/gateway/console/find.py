"""Find: one box for whatever is known of a payment. One order leads straight to its way; several are listed.

What is typed comes in a body, never in an address that logs would keep: it may be a mobile or a check-in code.
"""

import asyncio
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from fastapi.responses import RedirectResponse, Response

from gateway.console.acts import MOST_REASON, Act
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
SECONDS = 2.0
"""How long one service may take: two are asked one after the other, and the page is there within five seconds."""
Row = Mapping[str, Any]
"""An order, as orderFind tells it or with the members alone that payment knows."""
Found = tuple[list[Row], list[Reading]]
"""Orders, and the readings that failed."""


@router.get("/console")
async def form(visit: SignedIn) -> Response:
    return visit.page("find", what="", searched=False, orders=[], missing=[])


@router.post("/console")
async def search(visit: SignedIn) -> Response:
    """On to the one order, or a page with several or none, which names the services that have not answered."""
    what = visit.form.get("what", "").strip()
    if ORDER_SN.fullmatch(what.upper()):
        return RedirectResponse(f"{WAY}/{what.upper()}", 303)
    note = visit.form.get("note", "").strip()[:MOST_REASON]
    orders, missing = await _search(visit, what, {"note": note} if note else {})
    if len(orders) == 1 and not missing:
        return RedirectResponse(f"{WAY}/{orders[0]['sn']}", 303)
    status = 200 if orders else 503 if missing else 404
    return visit.page("find", status=status, what=what, searched=True, orders=orders, missing=missing)


async def _search(visit: Visit, what: str, why: Mapping[str, str]) -> tuple[list[Row], list[Reading]]:
    """Orders that it may mean, newest first, and the readings that failed. A text may be a number and a code alike.
    `why`: the `note` of the audit, if one was given."""
    if MOBILE.fullmatch(what):
        answers = [await _of_mobile(visit, what, why)]
    else:
        answers = list(await asyncio.gather(_of_code(visit, _as_code(what), why), _of_number(visit, what)))
    rows: dict[str, Row] = {}
    for found, _ in reversed(answers):  # what order tells of its own code last: it knows more than payment
        rows |= {row["sn"]: row for row in found}
    orders = sorted(rows.values(), key=lambda order: str(order["createdAt"]), reverse=True)
    return orders, list({each.service: each for _, missing in answers for each in missing}.values())


async def _of_mobile(visit: Visit, mobile: str, why: Mapping[str, str]) -> Found:
    account = await visit.read("usercenter", "accountDetail", {"mobile": mobile, **why}, seconds=SECONDS)
    if account.data is None:
        return [], [] if account.status == 404 else [account]
    return await _of_order(visit, {"userId": account.data["id"], **why})


async def _of_code(visit: Visit, code: str, why: Mapping[str, str]) -> Found:
    return await _of_order(visit, {"checkinCode": code, **why}) if CHECKIN_CODE.fullmatch(code) else ([], [])


async def _of_order(visit: Visit, known: Mapping[str, Any]) -> Found:
    orders = await visit.read("order", "orderFind", known, seconds=SECONDS)
    return ([], [orders]) if orders.data is None else (orders.data["list"], [])


async def _of_number(visit: Visit, number: str) -> Found:
    """The orders of payments and refunds with this number, ours or WeChat's. Payment alone is enough to find them; order
    is asked only to tell several apart."""
    if not NUMBER.fullmatch(number):
        return [], []
    payments = await visit.read("payment", "paymentFind", {"number": number}, seconds=SECONDS)
    if payments.data is None:
        return [], [payments]
    orders = {payment["orderSn"]: _row(payment) for payment in payments.data["list"]}
    paid = dict(islice(orders.items(), MOST_ORDERS))
    if len(paid) < 2:
        return list(paid.values()), []
    answers = await asyncio.gather(*(_of_order(visit, {"sn": sn}) for sn in paid))
    known = {row["sn"]: row for found, _ in answers for row in found}
    return list((paid | known).values()), [each for _, missing in answers for each in missing]


def _row(payment: Mapping[str, Any]) -> Row:
    """An order as far as payment knows it."""
    return {"sn": payment["orderSn"], "orderTotalFen": payment["totalFen"], "createdAt": payment["createdAt"]}


def _as_code(what: str) -> str:
    """As hosts may type a check-in code: in lower case, with a space or a hyphen in the middle."""
    return re.sub(r"[\s-]", "", what).upper()
