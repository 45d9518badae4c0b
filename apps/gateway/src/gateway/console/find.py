"""Find: one box for whatever is known of a payment. One order leads straight to its way; several are listed.

What is typed comes in a body, never in an address that logs would keep: it may be a mobile or a check-in code.
"""

import asyncio
import re
import unicodedata
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

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
OUR_NUMBER = re.compile(r"(?:HSO|PMT|RFD)[0-9]{22}")
NUMBER = re.compile(r"[0-9A-Za-z_-]{4,64}")
MOST_ORDERS = 20
FIRST_UNTIL, UNTIL = 1.5, 2.1
"""By when services must have responded that others are asked after, and all: with the way of a payment (`payments.py`),
which mostly follows, five seconds."""
Row = Mapping[str, Any]
"""An order, as orderFind tells it or with the members alone that payment knows."""
Found = tuple[list[Row], list[Reading]]
"""Orders, and the readings that failed."""


class Typed(NamedTuple):
    """What a typed text may be, in the form that services take; None what it cannot be. A mobile is nothing else."""

    mobile: str | None = None
    code: str | None = None
    number: str | None = None


def read_typed(what: str) -> Typed:
    """As people type and paste: in lower case or full width, with spaces, with hyphens in a mobile or a code, a mobile with
    +86. `minsu ops find` has the same rules (held by `tests/contract/test_console_agrees.py`)."""
    text = _without("ZC", unicodedata.normalize("NFKC", what))
    bare = _without("P", text).upper()
    if mobile := re.fullmatch(rf"(?:(?:\+|00)?86)?({MOBILE.pattern})", bare, re.ASCII):
        return Typed(mobile=mobile[1])
    number = text.upper() if OUR_NUMBER.fullmatch(text.upper()) else text
    return Typed(
        code=bare if CHECKIN_CODE.fullmatch(bare) else None, number=number if NUMBER.fullmatch(number) else None
    )


def _without(categories: str, text: str) -> str:
    """`text` without the characters of Unicode's major categories: Z spaces, C controls, P punctuation."""
    return "".join(each for each in text if unicodedata.category(each)[0] not in categories)


@router.get("/console")
async def form(visit: SignedIn) -> Response:
    return visit.page("find", what="", searched=False, orders=[], missing=[])


@router.post("/console")
async def search(visit: SignedIn) -> Response:
    """On to the one order, or a page with several or none, which names the services that have not answered."""
    what = visit.form.get("what", "").strip()
    typed = read_typed(what)
    if typed.number and ORDER_SN.fullmatch(typed.number):
        return RedirectResponse(f"{WAY}/{typed.number}", 303)
    note = visit.form.get("note", "").strip()[:MOST_REASON]
    orders, missing = await _search(visit, typed, {"note": note} if note else {})
    if len(orders) == 1 and not missing:
        return RedirectResponse(f"{WAY}/{orders[0]['sn']}", 303)
    status = 200 if orders else 503 if missing else 404
    return visit.page("find", status=status, what=what, searched=True, orders=orders, missing=missing)


async def _search(visit: Visit, typed: Typed, why: Mapping[str, str]) -> tuple[list[Row], list[Reading]]:
    """Orders that it may mean, newest first, and the readings that failed. A text may be a number and a code alike.
    `why`: the `note` of the audit, if one was given."""
    if typed.mobile:
        answers = [await _of_mobile(visit, typed.mobile, why)]
    else:
        answers = list(await asyncio.gather(_of_code(visit, typed.code, why), _of_number(visit, typed.number)))
    rows: dict[str, Row] = {}
    for found, _ in reversed(answers):  # what order tells of its own code last: it knows more than payment
        rows |= {row["sn"]: row for row in found}
    orders = sorted(rows.values(), key=lambda order: str(order["createdAt"]), reverse=True)
    return orders, list({each.service: each for _, missing in answers for each in missing}.values())


async def _of_mobile(visit: Visit, mobile: str, why: Mapping[str, str]) -> Found:
    account = await visit.read("usercenter", "accountDetail", {"mobile": mobile, **why}, until=FIRST_UNTIL)
    if account.data is None:
        return [], [] if account.status == 404 else [account]
    return await _of_order(visit, {"userId": account.data["id"], **why})


async def _of_code(visit: Visit, code: str | None, why: Mapping[str, str]) -> Found:
    return await _of_order(visit, {"checkinCode": code, **why}) if code else ([], [])


async def _of_order(visit: Visit, known: Mapping[str, Any]) -> Found:
    orders = await visit.read("order", "orderFind", known, until=UNTIL)
    return ([], [orders]) if orders.data is None else (orders.data["list"], [])


async def _of_number(visit: Visit, number: str | None) -> Found:
    """The orders of payments and refunds with this number, ours or WeChat's. Payment alone is enough to find them; order
    is asked only to tell several apart."""
    if number is None:
        return [], []
    payments = await visit.read("payment", "paymentFind", {"number": number}, until=FIRST_UNTIL)
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
