"""The official Java SDK works with the sandbox, in both key modes. It looks up headers case-sensitively."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import LiveServer, MerchantClient, receiver, until
from .java_oracle import Judge, judge


class World:
    """A sandbox on a port, a merchant that receives its callbacks, and the SDK."""

    def __init__(self, url: str, merchant: MerchantClient, sdk: Judge, mode: str) -> None:
        self.url, self.merchant, self.sdk, self.mode = url, merchant, sdk, mode

    def control(self, path: str, content: dict[str, Any] | None = None) -> Any:
        response = httpx.request("GET" if content is None else "POST", self.url + path, json=content, trust_env=False)
        assert response.is_success, response.text
        return response.json()

    async def next_callback(self) -> tuple[dict[str, str], str]:
        await until(lambda: self.merchant.calls)
        headers, body = self.merchant.calls.pop(0)
        return headers, body.decode()

    async def paid(self, number: str) -> tuple[dict[str, str], str]:
        """Order and pay with the SDK's own parameters; returns the callback."""
        made = self.sdk("prepay", order=self.merchant.order(number))["ok"]
        self.control("/_sim/request-payment", made)
        return await self.next_callback()


@pytest.fixture(scope="module", params=["cert", "pubkey"])
async def world(request: pytest.FixtureRequest, keys: Path, pubkey_keys: Path) -> AsyncIterator[World]:
    folder = keys if request.param == "cert" else pubkey_keys
    merchant = MerchantClient(folder)
    with LiveServer(folder) as server, judge(server.url, folder, request.param) as sdk:
        async with receiver(merchant):
            yield World(server.url, merchant, sdk, request.param)


async def test_it_orders_pays_queries_and_decrypts_the_callback(world: World) -> None:
    headers, body = await world.paid("JAVA|00001")
    opened = world.sdk("callback", headers=headers, body=body, refund=False)["ok"]
    assert (opened["out_trade_no"], opened["trade_state"], opened["amount"]["total"]) == (
        "JAVA|00001",
        "SUCCESS",
        19900,
    )
    queried = world.sdk("query", out_trade_no="JAVA|00001")["ok"]
    assert queried == opened
    lowered = {name.lower(): value for name, value in headers.items()}
    assert world.sdk("callback", headers=lowered, body=body, refund=False) == {"unbelieved": "ValidationException"}


async def test_it_closes_and_gets_wechats_error_codes(world: World) -> None:
    await world.paid("JAVA-00002")
    assert world.sdk("close", out_trade_no="JAVA-00002") == {
        "refused": {"status": 400, "code": "ORDERPAID", "message": "该订单已支付"}
    }
    world.sdk("prepay", order=world.merchant.order("JAVA-00003"))
    assert world.sdk("close", out_trade_no="JAVA-00003") == {"ok": "closed"}
    assert world.sdk("query", out_trade_no="JAVA-00003")["ok"]["trade_state"] == "CLOSED"
    assert world.sdk("query", out_trade_no="JAVA-UNKNOWN") == {
        "refused": {"status": 404, "code": "ORDER_NOT_EXIST", "message": "订单不存在"}
    }
    other = world.merchant.order("JAVA-00002", amount={"total": 0, "currency": "CNY"})
    assert world.sdk("prepay", order=other)["refused"]["code"] == "PARAM_ERROR"


async def test_it_refunds_and_decrypts_the_notification_of_each_outcome(world: World) -> None:
    await world.paid("JAVA-00004")
    for ending in ("success", "abnormal", "closed"):
        if ending != "success":
            world.control("/_sim/faults/set", {"name": f"refund-{ending}", "times": 1})
        asked = {
            "out_trade_no": "JAVA-00004",
            "out_refund_no": f"JR-{ending}@",
            "reason": "改期",
            "notify_url": world.merchant.notify_url,
            "amount": {"refund": 100, "total": 19900, "currency": "CNY"},
        }
        made = world.sdk("refund", refund=asked)["ok"]
        assert (made["status"], made["channel"], made["amount"]["payer_refund"]) == ("PROCESSING", "ORIGINAL", 100)
        headers, body = await world.next_callback()
        opened = world.sdk("callback", headers=headers, body=body, refund=True)["ok"]
        assert (opened["refund_status"], opened["out_refund_no"]) == (ending.upper(), f"JR-{ending}@")
    asked |= {"out_refund_no": "JR-more", "amount": {"refund": 19801, "total": 19900, "currency": "CNY"}}
    assert world.sdk("refund", refund=asked)["refused"]["code"] == "INVALID_REQUEST"


async def test_it_refuses_signtest_and_bad_signatures_and_accepts_the_next_response(world: World) -> None:
    await world.paid("JAVA-00005")
    for name in ("api-signtest", "api-bad-signature"):
        world.control("/_sim/faults/set", {"name": name, "times": 1})
        assert set(world.sdk("query", out_trade_no="JAVA-00005")) == {"unbelieved"}
        assert world.sdk("query", out_trade_no="JAVA-00005")["ok"]["trade_state"] == "SUCCESS"
    for name in ("callback-signtest", "callback-bad-signature", "callback-bad-body", "callback-wrong-serial"):
        event = {"event": "transaction.success", "out_trade_no": "JAVA-00005", "faults": {name: None}}
        world.control("/_sim/trigger", event)
        headers, body = await world.next_callback()
        assert set(world.sdk("callback", headers=headers, body=body, refund=False)) == {"unbelieved"}


async def test_it_verifies_signatures_of_the_other_mode_only_if_it_has_the_key(world: World) -> None:
    await world.paid("JAVA-00006")
    event = {"event": "transaction.success", "out_trade_no": "JAVA-00006", "faults": {"callback-other-key": None}}
    world.control("/_sim/trigger", event)
    headers, body = await world.next_callback()
    assert headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_") == (world.mode == "cert")
    assert world.sdk("callback", headers=headers, body=body, refund=False) == {"unbelieved": "ValidationException"}


async def test_it_downloads_the_days_bill_and_the_hash_is_right(world: World) -> None:
    await world.paid("JAVA-00007")
    world.control("/_sim/clock/advance", {"by": "24h"})
    day = (datetime.fromisoformat(world.control("/_sim/clock")["now"]) - timedelta(days=1)).date().isoformat()
    for packed in ({}, {"tar_type": "GZIP"}):
        bill = world.sdk("bill", bill={"bill_date": day, "bill_type": "ALL", **packed})["ok"]
        assert bill["hash"] is True
        assert bill["lines"] >= 4
