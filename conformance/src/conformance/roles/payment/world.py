"""What the cases of payment act on: buyers who pay at wechatsim, refunds that order requests, what it publishes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from conformance import events, expecting
from conformance.peers import NOT_FOUND
from conformance.roles.base import World as BaseWorld
from conformance.standins import Request, Response

REQUEST_TOPIC, REQUEST_PATH = "order-refund-requested-topic", "/events/refund-requested"
REQUESTED = "minsu.order.refund-requested.v1"
STATUS_TOPIC, FAILED_TOPIC = "payment-update-paystatus-topic", "payment-refund-failed-topic"
START = "/payment/v1/thirdPayment/thirdPaymentWxPay"
TOTAL_FEN = 19900


@dataclass
class Payables:
    """order, played: what is owed for an order."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def one(self, request: Request) -> Response:
        owed = self.found.get(request.json()["orderSn"])
        return NOT_FOUND if owed is None else Response.of(owed)

    def several(self, request: Request) -> Response:
        wanted = request.json()["orderSns"]
        return Response.of({"payables": [self.found[each] for each in wanted if each in self.found]})


def owed(order_sn: str, user_id: int) -> dict[str, Any]:
    """What order says of an order that waits for its payment."""
    return {
        "orderSn": order_sn,
        "userId": user_id,
        "totalFen": TOTAL_FEN,
        "tradeState": 0,
        "payable": True,
        "closeAt": (datetime.now(UTC) + timedelta(minutes=30)).isoformat(),
        "title": "西湖边的院子",
        "traceparent": "",
        "tracestate": "",
    }


@dataclass(frozen=True)
class Paid:
    order_sn: str
    payment_sn: str


@dataclass
class World(BaseWorld):
    payables: Payables
    sim: httpx.Client

    def started(self) -> Paid:
        """A payment of a new order of a new guest: prepaid at WeChat, not paid yet."""
        buyer, openid, number = self.users.new_id(), events.openid(), events.sn("HSO")
        self.control("code", {"openid": openid})
        self.users.openids[buyer] = openid
        self.payables.found[number] = owed(number, buyer)
        headers = self.users.sign_in.bearer(buyer, "buyer") | {"idempotency-key": events.sn("KEY")}
        body = {"orderSn": number, "serviceType": "homestayOrder"}
        response = self.door.request("POST", START, body=body, headers=headers)
        expecting.equal(response.status_code, 200, f"status of {START}: {response.text[:200]}")
        return Paid(number, response.json()["data"]["paymentSn"])

    def paid(self) -> Paid:
        """The same, paid by the buyer; WeChat's callback is on its way."""
        payment = self.started()
        self.control("pay", {"out_trade_no": payment.payment_sn})
        return payment

    def control(self, verb: str, body: Mapping[str, Any]) -> None:
        self.sim.post(f"/_sim/{verb}", json=body).raise_for_status()

    def refunds(self, payment: Paid) -> list[dict[str, Any]]:
        """What WeChat refunded of a payment."""
        found = self.sim.get("/_sim/refunds", params={"out_trade_no": payment.payment_sn})
        found.raise_for_status()
        refunds: list[dict[str, Any]] = found.json()["refunds"]
        return [each for each in refunds if each["out_trade_no"] == payment.payment_sn]

    def request(self, payment: Paid, fen: int = TOTAL_FEN, **more: Any) -> dict[str, Any]:
        """The event that order wants money of a payment to go back; `more` replaces members of its data."""
        data = {
            "requestSn": events.sn("RFR"),
            "orderSn": payment.order_sn,
            "paymentSn": payment.payment_sn,
            "refundFen": fen,
            "cause": "buyer",
            "reason": "行程有变",
            "requestedAt": events.now(),
        } | more
        return events.event("order", REQUESTED, payment.order_sn, data)

    def deliver(self, *bodies: dict[str, Any]) -> list[str]:
        keys = [str(each.get("subject") or place) for place, each in enumerate(bodies)]
        return self.door.deliver(REQUEST_PATH, REQUEST_TOPIC, bodies, keys)

    def status(self, payment: Paid) -> dict[str, Any] | None:
        """What order is told of a payment."""
        response = self.called_by("order", "paymentByOrder", {"orderSn": payment.order_sn})
        if response.status_code == 404:
            return None
        expecting.equal(response.status_code, 200, "status of /internal/paymentByOrder")
        found: dict[str, Any] = response.json()
        return found
