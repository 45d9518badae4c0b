"""The way of a payment: one timeline of all services' records, which says what is missing of it."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from gateway.main import create_app
from servicekit.testing import client
from tests.service.gateway.money import ABNORMAL, RFD
from tests.service.gateway.operators import Operations, enter, post
from tests.service.gateway.serving import settings
from tests.service.gateway.ways import (
    PAYMENT_SN,
    PREPAY_TRACE,
    SN,
    TRACE,
    TRANSACTION,
    event,
    letter,
    lost_callback,
    message,
    order,
    payment,
    settled,
    troubles,
)

WAY = f"/console/payments/{SN}"
JAEGER = "http://127.0.0.1:16686"
LOGS = "https://grafana.example/explore?expr=%7Bjob%3D%22minsu%22%7D&number="


@pytest.fixture(scope="module")
async def app(services: Operations) -> AsyncIterator[httpx.AsyncClient]:
    async with client(create_app(settings(jaeger_url=f"{JAEGER}/"), sidecar=services)) as http:
        yield http


@pytest.fixture
async def http(app: httpx.AsyncClient, services: Operations) -> httpx.AsyncClient:
    services.fresh()
    lost_callback(services)
    app.cookies.clear()
    await enter(app)
    services.bodies.clear()
    return app


def records(**known: Any) -> dict[str, Any]:
    """What payment tells of an order."""
    return {"payments": [], "refunds": [], "notices": [], "payout": [], "steps": []} | known


def rows(html: str) -> list[list[str]]:
    """The timeline's cells as text."""
    table = html[html.index('data-testid="steps"') :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    cells = [
        re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


async def test_all_services_records_are_one_timeline_with_times_and_gaps(http, services):
    settled(services)
    page = (await http.get(WAY)).text
    assert [(row[0], row[1], row[2], row[3], row[5]) for row in rows(page)] == [
        ("2026-11-23 09:30:26.100", "", "order", "订单状态", "待支付"),
        ("2026-11-23 09:31:00.000", "+33.900 s", "payment", "建立支付单 740.51", ""),
        ("2026-11-23 09:31:00.210", "+0.210 s", "payment", "微信下单成功", ""),
        ("2026-11-23 09:31:20.000", "+19.790 s", "payment", "用户在微信付款", ""),
        ("2026-11-23 09:45:00.100", "+13 min 40 s", "payment", "运维操作", "query-payment"),
        ("2026-11-23 09:45:00.300", "+0.200 s", "payment", "支付状态", "待支付 → 已支付"),
        ("2026-11-23 09:45:00.300", "+0.000 s", "payment", "写入事件", ""),
        ("2026-11-23 09:45:00.340", "+0.040 s", "payment", "发布事件", ""),
        ("2026-11-23 09:45:00.420", "+0.080 s", "order", "订单状态", "待支付 → 待入住"),
        ("2026-11-23 09:45:00.420", "+0.000 s", "order", "事件生效", ""),
        ("2026-11-23 09:45:00.500", "+0.080 s", "notification", "计划消息", ""),
        ("2026-11-23 09:45:00.700", "+0.200 s", "notification", "发送消息", "已发送"),
    ]
    assert TRANSACTION in page
    assert "hx-get" not in page
    asked = {"source": "minsu/payment", "eventId": "e-1"}
    for service in ("order", "payment", "notification", "travel"):
        assert services.bodies[f"/{service}/v1/ops/receivedEvents"] == [{"events": [asked]}]


async def test_a_trace_is_a_link_where_jaeger_is_known_and_its_number_elsewhere(http, services):
    settled(services)
    assert f'href="{JAEGER}/trace/{TRACE}"' in (await http.get(WAY)).text
    async with client(create_app(settings(), sidecar=services)) as elsewhere:
        await enter(elsewhere)
        page = (await elsewhere.get(WAY)).text
    assert f"<code>{TRACE}</code>" in page
    assert "/trace/" not in page


async def test_the_log_lines_of_the_order_and_of_each_trace_are_a_link_where_a_log_store_is_known(services, http):
    settled(services)
    async with client(create_app(settings(logs_url=f"{LOGS}{{number}}&to=now"), sidecar=services)) as known:
        await enter(known)
        page = (await known.get(WAY)).text
    links = re.findall(r'href="([^"]+)"[^>]*data-testid="logs"', page)
    assert [unescape(each) for each in links] == [f"{LOGS}{each}&to=now" for each in (PREPAY_TRACE, TRACE, SN)]
    assert "{job=" not in unescape(page)
    assert f"minsu trace {SN}" in page


async def test_without_them_the_page_says_what_to_type(http, services):
    settled(services)
    async with client(create_app(settings(), sidecar=services)) as unknown:
        await enter(unknown)
        page = unescape((await unknown.get(WAY)).text)
    for typed in (
        f"minsu trace {SN}",
        f'{{job="minsu"}} | order_sn="{SN}"',
        f'{{job="minsu"}} | trace_id="{PREPAY_TRACE}"',
        f'{{job="minsu"}} | trace_id="{TRACE}"',
        f"grep -h {SN} .run/logs/*.log",
    ):
        assert f"<code>{typed}</code>" in page
    assert 'data-testid="logs"' not in page


async def test_with_jaeger_and_a_log_store_nothing_needs_to_be_typed(http, services):
    both = settings(jaeger_url=JAEGER, logs_url=f"{LOGS}{{number}}")
    async with client(create_app(both, sidecar=services)) as known:
        await enter(known)
        page = unescape((await known.get(WAY)).text)
    for typed in ("minsu trace", "{job=", "grep "):
        assert typed not in page


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "日志不抽样"), ("en", "Log lines are not sampled")], ids=["zh", "en"]
)
async def test_it_is_said_that_a_trace_may_not_have_been_kept(http, language, said):
    assert said in (await http.get(WAY, headers={"accept-language": language})).text


async def test_an_order_without_any_trace_has_its_log_lines_all_the_same(http, services):
    services.data(
        "/payment/v1/ops/paymentSteps", {"payments": [], "refunds": [], "notices": [], "payout": [], "steps": []}
    )
    page = unescape((await http.get(WAY)).text)
    assert f'<code>{{job="minsu"}} | order_sn="{SN}"</code>' in page


@pytest.mark.parametrize("service", ["order", "payment", "notification"])
async def test_a_service_that_does_not_answer_is_said_and_the_others_are_shown(http, services, service):
    settled(services)
    for app_id, path in list(services.answers):
        if app_id == service:
            del services.answers[app_id, path]
    response = await http.get(WAY)
    assert response.status_code == 200
    assert response.text.count(f'data-testid="missing-{service}"') == 1
    told = {row[2] for row in rows(response.text)}
    assert told == {"order", "payment", "notification"} - {service}


async def test_with_no_service_left_the_page_says_so_for_each(http, services):
    for key in [key for key in services.answers if "/v1/ops/" in key[1]]:
        del services.answers[key]
    response = await http.get(WAY)
    assert response.status_code == 200
    for service in ("order", "payment", "notification"):
        assert f'data-testid="missing-{service}"' in response.text
    assert 'data-testid="unknown"' not in response.text


async def test_a_service_that_refuses_is_quoted(http, services):
    services.refuse("/payment/v1/ops/paymentSteps", "forbidden")
    assert "支付服务（payment）拒绝了请求： 没有权限进行此操作" in (await http.get(WAY)).text


async def test_an_order_that_no_service_knows_is_said(http, services):
    services.refuse("/order/v1/ops/orderSteps", "order-not-found")
    services.data(
        "/payment/v1/ops/paymentSteps", {"payments": [], "refunds": [], "notices": [], "payout": [], "steps": []}
    )
    page = (await http.get(WAY)).text
    assert 'data-testid="unknown"' in page
    assert 'data-testid="missing-order"' not in page


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "订单服务没有这个订单，支付服务却有它的支付"), ("en", "order does not know this order, payment does")],
)
async def test_a_payment_whose_order_is_unknown_to_order_is_said(http, services, language, said):
    services.refuse("/order/v1/ops/orderSteps", "order-not-found")
    for path in (WAY, f"{WAY}/steps"):
        page = (await http.get(path, headers={"accept-language": language})).text
        [note] = re.findall(r'<p class="note bad"[^>]*data-testid="unknown-to-order">(.*?)</p>', page)
        assert said in note
        assert 'data-testid="unknown"' not in page
        assert 'data-testid="missing-order"' not in page
    assert PAYMENT_SN in page


@pytest.mark.parametrize("is_there", [True, False])
async def test_an_order_is_said_to_be_unknown_to_order_alone_only_by_both_services(http, services, is_there):
    if is_there:
        services.data(
            "/payment/v1/ops/paymentSteps",
            {"payments": [payment()], "refunds": [], "notices": [], "payout": [], "steps": []},
        )
    else:
        services.refuse("/order/v1/ops/orderSteps", "order-not-found")
        del services.answers["payment", "/payment/v1/ops/paymentSteps"]
    page = (await http.get(WAY)).text
    assert 'data-testid="unknown-to-order"' not in page


@pytest.mark.parametrize("sn", ["HSO1", "PMT2026112309302612345678", "x", "HSO20261123093026123456789"])
async def test_what_is_no_orders_number_has_no_way(http, sn):
    assert (await http.get(f"/console/payments/{sn}")).status_code == 404


async def test_a_payment_that_no_event_tells_of_leads_to_the_trace_of_its_prepay(http):
    page = (await http.get(WAY)).text
    [traces] = re.findall(r'data-testid="traces">.*?</ul>', page, re.DOTALL)
    assert re.findall(r"<code>([0-9a-f]{32})<", traces) == [PREPAY_TRACE]


async def test_a_lost_callback_is_set_going_from_the_page(http, services):
    page = (await http.get(WAY)).text
    assert f'hx-get="{WAY}/steps"' in page
    button = unescape(re.search(r'href="([^"]+)" data-testid="act-payment_query"', page)[1])
    csrf = re.search(r'name="csrf" value="(\w+)"', page)[1]
    confirm = await http.get(button)
    assert f"将立即向微信查询支付 {PAYMENT_SN}" in confirm.text
    done = await post(http, button, {"csrf": csrf, "reason": "买家来电"})
    assert (done.status_code, done.headers["location"]) == (303, WAY)
    assert services.bodies["/payment/v1/ops/paymentQuery"] == [{"paymentSn": PAYMENT_SN, "note": "买家来电"}]
    settled(services)
    page = (await http.get(WAY)).text
    assert f"已向微信查询支付 {PAYMENT_SN}，微信状态：SUCCESS。" in page


async def test_the_part_that_reloads_itself_is_the_same_without_the_page_around_it(http):
    part = (await http.get(f"{WAY}/steps")).text
    assert part.strip().startswith('<div id="way"')
    assert "<html" not in part
    assert rows(part) == rows((await http.get(WAY)).text)


@pytest.mark.parametrize("kind", ["paid", "before_arrival"])
@pytest.mark.parametrize(("state", "goes_on"), [("pending", True), ("sent", False)])
async def test_it_looks_again_as_long_as_a_message_is_under_way(http, services, kind, state, goes_on):
    settled(services)
    services.data("/notification/v1/ops/messageSteps", {"tasks": [message(kind=kind, state=state)], "steps": []})
    assert ('hx-trigger="every 5s"' in (await http.get(f"{WAY}/steps")).text) is goes_on


async def test_what_waits_to_be_published_says_why(http, services):
    waiting = event("e-9", "payment-update-paystatus-topic", "minsu/payment", "2026-11-23T01:45:00Z", None)
    services.data("/payment/v1/ops/publishedEvents", {"list": [waiting], "keepDays": 7})
    page = (await http.get(WAY)).text
    [row] = [row for row in rows(page) if row[3] == "写入事件"]
    assert (row[5], row[6]) == ("等待中", "PeerUnavailable: sidecar: ConnectError")


async def test_a_dead_letter_is_a_step(http, services):
    settled(services)
    found = letter(7)
    of_event = {name: found[name] for name in ("id", "source", "eventId", "topic", "state", "reason", "receivedAt")}
    services.data("/travel/v1/ops/receivedEvents", {"taken": [], "letters": [of_event]})
    services.data("/travel/v1/ops/deadLetterList", {"list": [found]})
    page = (await http.get(WAY)).text
    [row] = [row for row in rows(page) if row[3] == "成为死信"]
    assert "/console/acts/letter_replay?service=travel&amp;id=7&amp;back=" in page
    assert (row[2], row[4], row[5]) == ("travel", "travel:7", "需人工处理")


async def test_a_dead_letter_is_a_step_also_when_the_publishers_keep_its_event_no_longer(http, services):
    services.data("/order/v1/ops/deadLetterList", {"list": [letter(9), letter(8, state="applied")]})
    page = (await http.get(WAY)).text
    letters = [(row[2], row[4], row[5]) for row in rows(page) if row[3] == "成为死信"]
    assert sorted(letters) == [("order", "order:8", "已生效"), ("order", "order:9", "需人工处理")]
    assert "/console/acts/letter_replay?service=order&amp;id=9&amp;back=" in page
    for service in ("order", "payment", "notification", "travel"):
        assert services.bodies[f"/{service}/v1/ops/deadLetterList"] == [{"number": SN, "pageSize": 100}]
        assert f"/{service}/v1/ops/receivedEvents" not in services.bodies


@pytest.mark.parametrize("service", ["order", "payment", "notification", "travel"])
async def test_a_service_that_does_not_tell_its_dead_letters_is_named(http, services, service):
    del services.answers[service, f"/{service}/v1/ops/deadLetterList"]
    assert f'data-testid="missing-{service}"' in (await http.get(WAY)).text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("age", "is_said"), [(timedelta(days=8), True), (timedelta(days=6), False)])
async def test_it_is_said_of_an_order_older_than_events_are_kept(http, services, age, is_said, language):
    created = (datetime.now(UTC) - age).isoformat()
    services.data("/order/v1/ops/orderSteps", {"order": order(createdAt=created), "steps": []})
    services.data("/payment/v1/ops/paymentSteps", records(payments=[payment(createdAt=datetime.now(UTC).isoformat())]))
    page = (await http.get(WAY, headers={"accept-language": language})).text
    said = re.findall(r'data-testid="forgotten">(.*?)</p>', page)
    assert [re.findall(r"\d+", each) for each in said] == ([["7"]] if is_said else [])


async def test_it_is_said_by_the_payments_age_where_order_does_not_tell(http, services):
    del services.answers["order", "/order/v1/ops/orderSteps"]
    services.data("/payment/v1/ops/paymentSteps", records(payments=[payment(createdAt="2026-01-01T00:00:00Z")]))
    for service, days in (("order", 3), ("payment", 30)):
        services.data(f"/{service}/v1/ops/publishedEvents", {"list": [], "keepDays": days})
    page = (await http.get(WAY)).text
    said = re.findall(r'data-testid="forgotten">(.*?)</p>', page)
    assert [re.findall(r"order|payment|\d+", each) for each in said] == [["order", "3"], ["payment", "30"]]


async def test_a_publisher_of_before_tells_no_days_and_nothing_is_said_of_them(http, services):
    services.data("/order/v1/ops/orderSteps", {"order": order(createdAt="2026-01-01T00:00:00Z"), "steps": []})
    for service in ("order", "payment"):
        services.of_another_version(f"/{service}/v1/ops/publishedEvents", {"list": []})
    assert 'data-testid="forgotten"' not in (await http.get(WAY)).text


async def test_each_trouble_has_its_button_and_its_reason(http, services):
    troubles(services)
    page = (await http.get(WAY)).text
    for act in ("refund_ask_again", "refund_to_card", "refund_to_merchant", "notice_resolve", "resend"):
        assert f'data-testid="act-{act}"' in page
    for reason in ("43101 user refuse to accept the msg", "the card is closed", "尚未汇总"):
        assert reason in page


@pytest.mark.parametrize(("cause", "is_offered"), [("late-payment", True), ("buyer", False), ("goodwill", False)])
async def test_a_closed_refund_is_offered_a_new_number_unless_order_asks_again(http, services, cause, is_offered):
    closed = ABNORMAL | {"state": "closed", "cause": cause}
    services.data("/payment/v1/ops/paymentSteps", records(payments=[payment(payStatus=1)], refunds=[closed]))
    page = (await http.get(WAY)).text
    assert f"<code>{RFD}</code>" in page
    assert ('data-testid="act-refund_again"' in page) is is_offered
