"""The steps of a purchase, as a front end takes them."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from minsu.api import Api
from minsu.errors import CommandFailed, Refused
from minsu.sandbox import Sandbox

T = TypeVar("T")
SHANGHAI = timezone(timedelta(hours=8))
"""Nights are slept there; it has no summer time."""
WAIT_PAY, WAIT_USE, CANCELLED = 0, 1, -1
STATES = {-1: "cancelled", 0: "to pay", 1: "confirmed", 2: "checked in", 3: "refunded", 4: "expired"}
ORDER, PAYMENT = "/order/v1/homestayOrder", "/payment/v1/thirdPayment"
FIRST_PAUSE, LONGEST_PAUSE = 0.03, 0.5


@dataclass(frozen=True)
class BookingRequest:
    homestay_id: int
    nights: int = 1
    people: int = 1
    food: bool = False


def fen(yuan: float) -> int:
    """Exact: the API's yuan are fen / 100."""
    return round(yuan * 100)


def choose_homestay(api: Api, *, owner_id: int | None = None) -> dict[str, Any]:
    """The one with the most room for each night, of `owner_id` if they have one on the first page: one that has a single
    room is full as soon as it was bought once."""
    offers = api.call("/travel/v1/homestay/homestayList", {"page": 1, "pageSize": 50})["list"]
    if not offers:
        raise CommandFailed("no homestay is on offer", "seed the system, or give --homestay")
    mine = [each for each in offers if owner_id is not None and each["userId"] == owner_id]
    found: dict[str, Any] = max(mine or offers, key=lambda each: each.get("stock", 1))
    return found


def own_id(api: Api) -> int:
    return int(api.call("/usercenter/v1/user/detail")["userInfo"]["id"])


def create_order(api: Api, request: BookingRequest, *, now: datetime | None = None) -> str:
    """Book from tonight on. Returns the order's sn."""
    tonight = (now or datetime.now(SHANGHAI)).astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    body = {
        "homestayId": request.homestay_id,
        "isFood": request.food,
        "liveStartTime": int(tonight.timestamp()),
        "liveEndTime": int((tonight + timedelta(days=request.nights)).timestamp()),
        "livePeopleNum": request.people,
        "remark": "",
    }
    return str(api.call(f"{ORDER}/createHomestayOrder", body, key=str(uuid.uuid4()))["orderSn"])


def prepay(api: Api, sn: str) -> dict[str, Any]:
    """wx.requestPayment's parameters; asked again, those of the same open payment."""
    return api.call(f"{PAYMENT}/thirdPaymentWxPay", {"orderSn": sn, "serviceType": "homestayOrder"})


def prepay_id(parameters: dict[str, Any]) -> str:
    return str(parameters["package"]).removeprefix("prepay_id=")


def detail(api: Api, sn: str) -> dict[str, Any]:
    return api.call(f"{ORDER}/userHomestayOrderDetail", {"sn": sn})


def payment_status(api: Api, sn: str) -> dict[str, Any] | None:
    """None while nothing was ever prepaid."""
    try:
        return api.call(f"{PAYMENT}/thirdPaymentStatus", {"orderSn": sn})
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise


def book(api: Api, request: BookingRequest) -> dict[str, Any]:
    sn = create_order(api, request)
    parameters = prepay(api, sn)
    return {
        "order_sn": sn,
        "out_trade_no": parameters["paymentSn"],
        "total_fen": fen(detail(api, sn)["orderTotalPrice"]),
        "prepay_id": prepay_id(parameters),
    }


def order_facts(order: dict[str, Any], payment: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "sn": order["sn"],
        "title": order["title"],
        "trade_state": order["tradeState"],
        "state": STATES.get(order["tradeState"], "?"),
        "pay_status": payment["payStatus"] if payment else None,
        "out_trade_no": payment["sn"] if payment else None,
        "total_fen": fen(order["orderTotalPrice"]),
        "checkin_code": order["tradeCode"] or None,
        "homestay_id": order["homestayId"],
        "start": day(order["liveStartDate"]),
        "end": day(order["liveEndDate"]),
        "people": order["livePeopleNum"],
        "created_at": order["createTime"],
        "paid_at": order["payTime"] or None,
    }


def day(unix: int) -> str:
    return datetime.fromtimestamp(unix, SHANGHAI).date().isoformat()


def await_confirmation(api: Api, sn: str, *, seconds: float) -> dict[str, Any]:
    """The order, once the backend says it is paid. Raises CommandFailed when it ends otherwise, or takes too long."""

    def look() -> dict[str, Any] | None:
        order = detail(api, sn)
        if order["tradeState"] == CANCELLED:
            raise CommandFailed(f"order {sn} was cancelled")
        return order if order["tradeState"] >= WAIT_USE else None

    return until(look, seconds=seconds, what=f"order {sn} to turn paid")


def await_messages(sandbox: Sandbox, openid: str, words: tuple[str, ...], *, seconds: float) -> list[dict[str, Any]]:
    """Wait for messages that contain `words`, one for each."""

    def look() -> list[dict[str, Any]] | None:
        found = [each for each in sandbox.messages(openid) if any(word in str(each["data"]) for word in words)]
        return found if len(found) >= len(words) else None

    return until(look, seconds=seconds, what="the messages to reach the phone")


def until(look: Callable[[], T | None], *, seconds: float, what: str) -> T:
    """What `look` finds, asked at growing pauses."""
    ends, pause = time.monotonic() + seconds, FIRST_PAUSE
    while (found := look()) is None:
        if time.monotonic() >= ends:
            raise CommandFailed(f"waited {seconds:g} s for {what}, in vain")
        time.sleep(min(pause, max(0.0, ends - time.monotonic())))
        pause = min(pause * 1.3, LONGEST_PAUSE)
    return found


def pay(api: Api, sandbox: Sandbox, sn: str, *, seconds: float, wait: bool) -> dict[str, Any]:
    """Tap "pay"; unless told otherwise, wait for the payment's status."""
    parameters = prepay(api, sn)
    transaction = sandbox.request_payment(parameters)
    began = time.perf_counter()
    answer = {
        "order_sn": sn,
        "out_trade_no": parameters["paymentSn"],
        "transaction_id": transaction.get("transaction_id"),
        "confirmed": False,
    }
    if not wait:
        return answer
    order = await_confirmation(api, sn, seconds=seconds)
    waited = round((time.perf_counter() - began) * 1000, 1)
    return answer | {"confirmed": True, "confirm_ms": waited, "trade_state": order["tradeState"]}


def check_in(api: Api, code: str) -> dict[str, Any]:
    order = api.call("/order/v1/merchant/verifyTradeCode", {"tradeCode": code})
    return {"order_sn": order["sn"], "trade_state": order["tradeState"]}


def cancel(api: Api, sn: str) -> dict[str, Any]:
    order = api.call(f"{ORDER}/cancelHomestayOrder", {"sn": sn})
    return {"order_sn": sn, "trade_state": order.get("tradeState"), "closing": order.get("closing", False)}


def orders(api: Api, *, state: int, count: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    last_id = 0
    while len(rows) < count:
        size = min(50, count - len(rows))
        query = {"lastId": last_id, "pageSize": size, "tradeState": state}
        page = api.call(f"{ORDER}/userHomestayOrderList", query)["list"]
        rows += page
        if len(page) < size:
            break
        last_id = page[-1]["id"]
    return [
        {
            "sn": row["sn"],
            "title": row["title"],
            "trade_state": row["tradeState"],
            "state": STATES.get(row["tradeState"], "?"),
            "total_fen": fen(row["orderTotalPrice"]),
            "start": day(row["liveStartDate"]),
            "end": day(row["liveEndDate"]),
        }
        for row in rows
    ]
