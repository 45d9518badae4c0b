"""What belongs to others: every method that takes somebody's number, asked by somebody else with the very same role."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from servicekit.clock import SHANGHAI
from tests.attack.report import Attempt
from tests.attack.target import HOST, ORDER, PAYMENT, SHOP, Target

Body = Callable[[Target], dict[str, Any]]
HIDDEN = frozenset({403, 404})
"""What is another's is as absent as what does not exist."""


def _unpaid(name: str = "sn", **more: Any) -> Body:
    return lambda target: {name: target.unpaid[0], **more}


def _paid(name: str = "sn", **more: Any) -> Body:
    return lambda target: {name: target.paid[0], **more}


def _homestay(name: str = "homestayId", **more: Any) -> Body:
    return lambda target: {name: target.homestay, **more}


def _dates(target: Target) -> dict[str, Any]:
    today = datetime.now(UTC).astimezone(SHANGHAI).date()
    return {
        "id": target.homestay,
        "start": str(today),
        "end": str(today + timedelta(days=1)),
        "priceFen": 1,
    }


MONTH = {"month": f"{datetime.now(UTC):%Y-%m}"}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
BUYERS: Mapping[str, Body] = {
    f"{ORDER}/homestayOrder/userHomestayOrderDetail": _unpaid(),
    f"{ORDER}/homestayOrder/cancelHomestayOrder": _unpaid(),
    f"{ORDER}/homestayOrder/quoteCancel": _paid(),
    f"{ORDER}/homestayOrder/refundHomestayOrder": _paid(reason="mine now", refundFen=1),
    f"{PAYMENT}/thirdPaymentWxPay": _unpaid("orderSn", serviceType="homestayOrder"),
    f"{PAYMENT}/thirdPaymentStatus": _unpaid("orderSn"),
    "/travel/v1/homestayComment/addComment": _paid("orderSn", star=1, content="never been there"),
}
"""Asked by a stranger with an account of his own."""
MERCHANTS: Mapping[str, Body] = {
    f"{ORDER}/merchant/verifyTradeCode": lambda target: {"tradeCode": target.paid[2]},
    f"{ORDER}/merchant/refundDecision": _paid(agree=True, note="", refundFen=1),
    f"{ORDER}/merchant/refundMore": _paid(note="for me", refundFen=1),
    f"{HOST}/homestayDetail": _homestay("id"),
    f"{HOST}/homestayEdit": lambda target: SHOP | {"id": target.homestay},
    f"{HOST}/homestaySetSale": _homestay("id", onSale=False),
    f"{HOST}/calendar": _homestay("id", **MONTH),
    f"{HOST}/setDates": _dates,
    f"{HOST}/addPhoto": _homestay(image=PIXEL),
    f"{HOST}/orderPhotos": _homestay(ids=["1"]),
    f"{HOST}/removePhoto": _homestay(id="1"),
    f"{HOST}/calendarLinks": _homestay(),
    f"{HOST}/renewExport": _homestay(),
    f"{HOST}/addImport": _homestay(name="mine", url="https://example.com/a.ics"),
    f"{HOST}/removeImport": _homestay(id="1"),
    f"{HOST}/conflicts": _homestay(),
}
"""Asked by a merchant with another shop."""
LISTS: Mapping[str, Body] = {
    f"{HOST}/changeList": _homestay(lastId="0", pageSize=20),
    "/payment/v1/host/payoutList": _homestay(pageSize=20),
    "/payment/v1/host/payoutOrders": _homestay(day=f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"),
}
"""Asked by the same; a list of what is another's may be empty instead."""


def attempts(target: Target) -> Iterator[Attempt]:
    for who, table in (("stranger", BUYERS), ("rival", MERCHANTS)):
        for path, body in table.items():
            yield Attempt("others", f"{path} as {who}", HIDDEN, target.post(path, body(target), who))
    for path, body in LISTS.items():
        response = target.system.gateway.post(path, json=body(target), headers=target.bearer("rival"))
        shown = response.json()["data"] if response.is_success else {}
        leak = "" if not any(isinstance(each, list) and each for each in shown.values()) else f"it shows {shown}"
        yield Attempt("others", f"{path} as rival", HIDDEN | {200}, response.status_code, leak)
