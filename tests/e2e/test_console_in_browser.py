"""An operator is told a mobile, finds the payment whose callback was lost, and sets it going, on the real system."""

import time

import pytest
from playwright.sync_api import expect

from tests.support.browsing import DESK, enter_console, opened
from tests.support.operators import new_operator
from tests.support.refunding import fault
from tests.support.screenshots import shot
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SECONDS_TO_SEE = 5.0
"""From the click on Find to the timeline, both clicks included."""


def test_a_lost_callback_is_found_by_a_mobile_and_set_going(browser, stack, system, complaints):
    earlier = system.book()
    system.data("/order/v1/homestayOrder/cancelHomestayOrder", {"sn": earlier}, "BUYER")
    order_sn = system.book()
    payment_sn = system.prepay(order_sn)["paymentSn"]
    with fault(system, "callback-lost", payment_sn):
        system.tap_pay(payment_sn)

        page = opened(browser, complaints, DESK)
        page.goto(f"{stack['STOREFRONT_URL']}/console")
        enter_console(page, new_operator(system))
        page.get_by_test_id("what").fill(stack["BUYER_MOBILE"])
        began = time.monotonic()
        page.get_by_test_id("search").click()
        page.locator(f'a[href="/console/payments/{order_sn}"]').click()
        expect(page.get_by_test_id("steps")).to_contain_text(payment_sn)
        assert time.monotonic() - began < SECONDS_TO_SEE

        page.get_by_test_id("act-payment_query").click()
        page.get_by_test_id("reason").fill("买家来电：已付款，订单未确认")
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("done")).to_contain_text("SUCCESS")

    ended = "select 1 from notification_task where order_sn = %s and kind = 'paid' and state <> 'pending'"
    eventually(lambda: system.rows("notification", ended, order_sn), what="the guest's message has ended")
    page.reload()
    steps = page.get_by_test_id("steps")
    for service, what in (("payment", "支付状态"), ("order", "事件生效"), ("notification", "发送消息")):
        expect(steps.locator("tr").filter(has_text=service).filter(has_text=what).first).to_be_visible()
    shot(page, "console-payment-real")
    acts = system.data("/payment/v1/ops/actList", {}, "OPERATOR")["list"]
    [act] = [each for each in acts if each["subject"] == f"payment:{payment_sn}"]
    assert (act["act"], act["note"]) == ("query-payment", "买家来电：已付款，订单未确认")
    assert complaints == []

    told = system.cli("minsu", "ops", "steps", order_sn).stdout
    assert "payment_status" in told
    assert order_sn in system.cli("minsu", "ops", "find", payment_sn).stdout


def test_a_buyer_who_opens_the_console_is_refused(browser, stack, complaints):
    page = opened(browser, complaints, DESK)
    page.goto(f"{stack['STOREFRONT_URL']}/console")
    page.get_by_test_id("mobile").fill(stack["BUYER_MOBILE"])
    page.get_by_test_id("password").fill(stack["BUYER_PASSWORD"])
    page.get_by_test_id("login").click()
    expect(page.get_by_test_id("not-operator")).to_be_visible()
    page.goto(f"{stack['STOREFRONT_URL']}/console")
    expect(page.get_by_test_id("signin")).to_be_visible()
    assert complaints == []
