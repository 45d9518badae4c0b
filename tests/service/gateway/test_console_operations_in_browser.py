"""The console's pages about the machine in a browser: a real dead letter is replayed; and every page as people see it.

Behind the console stands a service of the test's own, with servicekit's real tables, operators' API and audit on
PostgreSQL, in the place of order.
"""

import asyncio
import json
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from servicekit import acts, deadletters, idempotency, inbox, outbox, replicas
from servicekit.app import build
from servicekit.clock import utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.errors import Poison
from servicekit.events import Consumer, EventData
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar, Tokens
from tests.service.gateway import statuses
from tests.service.gateway.console_templates import OPERATIONS
from tests.service.gateway.operators import LOOKS, Operations, look, looked_at, sign_in
from tests.service.gateway.serving import listening, served
from tests.service.gateway.statuses import AT, act, host, letter, message
from tests.service.gateway.statuses import outbox as outbox_status
from tests.support.browsing import DESK, opened

TOPIC = "payment-update-paystatus-topic"
EVENT = {"id": "e-1", "source": "minsu/payment", "type": "t", "data": {"n": 1, "openid": "o-secret"}}


class Paid(EventData):
    n: int


class Order:
    """A consumer that takes nothing until it is repaired; `took` is what took effect."""

    def __init__(self, url: str, tokens: Tokens) -> None:
        self.db, self.is_repaired, self.took = Database(url), False, []
        consumer = Consumer(TOPIC, "/events/payment-status", Paid, self._handle)
        self.app = build(
            "order",
            ServiceSettings(APP_API_TOKEN=APP_TOKEN),
            routers=[],
            sidecar=FakeSidecar(),
            verifier=tokens.verifier(),
            clock=utc_now,
            db=self.db,
            outbox=True,
            dead_letters=DeadLetters(db=self.db, clock=utc_now, app_id="order", consumers=[consumer]),
        )

    async def _handle(self, event, data):
        if not self.is_repaired:
            raise Poison("unknown order")
        async with self.db.transaction() as tx:
            if await inbox.first_time(tx, event):
                self.took.append(data.n)


class Behind(Operations):
    """Services of which order is real: what it is asked goes to its address."""

    order_address = ""

    async def invoke(self, app_id, method, path, **parts):
        if app_id != "order" or not self.order_address:
            return await super().invoke(app_id, method, path, **parts)
        async with httpx.AsyncClient(base_url=self.order_address, trust_env=False) as http:
            return await http.request(method, path, json=parts.get("json"), headers=parts.get("headers"))


@pytest.fixture(scope="module")
def services() -> Behind:
    return Behind()


@pytest.fixture(scope="module")
def address(services: Behind) -> Iterator[str]:
    with served(services) as address:
        yield address


@pytest.fixture(scope="module")
def order_url(postgres) -> str:
    url = postgres.create("console_order")
    engine = Database(url)

    async def create() -> None:
        async with engine.engine.begin() as connection:
            for each in (acts, deadletters, idempotency, inbox, outbox, replicas):
                await connection.run_sync(each.metadata.create_all)
        await engine.close()

    asyncio.run(create())
    return url


@pytest.fixture
def order(services: Behind, order_url: str) -> Iterator[Order]:
    order = Order(order_url, services._tokens)
    with listening(order.app) as services.order_address:
        yield order
    services.order_address = ""


@pytest.fixture
def complaints(services: Behind) -> Iterator[list[str]]:
    services.fresh()
    complaints: list[str] = []
    yield complaints
    assert complaints == []


@pytest.fixture
def page(browser: Browser, address: str, complaints: list[str]) -> Iterator[Page]:
    """An operator's desk, signed in at the dead letters."""
    page = opened(browser, complaints, DESK)
    page.goto(f"{address}/console/letters")
    sign_in(page)
    yield page
    page.context.close()


def test_a_dead_letter_is_looked_at_and_replayed_once_its_cause_is_gone(order, page, services, address, order_url):
    for each in ("payment", "notification", "travel"):
        services.data(f"/{each}/v1/ops/deadLetterList", {"list": []})
    for each in ("payment", "notification", "travel", "usercenter"):
        services.data(f"/{each}/v1/ops/actList", {"list": []})
    kept = httpx.post(
        f"{services.order_address}/events/dead-letters/{TOPIC}", content=json.dumps(EVENT), headers=SIDECAR_HEADERS
    )
    assert kept.json() == {"status": "SUCCESS"}

    page.reload()
    page.get_by_role("link", name="order:1", exact=True).click()
    expect(page.get_by_test_id("state")).to_have_text("等待重试")
    expect(page.get_by_test_id("body")).to_contain_text('"n": 1')
    expect(page.get_by_test_id("body")).not_to_contain_text("o-secret")

    def replay(reason):
        page.get_by_test_id("act-letter_replay").click()
        expect(page.get_by_test_id("does")).to_contain_text("order:1")
        page.get_by_test_id("reason").fill(reason)
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("done")).to_contain_text("order:1")

    replay("先试一次")
    expect(page.get_by_test_id("state")).to_have_text("有毒")
    expect(page.get_by_test_id("reason")).to_have_text("unknown order")
    assert order.took == []

    order.is_repaired = True
    replay("订单已补录")
    expect(page.get_by_test_id("state")).to_have_text("已处理")
    assert order.took == [1]
    expect(page.get_by_test_id("acts")).to_contain_text("订单已补录")
    expect(page.get_by_test_id("act-letter_replay")).to_have_count(0)

    page.goto(f"{address}/console/audit")
    expect(page.get_by_test_id("audit")).to_contain_text("订单已补录")
    with psycopg.connect(order_url) as connection:
        done = connection.execute("select operator_id, act, subject, note from operator_act order by id").fetchall()
    assert done == [(7, "replay", "dead-letter:1", "先试一次"), (7, "replay", "dead-letter:1", "订单已补录")]


def test_the_system_page_names_a_service_that_stops_while_it_is_open(page, services, address):
    statuses.all_run(services)
    page.goto(f"{address}/console/system")
    expect(page.get_by_test_id("service-payment")).to_contain_text("正常")
    del services.answers["payment", "/payment/v1/ops/system"]
    expect(page.get_by_test_id("service-payment")).to_contain_text("没有应答", timeout=20_000)
    expect(page.get_by_test_id("service-order")).to_contain_text("正常")


@pytest.mark.parametrize(("language", "size"), LOOKS, ids=["zh", "en"])
def test_every_page_is_as_it_should_be(browser, complaints, services, address, language, size):
    everything(services)
    page = opened(browser, complaints, size, language)
    ending = language[:2]
    page.goto(f"{address}/console/letters")
    sign_in(page)
    look(page, f"letters-{ending}")
    for name, path in (
        ("letter", "letters/order/7"),
        ("queues", "queues"),
        ("messages", "messages?state=dead"),
        ("message", "messages/5"),
        ("hosts", "hosts"),
        ("audit", "audit"),
        ("letter-replay", "acts/letter_replay?service=order&id=7&back=%2Fconsole%2Fletters"),
    ):
        page.goto(f"{address}/console/{path}")
        look(page, f"{name}-{ending}")
    del services.answers["notification", "/notification/v1/ops/system"]
    page.goto(f"{address}/console/system")
    expect(page.get_by_test_id("missing-notification")).to_be_visible()
    look(page, f"system-{ending}")
    assert looked_at(page) == OPERATIONS
    page.context.close()


def everything(services: Operations) -> None:
    """Something to show on every page, some of it wrong."""
    statuses.all_run(services)
    wrong = [statuses.JOB | {"claimed": None, "error": "PeerUnavailable: payment", "failedAt": AT}]
    services.data("/travel/v1/ops/system", statuses.status("travel", jobs=wrong))
    for each in statuses.SERVICES:
        services.data(f"/{each}/v1/ops/actList", {"list": [act(2, AT)]})
    for each in statuses.WITH_LETTERS:
        services.data(f"/{each}/v1/ops/deadLetterList", {"list": [letter(9), letter(3, state="waiting")]})
    event = EVENT | {"data": {"orderSn": "HSO2026112309302612345678", "openid": "o-secret"}}
    detail = {"letter": letter(), "body": json.dumps(event), "acts": [act(7, AT)]}
    services.data("/order/v1/ops/deadLetterDetail", detail)
    waiting = {
        "id": 1,
        "eventId": "e",
        "topic": TOPIC,
        "partitionKey": "HSO2026112309302612345678",
        "type": "minsu.payment.paystatus-updated.v2",
        "attempts": 4,
        "lastError": "sidecar: ConnectError",
        "createdAt": AT,
    }
    services.data("/payment/v1/ops/outboxStatus", outbox_status(waiting=1, failing=1, oldest=[waiting]))
    services.data("/order/v1/ops/outboxStatus", outbox_status())
    services.data("/notification/v1/ops/taskList", {"list": [message(5), message(4, cause=None)]})
    attempt = {"seq": 1, "outcome": "failed", "errcode": 45009, "detail": "quota", "startedAt": AT, "endedAt": AT}
    change = {"fromState": "pending", "toState": "dead", "reason": "gave up", "actor": "notification", "createdAt": AT}
    found = {"task": message(), "attempts": [attempt], "transitions": [change]}
    services.data("/notification/v1/ops/taskDetail", found)
    services.data("/travel/v1/ops/hostList", {"list": [host(4), host(3, status="refused", note="no licence")]})
