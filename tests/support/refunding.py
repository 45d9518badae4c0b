"""Refunds on the running system: booking ahead, paying, WeChat's own books, its faults."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.orders import WAIT_USE
from tests.support.stack import read_stack_env
from tests.support.system import System
from tests.support.waiting import eventually

PAID, REFUNDED = 1, 2
DUE_NOW = "update third_payment set due_at = now() where sn = %s and leased_until is null"
"""For the next query of an open payment, but for one that is at work."""
FIRST_NOON_PASSED = (
    "update homestay_order set live_start_date = (now() at time zone 'Asia/Shanghai')::date - 1,"
    " live_end_date = (now() at time zone 'Asia/Shanghai')::date + 1, lines = '[]' where sn = %s"
)
"""A stay that no buyer can book, where the merchant decides: begun yesterday, over tomorrow, whatever hour it is now. Its
lines were of other nights."""


def book_ahead(system: System, *, days: int = 7, nights: int = 1) -> str:
    """An order that begins in some days: the rule lets its buyer leave, whatever hour it is now."""
    return system.book(days=days, nights=nights)


def pay(system: System, order_sn: str) -> str:
    """Paid and known to be; returns the payment's number."""
    number = str(system.prepay(order_sn)["paymentSn"])
    system.tap_pay(number)
    eventually(lambda: payment(system, number)["pay_status"] == PAID, what="the payment settled")
    return number


def begun_and_paid(system: System) -> tuple[str, str]:
    """A paid stay past noon of its first day, whatever hour it is now: there the merchant decides of a refund."""
    order_sn = book_ahead(system, nights=2)
    number = pay(system, order_sn)
    eventually(lambda: system.order(order_sn)["tradeState"] == WAIT_USE, what="the order paid")
    system.rows("order", FIRST_NOON_PASSED, order_sn)
    return order_sn, number


def payment(system: System, number: str) -> dict[str, Any]:
    [row] = system.rows("payment", "select * from third_payment where sn = %s", number)
    return row


def refunds(system: System, number: str) -> list[dict[str, Any]]:
    return system.rows("payment", "select * from refund where payment_sn = %s order by id", number)


def books(system: System, number: str) -> dict[str, Any]:
    """What WeChat itself says it took, gave back and holds."""
    [row] = system.wechat.get("/_sim/books", params={"out_trade_no": number}).json()["books"]
    return dict(row)


def ask_refund(system: System, order_sn: str, number: str, fen: int, request_sn: str) -> httpx.Response:
    """An event of order's, as payment's sidecar brings it: parts of a payment are refunded this way."""
    data = {
        "requestSn": request_sn,
        "orderSn": order_sn,
        "paymentSn": number,
        "refundFen": fen,
        "cause": "test",
        "reason": "部分退款",
    }
    event = {"specversion": "1.0", "id": request_sn, "source": "minsu/order", "data": data}
    return inside(system, "/events/refund-requested", event)


def inside(system: System, path: str, body: Any = None) -> httpx.Response:
    """A delivery to payment: it opens to its sidecar's token, on a path that its own subscriptions and bindings know."""
    told = read_stack_env(Path(system.environment["RUN_DIR"]) / "env" / "payment.env")
    url = f"{system.environment['PAYMENT_URL']}/delivered/{told['DELIVERY_TOKEN']}{path}"
    return httpx.post(url, json=body, headers={"dapr-api-token": told["APP_API_TOKEN"]}, timeout=20)


def hurry(system: System, number: str) -> None:
    """Let what waits for its time be due at once, and cron come. What is leased is at work: claimed once more, a refund
    could be refused and accepted at the same time."""
    system.rows("payment", "update third_payment set refund_sent_at = null where sn = %s", number)
    system.rows(
        "payment",
        "update refund set due_at = now() - interval '1 second',"
        " sent_elsewhere_at = sent_elsewhere_at - interval '1 minute' where payment_sn = %s and leased_until is null",
        number,
    )
    assert inside(system, "/jobs/payment-retry-refunds").status_code == 200


@contextmanager
def fault(
    system: System, name: str, match: str = "", *, times: int | None = 1, value: float | None = None
) -> Iterator[None]:
    """A fault of the sandbox for what contains `match`, cleared at the end whether it struck or not."""
    body = {"name": name, "match": match} | ({"times": times} if times else {}) | ({"value": value} if value else {})
    answer = system.wechat.post("/_sim/faults/set", json=body)
    assert answer.is_success, answer.text
    try:
        yield
    finally:
        system.wechat.post("/_sim/faults/clear", json={"name": name})


def ends(system: System, number: str, *states: str) -> list[dict[str, Any]]:
    """Waits until the payment's refunds, oldest first, have these states; what waits for its time is hurried."""

    def asked() -> list[dict[str, Any]] | None:
        found = refunds(system, number)
        if tuple(row["state"] for row in found) == states:
            return found
        hurry(system, number)
        return None

    return eventually(asked, what=f"refunds of {number} {states}", seconds=30)
