"""Clock, trigger, listen, console, and access to the control API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from wechatsim.control.clock import seconds_of
from wechatsim.errors import ControlError
from wechatsim.sim import Sim
from wechatsim.store import Store

from .conftest import MerchantClient, until


@pytest.mark.parametrize(
    ("duration", "seconds"), [("90", 90), ("90s", 90), ("31m", 1860), ("24h", 86400), ("2d", 172800), ("1h30m", 5400)]
)
def test_durations_are_parsed(duration: str, seconds: float) -> None:
    assert seconds_of(duration) == seconds


@pytest.mark.parametrize("duration", ["", "-1m", "soon", "1w", "m", "1.5.", "9" * 40 + "x", "1" * 100_000, "1h" * 40])
def test_invalid_durations_are_refused(duration: str) -> None:
    with pytest.raises(ControlError):
        seconds_of(duration)


async def test_an_order_closes_itself_when_it_expires(merchant: MerchantClient) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    prepay_id = await merchant.prepay("DESK-00001", time_expire=soon)
    await merchant.control("POST", "/_sim/clock/advance", {"by": "59s"})
    assert (await merchant.books("DESK-00001"))["state"] == "NOTPAY"
    await merchant.control("POST", "/_sim/clock/advance", {"by": "2s"})
    assert (await merchant.books("DESK-00001"))["state"] == "CLOSED"
    refused = await merchant.control("POST", "/_sim/pay", {"prepay_id": prepay_id})
    assert (refused.status_code, refused.json()["error"]) == (409, "order_closed")
    assert await merchant.notifications() == []


async def test_a_prepay_id_is_valid_for_two_hours_and_the_next_one_differs(merchant: MerchantClient) -> None:
    first = await merchant.prepay("DESK-00002")
    await merchant.control("POST", "/_sim/clock/advance", {"by": "2h"})
    old = await merchant.control("POST", "/_sim/pay", {"prepay_id": first})
    assert (old.status_code, old.json()["error"]) == (409, "prepay_id_expired")
    second = await merchant.prepay("DESK-00002")
    assert second != first
    assert (await merchant.control("POST", "/_sim/pay", {"prepay_id": second})).status_code == 200


@pytest.mark.parametrize(
    ("event", "types"),
    [
        ("transaction.success", ["TRANSACTION.SUCCESS"]),
        ("refund.success", ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]),
        ("refund.abnormal", ["TRANSACTION.SUCCESS", "REFUND.ABNORMAL"]),
        ("refund.closed", ["TRANSACTION.SUCCESS", "REFUND.CLOSED"]),
    ],
)
async def test_trigger_makes_the_event_and_its_preconditions(
    merchant: MerchantClient, event: str, types: list[str]
) -> None:
    response = await merchant.control("POST", "/_sim/trigger", {"event": event, "notify_url": merchant.notify_url})
    assert response.status_code == 200, response.text
    await until(lambda: len(merchant.calls) == len(types))
    assert sorted(json.loads(body)["event_type"] for _, body in merchant.calls) == sorted(types)


async def test_trigger_tampers_with_one_notification_only(merchant: MerchantClient) -> None:
    await merchant.prepay("DESK-00003")
    body = {"event": "transaction.success", "out_trade_no": "DESK-00003"}
    await merchant.control("POST", "/_sim/trigger", body | {"faults": {"callback-doubled": 3}})
    await until(lambda: len(merchant.calls) == 3)
    await merchant.control("POST", "/_sim/trigger", body)
    await until(lambda: len(merchant.calls) == 4)
    assert (await merchant.books("DESK-00003"))["paid"] == 19900
    wrong = await merchant.control("POST", "/_sim/trigger", body | {"faults": {"api-5xx": 1}})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "unknown_fault")


async def test_a_listener_gets_the_notification_and_its_response_counts(merchant: MerchantClient) -> None:
    await merchant.prepay("DESK-00004", notify_url="https://unreachable.example.com/notify")
    polled = merchant.control("GET", "/_sim/listen")
    import asyncio

    waiting = asyncio.create_task(polled)
    await asyncio.sleep(0)
    await until(lambda: merchant.http is not None)
    await merchant.control("GET", "/_sim/healthz")
    paid = await merchant.pay("DESK-00004")
    handed = (await waiting).json()
    assert handed["url"] == "https://unreachable.example.com/notify"
    assert merchant.open((dict(handed["headers"]), handed["body"].encode())) == paid
    response = await merchant.control("POST", f"/_sim/listen/{handed['ticket']}", {"status": 204})
    assert response.json() == {"in_time": True}

    async def delivered() -> bool:
        return [n["state"] for n in await merchant.notifications("DESK-00004")] == ["DELIVERED"]

    await until(delivered)


async def test_the_console_shows_orders_and_attempts_escaped(merchant: MerchantClient, sim: Sim) -> None:
    await merchant.prepay("DESK-00005", description="<img src=x>")
    await merchant.pay("DESK-00005")
    await until(lambda: sim.store.one("SELECT 1 FROM attempt"))
    page = await merchant.control("GET", "/_sim/console")
    assert page.status_code == 200
    for text in ("DESK-00005", "199.00", "TRANSACTION.SUCCESS", "Wechatpay-Signature", "&lt;img src=x&gt;"):
        assert text in page.text
    assert "<img" not in page.text


async def test_the_control_api_accepts_loopback_and_json_only(sim: Sim, merchant: MerchantClient) -> None:
    assert merchant.http is not None
    transport = merchant.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    app = transport.app
    assert isinstance(app, Starlette)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("10.0.0.9", 1))) as stranger:
        for path in ("/_sim/books", "/_sim/console"):
            assert (await stranger.get(f"http://sim{path}")).status_code == 403
        assert (await stranger.get("http://sim/cashier?prepay_id=x")).status_code == 404
    form = await merchant.http.post("http://sim/_sim/pay", data={"out_trade_no": "x"})
    assert (form.status_code, form.json()["error"]) == (415, "not_json")
    unknown = await merchant.control("GET", "/_sim/nothing")
    assert (unknown.status_code, unknown.json()["error"]) == (404, "not_found")


def test_a_store_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.touch(mode=0o644)
    store = Store(str(file))
    store.remember("mobile", "13800000001")
    assert {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {
        "store.db": 0o600,
        "store.db-wal": 0o600,
        "store.db-shm": 0o600,
    }
    store.close()


@pytest.mark.parametrize("body", [{"by": "9999999999d"}, {"by": "99999d"}, {"seconds": 1e300}, {"seconds": -1}])
async def test_the_clock_does_not_leave_the_calendar(
    sim: Sim, merchant: MerchantClient, body: dict[str, object]
) -> None:
    before = sim.clock.offset
    refused = await merchant.control("POST", "/_sim/clock/advance", body)
    assert (refused.status_code, refused.json()["error"]) == (400, "bad_duration")
    assert sim.clock.offset == before
    assert (await merchant.control("GET", "/_sim/clock")).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *[("127.0.0.1:8090", 200), ("[::1]:8090", 200), ("localhost:8090", 200), ("wechatsim", 200)],
        *[("evil.example", 403), ("127.0.0.1.evil.example:8090", 403), ("localhost.evil.example", 403), ("[::1", 403)],
    ],
)
async def test_a_foreign_name_that_leads_here_reaches_nothing(merchant: MerchantClient, host: str, status: int) -> None:
    assert merchant.http is not None
    for path in ("/_sim/books", "/_sim/console", "/_sim/sms?mobile=13800000001"):
        assert (await merchant.http.get(f"http://sim{path}", headers={"Host": host})).status_code == status
    advance = await merchant.http.post("http://sim/_sim/clock/advance", json={"by": "1s"}, headers={"Host": host})
    assert advance.status_code == status


async def test_text_messages_are_stored_and_listed(merchant: MerchantClient) -> None:
    for mobile, code in (("13800000001", "111111"), ("13800000002", "222222"), ("13800000001", "333333")):
        sent = await merchant.control("POST", "/_sim/sms", {"mobile": mobile, "code": code, "text": f"code {code}"})
        assert sent.status_code == 200
    found = (await merchant.control("GET", "/_sim/sms?mobile=13800000001")).json()["sms"]
    assert [(each["mobile"], each["code"], each["text"]) for each in found] == [
        ("13800000001", "333333", "code 333333"),
        ("13800000001", "111111", "code 111111"),
    ]
    assert "code 222222" in (await merchant.control("GET", "/_sim/console")).text


@pytest.mark.parametrize(
    "body", [{}, {"mobile": "1"}, {"mobile": "", "text": "t"}, {"mobile": "1", "text": "x" * 2001}]
)
async def test_an_invalid_text_message_is_refused(merchant: MerchantClient, body: dict[str, str]) -> None:
    assert (await merchant.control("POST", "/_sim/sms", body)).status_code == 400
    assert (await merchant.control("GET", "/_sim/sms")).json() == {"sms": []}
