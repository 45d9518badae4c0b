"""An operator resolves a review in the console, and finds a payment in its lists and charts, on the real system."""

import json

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsing import DESK, enter_console, opened
from tests.support.forgery import callback, deliver, transaction
from tests.support.operators import new_operator
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
REASON = "商户平台已核对：这是一次演练"


def test_a_review_is_resolved_and_stands_in_the_audit(browser: Browser, stack, system: System, complaints) -> None:
    number = system.prepay(system.book())["paymentSn"]
    headers, body = callback(system.environment, transaction(system.environment, number, 1))
    assert deliver(system.environment, headers, body).is_success
    [row] = system.rows("payment", "select id from provider_notice where out_trade_no = %s", number)
    page = opened(browser, complaints, DESK)
    page.goto(f"{stack['STOREFRONT_URL']}/console/reviews")
    enter_console(page, new_operator(system))

    notice = page.get_by_test_id(f"notice-{row['id']}")
    expect(notice).to_contain_text(number)
    notice.get_by_test_id("act-notice_resolve").click()
    page.get_by_test_id("reason").fill(REASON)
    page.get_by_test_id("confirm").click()

    expect(page.get_by_test_id("done")).to_contain_text(str(row["id"]))
    expect(notice).to_have_count(0)
    page.goto(f"{stack['STOREFRONT_URL']}/console/reviews?state=resolved")
    expect(notice).to_contain_text(REASON)
    acts = json.loads(system.cli("minsu", "ops", "acts", "--service", "payment", "--json").stdout)
    [act] = [each for each in acts if each["subject"] == f"notice:{row['id']}"]
    assert (act["act"], act["note"]) == ("resolve", REASON)
    assert complaints == []


def test_a_payment_is_found_in_lists_charts_and_on_the_command_line(
    browser: Browser, stack, system: System, complaints
) -> None:
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]
    page = opened(browser, complaints, DESK)
    page.goto(f"{stack['STOREFRONT_URL']}/console/money/payments?status=0")
    enter_console(page, new_operator(system))
    expect(page.get_by_role("row").filter(has_text=number)).to_contain_text("等待付款")

    system.tap_pay(number)
    eventually(lambda: system.order(order_sn)["tradeState"] == 1, what="the order turned paid")
    page.goto(f"{stack['STOREFRONT_URL']}/console/money/payments?status=1")
    expect(page.get_by_role("row").filter(has_text=number)).to_contain_text(order_sn)
    page.goto(f"{stack['STOREFRONT_URL']}/console/charts?hours=1")
    for name in ("settled-table", "confirmed-table"):
        expect(page.get_by_test_id(name).get_by_role("row").nth(1)).to_be_attached()
    paid = json.loads(system.cli("minsu", "ops", "payments", "--status", "1", "--json").stdout)
    assert number in {each["sn"] for each in paid}
    found = json.loads(system.cli("minsu", "ops", "statistics", "--hours", "1", "--json").stdout)
    assert sum(each["count"] for each in found["confirmed"]) >= 1
    assert sum(each["count"] for each in found["paid"]) >= 1
    assert complaints == []
