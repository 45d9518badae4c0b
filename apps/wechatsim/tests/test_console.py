"""The console in a browser: the buttons do the same as the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

from stack.setup import browser

from .conftest import LiveServer

REPO = Path(__file__).resolve().parents[3]


@pytest.fixture
def page(keys: Path) -> Iterator[tuple[Page, str]]:
    with LiveServer(keys) as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.executable(REPO), env=browser.environment(REPO), args=["--no-sandbox"]
        )
        opened = chromium.new_page(locale="zh-CN")
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto(f"{server.url}/_sim/console")
        yield opened, server.url
        chromium.close()
        assert complaints == []


def test_trigger_refund_finish_and_faults_by_hand(page: tuple[Page, str]) -> None:
    console, url = page

    def reloaded(act: Callable[[], None]) -> None:
        with console.expect_navigation():
            act()

    events = console.locator("#notifications form")
    events.locator("[name=notify_url]").fill("http://127.0.0.1:1/notify")
    events.locator("[name=faults]").select_option("callback-bad-signature")
    reloaded(events.get_by_text("触发").click)
    order = console.locator("tr[data-order]").get_attribute("data-order") or ""
    [sent] = httpx.get(f"{url}/_sim/notifications", trust_env=False).json()["notifications"]
    assert (sent["event_type"], sent["out_trade_no"]) == ("TRANSACTION.SUCCESS", order)
    assert [attempt["fault"] for attempt in sent["attempts"]] == ["callback-bad-signature"]

    refunding = console.locator("#refunds form")
    refunding.locator("[name=out_trade_no]").fill(order)
    refunding.locator("[name=amount]").fill("30")
    refunding.locator("[name=ending]").select_option("abnormal")
    reloaded(refunding.get_by_role("button").click)
    assert "0.30\tABNORMAL" in console.locator("#refunds table").inner_text()
    reloaded(console.locator("#refunds table").get_by_text("成功").click)
    [books] = httpx.get(f"{url}/_sim/books", trust_env=False).json()["books"]
    assert (books["paid"], books["refunded"], books["held"]) == (100, 30, 70)

    switches = console.locator("#faults form")
    switches.locator("[name=name]").select_option("refund-late")
    switches.locator("[name=value]").fill("7.5")
    reloaded(switches.get_by_role("button").click)
    assert "refund-late = 7.5" in console.locator("#faults").inner_text()
    reloaded(console.locator("#faults p").get_by_role("button").click)
    assert httpx.get(f"{url}/_sim/faults", trust_env=False).json()["active"] == []


def test_an_error_is_shown_and_chinese_is_shown_as_written(page: tuple[Page, str]) -> None:
    console, url = page
    refunding = console.locator("#refunds form")
    refunding.locator("[name=out_trade_no]").fill("UNKNOWN-0001")
    refunding.get_by_role("button").click()
    console.wait_for_selector("#error:not(:empty)")
    assert console.locator("#error").inner_text() == "no order UNKNOWN-0001"
    notice = {"event": "transaction.success", "notify_url": "http://127.0.0.1:1/notify"}
    assert httpx.post(f"{url}/_sim/trigger", json=notice, trust_env=False).status_code == 200
    console.reload()
    console.locator("#notifications summary").first.click()
    assert '"trade_state_desc": "支付成功"' in console.locator("#notifications pre").first.inner_text()
