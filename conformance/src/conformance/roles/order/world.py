"""What the cases of order act on: buyers with orders, events of their payments, and what order publishes."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from conformance import events, expecting
from conformance.roles.base import World as BaseWorld
from conformance.standins import Request, Response

PAYMENT_TOPIC, PAYMENT_PATH = "payment-update-paystatus-topic", "/events/payment-status"
STATE_TOPIC, REQUEST_TOPIC = "order-update-tradestate-topic", "order-refund-requested-topic"
V1, V2 = "minsu.payment.paystatus-updated.v1", "minsu.payment.paystatus-updated.v2"
CREATE = "/order/v1/homestayOrder/createHomestayOrder"
WAIT_PAY, WAIT_USE, REFUNDED = 0, 1, 3
PAID, RETURNED = 1, 2
NIGHT_FEN, NIGHTS = 9950, 2
TOTAL_FEN = NIGHT_FEN * NIGHTS
DAY_SECONDS = 86400


def homestay(request: Request) -> Response:
    """What travel responds of any stay: on sale, many rooms, each night at NIGHT_FEN."""
    asked = request.json()
    start, end = (date.fromisoformat(asked[name]) for name in ("start", "end"))
    nights = [start + timedelta(days=each) for each in range((end - start).days)]
    return Response.of(
        {
            "id": asked["homestayId"],
            "title": "西湖边的院子",
            "subTitle": "",
            "cover": "",
            "info": "",
            "peopleNum": 4,
            "rowType": 0,
            "foodInfo": "",
            "foodPriceFen": 0,
            "homestayPriceFen": NIGHT_FEN,
            "marketHomestayPriceFen": NIGHT_FEN,
            "homestayBusinessId": 1,
            "homestayUserId": 900,
            "onSale": True,
            "stock": 1000,
            "minNights": 1,
            "maxNights": 30,
            "daysAhead": 365,
            "cancelPolicy": "flexible",
            "nights": [{"night": each.isoformat(), "priceFen": NIGHT_FEN, "closed": False} for each in nights],
        }
    )


class World(BaseWorld):
    def order(self) -> str:
        """The number of a new order of a new guest, which waits for its payment."""
        buyer = self.users.new_id()
        first = (int(time.time()) // DAY_SECONDS + 10) * DAY_SECONDS
        body = {
            "homestayId": 7,
            "isFood": False,
            "liveStartTime": first,
            "liveEndTime": first + NIGHTS * DAY_SECONDS,
            "livePeopleNum": 1,
            "remark": "",
        }
        headers = self.users.sign_in.bearer(buyer, "buyer") | {"idempotency-key": events.sn("KEY")}
        response = self.door.request("POST", CREATE, body=body, headers=headers)
        expecting.equal(response.status_code, 200, f"status of {CREATE}: {response.text[:200]}")
        number: str = response.json()["data"]["orderSn"]
        return number

    def payment(self, order_sn: str, *, kind: str = V2, **more: Any) -> dict[str, Any]:
        """The event that an order was paid; `more` replaces members of its data."""
        data: dict[str, Any] = {
            "orderSn": order_sn,
            "serviceType": "homestayOrder",
            "paymentSn": events.sn("PMT"),
            "payStatus": PAID,
            "totalFen": TOTAL_FEN,
            "refundedFen": 0,
            "payTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "version": 2,
        } | more
        return events.event("payment", kind, data["paymentSn"], data)

    def returned(self, paid: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The event that all of this payment went back."""
        data = {"payStatus": RETURNED, "refundedFen": TOTAL_FEN, "version": 3} | more
        return events.event("payment", V2, paid["subject"], paid["data"] | data)

    def deliver(self, *bodies: dict[str, Any]) -> list[str]:
        """In one bulk, each under its order's number; the statuses."""
        keys = [_key(each, place) for place, each in enumerate(bodies)]
        return self.door.deliver(PAYMENT_PATH, PAYMENT_TOPIC, bodies, keys)

    def accepted(self, *bodies: dict[str, Any]) -> None:
        expecting.equal(self.deliver(*bodies), ["SUCCESS"] * len(bodies), "the statuses of good events")

    def detail(self, order_sn: str) -> dict[str, Any]:
        """What notification is told of an order."""
        response = self.called_by("notification", "orderDetail", {"orderSn": order_sn})
        expecting.equal(response.status_code, 200, "status of /internal/orderDetail")
        found: dict[str, Any] = response.json()
        return found

    def state(self, order_sn: str) -> int:
        state: int = self.detail(order_sn)["tradeState"]
        return state

    def settled(self, order_sns: Sequence[str], state: int) -> None:
        expecting.eventually(
            lambda: [self.state(each) for each in order_sns],
            lambda found: set(found) == {state},
            "tradeStates",
            within=40,
        )


def _key(body: Mapping[str, Any], place: int) -> str:
    data = body.get("data")
    return str(data.get("orderSn", place)) if isinstance(data, dict) else f"poison {place}"
