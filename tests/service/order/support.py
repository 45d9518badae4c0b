"""How tests speak with the order service: as buyer, merchant, sidecar, and by its tables."""

import asyncio
import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from order.endpoints.internal import CALLERS
from order.pricing import Stay
from servicekit.sidecar import BulkEntry
from servicekit.testing import SIDECAR_HEADERS, Tokens, called_by
from tests.support.peers import PublishedPeers

BUYER, STRANGER, MERCHANT, OTHER_MERCHANT = 101, 102, 201, 202
HOMESTAY: dict[str, Any] = {
    "id": 7,
    "title": "西湖边的小院",
    "subTitle": "推窗见湖",
    "cover": "https://img.example/7.jpg",
    "info": "两室一厅",
    "peopleNum": 4,
    "rowType": 0,
    "foodInfo": "早餐",
    "foodPriceFen": 2500,
    "homestayPriceFen": 19900,
    "marketHomestayPriceFen": 29900,
    "homestayBusinessId": 3,
    "homestayUserId": MERCHANT,
    "onSale": True,
    "stock": 10_000,
    "minNights": 1,
    "maxNights": 90,
    "daysAhead": 365,
    "cancelPolicy": "flexible",
}
"""What travel says of it, without nights. Room for every test: those about nights lower the stock."""
_numbers = itertools.count(1)


def snapshot(
    stay: Stay, *, prices: Mapping[str, int] | None = None, closed: Collection[str] = (), **changes: Any
) -> dict[str, Any]:
    """What travel says of the homestay for a stay; `prices` of nights that differ, `closed` nights."""
    homestay = HOMESTAY | changes
    nights = [
        {
            "night": night,
            "priceFen": (prices or {}).get(night, homestay["homestayPriceFen"]),
            "closed": night in closed,
        }
        for night in (each.isoformat() for each in stay.dates)
    ]
    return {"nights": nights} | homestay


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


class Peers(PublishedPeers):
    """Travel has one homestay and payment closes what it is asked to; the relay's events are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.published: asyncio.Queue[tuple[str, BulkEntry]] = asyncio.Queue()
        self.travel_offers()
        self.payment_says("neverPaid")

    async def publish_bulk(self, topic: str, entries: Sequence[BulkEntry]) -> dict[str, str]:
        for entry in entries:
            self.published.put_nowait((topic, entry))
        return {}

    def travel_offers(self, **changes: Any) -> None:
        """From now on travel has the homestay with these changes (`snapshot`)."""

        def offer(asked: Mapping[str, Any]) -> dict[str, Any]:
            return snapshot(Stay(date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"])), **changes)

        def tell(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json=offer(json.loads(request.content)))

        def tell_many(request: httpx.Request) -> httpx.Response:
            offers = [offer(each) for each in json.loads(request.content)["stays"]]
            return httpx.Response(200, json={"homestays": offers})

        self.answers["travel", "/internal/homestaySnapshot"] = tell
        self.answers["travel", "/internal/homestaySnapshots"] = tell_many

    def payment_says(self, outcome: str, **more: Any) -> None:
        nothing = {"paymentSn": None, "payTime": None, "totalFen": None, "version": None}
        self.answer("payment", "/internal/close", {"outcome": outcome, **nothing, **more})

    def payment_is_away(self) -> None:
        self.answers.pop(("payment", "/internal/close"), None)

    def asked(self, path: str) -> int:
        return sum(1 for _, called, _ in self.calls if called == path)


class Order:
    """One service under test."""

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, peers: Peers, tokens: Tokens, sql: psycopg.Connection
    ) -> None:
        self.http, self.clock, self.peers, self.tokens, self._sql = http, clock, peers, tokens, sql

    async def post(
        self, path: str, body: Any = None, *, user: int = BUYER, roles: Sequence[str] = (), key: str | None = None
    ) -> httpx.Response:
        headers = self.tokens.bearer(user, *roles) | ({"Idempotency-Key": key} if key else {})
        return await self.http.post(f"/order/v1{path}", json=body, headers=headers)

    async def merchant(self, path: str, body: Any, *, user: int = MERCHANT) -> httpx.Response:
        return await self.post(f"/merchant{path}", body, user=user, roles=["buyer", "merchant"])

    async def inside(self, path: str, body: Any = None) -> httpx.Response:
        callers = sorted(CALLERS.get(path.removeprefix("/internal/"), ()))
        return await self.http.post(path, json=body, headers=called_by(callers[0]) if callers else SIDECAR_HEADERS)

    def booking_request(self, *, days: int = 0, nights: int = 1, **more: Any) -> dict[str, Any]:
        start = self.clock.now + timedelta(days=days)
        return {
            "homestayId": 7,
            "isFood": False,
            "liveStartTime": int(start.timestamp()),
            "liveEndTime": int((start + timedelta(days=nights)).timestamp()),
            "livePeopleNum": 2,
            "remark": "",
        } | more

    async def create(self, *, user: int = BUYER, **more: Any) -> str:
        response = await self.post("/homestayOrder/createHomestayOrder", self.booking_request(**more), user=user)
        assert response.status_code == 200, response.text
        sn: str = response.json()["data"]["orderSn"]
        return sn

    async def hear(self, *events: dict[str, Any], path: str = "/events/payment-status") -> list[str]:
        """Deliver events in one bulk, as the sidecar does; returns the statuses."""
        entries = [
            {"entryId": str(index), "event": event, "metadata": {"__key": str(event["data"].get("orderSn"))}}
            for index, event in enumerate(events)
        ]
        response = await self.inside(path, {"id": "bulk", "entries": entries})
        assert response.status_code == 200, response.text
        statuses = sorted(response.json()["statuses"], key=lambda each: int(each["entryId"]))
        return [each["status"] for each in statuses]

    async def paid(self, **more: Any) -> tuple[str, str]:
        """An order that was booked and paid: its number and the payment's."""
        sn = await self.create(**more)
        event = paid(sn, total_fen=self.row(sn)["order_total_fen"])
        assert await self.hear(event) == ["SUCCESS"]
        return sn, event["data"]["paymentSn"]

    def row(self, sn: str) -> dict[str, Any]:
        [row] = self.rows("select * from homestay_order where sn = %s", sn)
        return row

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with self._sql.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(query, parameters).fetchall()

    def everything(self, *tables: str) -> list[list[dict[str, Any]]]:
        """Every row of the tables, in one order: what the relay writes meanwhile moves rows about."""
        return [self.rows(f"select * from {table} order by 1, 2") for table in tables]  # noqa: S608 - names of ours

    def facts(self, topic: str) -> list[dict[str, Any]]:
        """The data of every event in the outbox of this topic, oldest first."""
        rows = self.rows("select event from outbox where topic = %s order by id", topic)
        return [row["event"]["data"] for row in rows]

    def states(self, sn: str) -> list[tuple[int, int | None, int]]:
        rows = self.rows(
            "select seq, from_state, to_state from order_transition t join homestay_order o on o.id = t.order_id"
            " where o.sn = %s order by seq",
            sn,
        )
        return [(row["seq"], row["from_state"], row["to_state"]) for row in rows]


def payment_number() -> str:
    return f"PMT20261123093100{next(_numbers):08d}"


def paid(order_sn: str, *, total_fen: int = 19900, payment_sn: str | None = None, version: int = 2) -> dict[str, Any]:
    return cloud_event(order_sn, payment_sn or payment_number(), 1, total_fen, version)


def refunded(order_sn: str, payment_sn: str, *, total_fen: int = 19900, version: int = 3) -> dict[str, Any]:
    return cloud_event(order_sn, payment_sn, 2, total_fen, version)


def part_refunded(
    order_sn: str, payment_sn: str, refunded_fen: int, *, total_fen: int = 19900, version: int = 3
) -> dict[str, Any]:
    """As payment tells it now: paystatus-updated.v2."""
    event = cloud_event(order_sn, payment_sn, 1 if refunded_fen < total_fen else 2, total_fen, version)
    return event | {
        "type": "minsu.payment.paystatus-updated.v2",
        "data": event["data"] | {"refundedFen": refunded_fen},
    }


def cloud_event(order_sn: str, payment_sn: str, pay_status: int, total_fen: int, version: int) -> dict[str, Any]:
    """As payment told it before there were parts: paystatus-updated.v1."""
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "minsu/payment",
        "type": "minsu.payment.paystatus-updated.v1",
        "data": {
            "orderSn": order_sn,
            "paymentSn": payment_sn,
            "payStatus": pay_status,
            "totalFen": total_fen,
            "payTime": "2026-11-23T01:31:20Z",
            "version": version,
        },
    }


def refund_failed(order_sn: str, payment_sn: str, request_sn: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "minsu/payment",
        "type": "minsu.payment.refund-failed.v1",
        "data": {
            "requestSn": request_sn,
            "orderSn": order_sn,
            "paymentSn": payment_sn,
            "refundFen": 19900,
            "failedAt": "2026-11-23T01:43:30Z",
        },
    }
