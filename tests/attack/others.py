"""What belongs to others: every method that takes a number, asked by another user with the very same role."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.routes import PUBLIC
from servicekit.clock import SHANGHAI
from tests.attack.report import Attempt
from tests.attack.roles import sound_body
from tests.attack.target import HOST, ORDER, PAYMENT, USER, Target

Numbers = Callable[[Target], dict[str, Any]]
"""What of the victim's is named; the other members are any that the method's schema takes."""
HIDDEN = frozenset({403, 404})
"""What is another's is as absent as what does not exist."""


def _unpaid(name: str = "sn") -> Numbers:
    return lambda target: {name: target.unpaid[0]}


def _paid(name: str = "sn") -> Numbers:
    return lambda target: {name: target.paid[0]}


def _homestay(name: str = "homestayId") -> Numbers:
    return lambda target: {name: target.homestay}


def _tonight(target: Target) -> dict[str, Any]:
    today = datetime.now(UTC).astimezone(SHANGHAI).date()
    return {"id": target.homestay, "start": str(today), "end": str(today + timedelta(days=1)), "priceFen": 1}


BUYERS: Mapping[str, Numbers] = {
    f"{ORDER}/homestayOrder/userHomestayOrderDetail": _unpaid(),
    f"{ORDER}/homestayOrder/cancelHomestayOrder": _unpaid(),
    f"{ORDER}/homestayOrder/quoteCancel": _paid(),
    f"{ORDER}/homestayOrder/refundHomestayOrder": _paid(),
    f"{PAYMENT}/thirdPaymentWxPay": lambda target: {"orderSn": target.unpaid[0], "serviceType": "homestayOrder"},
    f"{PAYMENT}/thirdPaymentStatus": _unpaid("orderSn"),
    "/travel/v1/homestayComment/addComment": _paid("orderSn"),
    f"{USER}/sessionEnd": lambda target: {"id": target.session},
}
"""Asked by a stranger with an account of his own."""
MERCHANTS: Mapping[str, Numbers] = {
    f"{ORDER}/merchant/verifyTradeCode": lambda target: {"tradeCode": target.paid[2]},
    f"{ORDER}/merchant/refundDecision": _paid(),
    f"{ORDER}/merchant/refundMore": _paid(),
    f"{HOST}/homestayDetail": _homestay("id"),
    f"{HOST}/homestayEdit": _homestay("id"),
    f"{HOST}/homestaySetSale": _homestay("id"),
    f"{HOST}/calendar": _homestay("id"),
    f"{HOST}/setDates": _tonight,
    f"{HOST}/addPhoto": _homestay(),
    f"{HOST}/orderPhotos": _homestay(),
    f"{HOST}/removePhoto": _homestay(),
    f"{HOST}/calendarLinks": _homestay(),
    f"{HOST}/renewExport": _homestay(),
    f"{HOST}/addImport": _homestay(),
    f"{HOST}/removeImport": _homestay(),
    f"{HOST}/conflicts": _homestay(),
}
"""Asked by a merchant who has nothing for sale."""
LISTS: Mapping[str, Numbers] = {
    f"{HOST}/changeList": _homestay(),
    "/payment/v1/host/payoutList": _homestay(),
    "/payment/v1/host/payoutOrders": _homestay(),
}
"""Asked by the same; a list of what is another's may be empty instead."""
TAKEN_BY_ALL = frozenset({f"{ORDER}/homestayOrder/createHomestayOrder"})
"""Names a homestay as well, and is for any buyer."""
ROUTES = {route.path: route for route in PUBLIC}


def attempts(target: Target) -> Iterator[Attempt]:
    for who, table in (("stranger", BUYERS), ("rival", MERCHANTS)):
        for path, numbers in table.items():
            yield Attempt("others", f"{path} as {who}", HIDDEN, target.post(path, _body(target, path, numbers), who))
    for path, numbers in LISTS.items():
        response = target.system.gateway.post(path, json=_body(target, path, numbers), headers=target.bearer("rival"))
        shown = response.json()["data"] if response.is_success else {}
        leak = "" if not any(isinstance(each, list) and each for each in shown.values()) else f"it shows {shown}"
        yield Attempt("others", f"{path} as rival", HIDDEN | {200}, response.status_code, leak)


def _body(target: Target, path: str, numbers: Numbers) -> dict[str, Any]:
    return {**sound_body(ROUTES[path]), **numbers(target)}
