"""notification in process on a real PostgreSQL; its peers and WeChat are played."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from notification.courier import Couriers
from notification.main import create_app
from notification.settings import Settings
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, Tokens, client
from tests.service.notification.wechat import APPID, ARRIVAL, OPENID, PAID, REFUND_ASKED, REFUNDED, SECRET, FakeWechat
from tests.support.databases import kept_between_tests
from tests.support.peers import PublishedPeers
from tests.support.postgres import PostgresServer
from tests.support.tables import EMPTY_ALL, kept_connection

SN = "HSO2026112309302612345678"
ORDER = {
    "sn": SN,
    "userId": 42,
    "homestayId": 7,
    "homestayUserId": 9,
    "title": "西湖边的院子，推窗见山，步行五分钟到断桥残雪",
    "tradeState": 1,
    "tradeCode": "K7MP3WXR",
    "totalFen": 19900,
    "liveStartDate": "2026-12-01",
    "liveEndDate": "2026-12-03",
    "payTime": "2026-11-23T01:31:20Z",
    "paymentSn": "PMT2026112309310087654321",
    "refundedAt": None,
    "refundedFen": None,
    "refundState": "none",
    "refundAskedAt": None,
    "refundAnswerBy": None,
    "refundLeastFen": None,
    "version": 2,
}
REFUNDED_ORDER = ORDER | {
    "tradeState": 3,
    "refundedAt": "2026-11-23T16:05:31.520000Z",
    "refundedFen": 19900,
    "version": 3,
}


class TestClock:
    """Stands still until it is moved."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 1, 31, 20, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class Service:
    """One replica, its HTTP door, and a look into its tables."""

    http: httpx.AsyncClient
    courier: Couriers
    database_url: str
    clock: TestClock
    wechat: FakeWechat
    sidecar: PublishedPeers
    tokens: Tokens
    sql: psycopg.Connection

    async def hears_of_refund(
        self, refund_state: str, *, sn: str = SN, event_id: str = "", settle: bool = True, **more: Any
    ) -> str:
        """As `hears`, of a refund that left its order as it is."""
        data = {
            "orderSn": sn,
            "refundState": refund_state,
            "paymentSn": "PMT2026112309310087654321",
            "refundFen": 19900,
            "cause": "late-payment",
            "changedAt": "2026-11-23T04:30:00.250000Z",
        }
        envelope = event(1, sn=sn, event_id=event_id) | {"type": "minsu.order.refund-updated.v1", "data": data | more}
        return await self._delivered("/events/order-refund", sn, envelope, settle=settle)

    async def hears(
        self, trade_state: int, *, sn: str = SN, event_id: str = "", settle: bool = True, **more: Any
    ) -> str:
        """Deliver one event of an order as the sidecar does, wait for what it sets off; the status that was answered."""
        envelope = event(trade_state, sn=sn, event_id=event_id, **more)
        return await self._delivered("/events/order-state", sn, envelope, settle=settle)

    async def _delivered(self, path: str, sn: str, envelope: dict[str, Any], *, settle: bool) -> str:
        body = {"entries": [{"entryId": "1", "event": envelope, "metadata": {"__key": sn}}]}
        response = await self.http.post(path, json=body, headers=SIDECAR_HEADERS)
        if settle:
            await self.courier.idle()
        answered: str = response.json()["statuses"][0]["status"]
        return answered

    async def tick(self, **moved: float) -> int:
        """Move the clock, let cron fire, wait for what it sets off; how many tasks it claimed."""
        self.clock.move(**moved)
        response = await self.http.post("/jobs/notification-due", headers=SIDECAR_HEADERS)
        assert response.status_code == 200
        await self.courier.idle()
        claimed: int = response.json()["claimed"]
        return claimed

    def plan(self, *sns: str) -> None:
        """A `paid` message for each order, due now; no event, no second message, no courier woken."""
        for sn in sns:
            self.sql.execute(
                "insert into notification_task (order_sn, kind, due_at, give_up_at) values (%s, 'paid', %s, %s)",
                (sn, self.clock.now, self.clock.now + timedelta(hours=24)),
            )

    def rows(self, query: str, *params: object) -> list[dict[str, Any]]:
        with self.sql.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), params).fetchall()

    def task(self, kind: str) -> dict[str, Any]:
        return self.rows("select * from notification_task where kind = %s", kind)[0]

    def states(self) -> dict[str, str]:
        return {row["kind"]: row["state"] for row in self.rows("select kind, state from notification_task")}

    def outcomes(self, kind: str) -> list[str]:
        found = self.rows("select * from delivery_attempt where task_id = %s order by seq", self.task(kind)["id"])
        return [row["outcome"] for row in found]

    def execute(self, statement: str, *params: object) -> None:
        self.sql.execute(statement.encode(), params)


def event(trade_state: int, *, sn: str = SN, event_id: str = "", **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id or str(uuid4()),
        "source": "minsu/order",
        "type": "minsu.order.tradestate-updated.v1",
        "subject": sn,
        "data": {
            "orderSn": sn,
            "tradeState": trade_state,
            "fromState": 0 if trade_state == 1 else 1,
            "changedAt": "2026-11-23T01:31:20.120000Z",
            "version": 2,
            **more,
        },
    }


def wechat_of(user_id: int, openid: str) -> dict[str, Any]:
    return {"userId": user_id, "authType": "wxMini", "authKey": openid, "appid": APPID}


def peers() -> PublishedPeers:
    """order and usercenter: every order is `ORDER` with the number asked for."""
    sidecar = PublishedPeers()
    sidecar.answers["order", "/internal/orderDetail"] = lambda request: httpx.Response(
        200, json={**ORDER, "sn": json.loads(request.content)["orderSn"]}
    )
    sidecar.answer("usercenter", "/internal/authByUser", wechat_of(42, OPENID))
    sidecar.answers["order", "/internal/orders"] = lambda request: httpx.Response(
        200, json={"orders": [{**ORDER, "sn": sn} for sn in json.loads(request.content)["orderSns"]]}
    )
    return sidecar


@pytest.fixture(scope="module")
def database_url(postgres: PostgresServer) -> str:
    return postgres.migrated("notification", f"notification_{uuid4().hex[:12]}")


@dataclass
class World:
    """Starts replicas that share one database, one WeChat, one pair of peers and one clock."""

    database_url: str
    stack: AsyncExitStack
    sql: psycopg.Connection
    clock: TestClock = field(default_factory=TestClock)
    sidecar: PublishedPeers = field(default_factory=peers)
    tokens: Tokens = field(default_factory=Tokens)

    def __post_init__(self) -> None:
        self.wechat = FakeWechat(self.clock)
        self.stack.callback(self.wechat.sandbox.close)

    async def start(self, **settings: Any) -> Service:
        app = create_app(
            settings_of(self.database_url, **settings),
            clock=self.clock,
            sidecar=self.sidecar,
            verifier=self.tokens.verifier(),
            wxma_secret=f"{SECRET}\n",  # with the line end that `echo` leaves: WeChat must not be sent it
            wechat=self.wechat,
        )
        http = await self.stack.enter_async_context(client(app))
        courier: Couriers = app.state.provided[Couriers]
        return Service(http, courier, self.database_url, self.clock, self.wechat, self.sidecar, self.tokens, self.sql)


def settings_of(database_url: str, **settings: Any) -> Settings:
    templates = {
        "template_paid": PAID,
        "template_arrival": ARRIVAL,
        "template_refunded": REFUNDED,
        "template_refund_asked": REFUND_ASKED,
    }
    return Settings(
        APP_API_TOKEN=APP_TOKEN,
        database_url=database_url,
        wxma_base_url="http://wechat.invalid",
        wxma_appid=APPID,
        **(templates | settings),
    )


@pytest.fixture(autouse=True, scope="module")
async def _kept_databases() -> AsyncIterator[None]:
    async with kept_between_tests():
        yield


@pytest.fixture(scope="module")
def tables(database_url: str) -> Iterator[psycopg.Connection]:
    with kept_connection(database_url) as connection:
        yield connection


@pytest.fixture
async def world(database_url: str, tables: psycopg.Connection) -> AsyncIterator[World]:
    tables.execute(EMPTY_ALL)
    async with AsyncExitStack() as stack:
        yield World(database_url, stack, tables)


@pytest.fixture
async def service(world: World) -> Service:
    return await world.start()
