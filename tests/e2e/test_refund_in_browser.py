"""A buyer asks for the money back and a merchant decides, each with a phone, on the real system."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browsing import DESK, PHONE, opened, sign_in
from tests.support.refunding import begun_and_paid, book_ahead, books, ends, fault, pay, refunds

pytestmark = pytest.mark.stack
ASK, DECIDE = "/order/v1/homestayOrder/refundHomestayOrder", "/order/v1/merchant/refundDecision"
REASON, NOTE = "孩子发烧，走不开", "房间已按您的要求布置，当日不可退。\n改期请来电。"
MOMENT = re.compile(r"20\d\d")


@pytest.fixture
def begun(system):
    return begun_and_paid(system)


@pytest.fixture
def asked(system, begun):
    """A refund that waits for its merchant."""
    order_sn, _ = begun
    assert system.data(ASK, {"sn": order_sn, "reason": REASON}, "BUYER")["refundState"] == "asked"
    return order_sn


def at_order(page: Page, stack, order_sn: str) -> Page:
    page.goto(f"{stack['STOREFRONT_URL']}/orders/{order_sn}")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    return page


def at_merchants(page: Page, stack, who: str = "MERCHANT") -> Page:
    page.goto(f"{stack['STOREFRONT_URL']}/host/orders")
    sign_in(page, stack[f"{who}_MOBILE"], stack[f"{who}_PASSWORD"])
    return page


def request_of(page: Page, order_sn: str):
    return page.locator(f'[data-testid=refund-request][data-sn="{order_sn}"]')


def row_of(page: Page, order_sn: str):
    return page.locator(f'[data-testid=order-item][data-sn="{order_sn}"]')


def shows(page: Page, state: str) -> None:
    expect(page.locator("#refund-card [data-refund]")).to_have_attribute("data-refund", state)


def decisions_sent(page: Page) -> list[str]:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith(DECIDE) else None)
    return sent


def test_a_refund_is_refused_read_asked_for_again_agreed_to_and_done(browser, stack, system, begun, complaints):
    order_sn, number = begun
    buyer = at_order(opened(browser, complaints, PHONE), stack, order_sn)
    total = buyer.get_by_test_id("total").inner_text()
    buyer.get_by_test_id("refund").click()
    buyer.get_by_test_id("ask-input").fill(REASON)
    buyer.get_by_test_id("confirm").click()
    shows(buyer, "asked")
    expect(buyer.get_by_test_id("refund")).to_be_hidden()
    expect(buyer.get_by_test_id("trade-code")).to_be_hidden()

    merchant = at_merchants(opened(browser, complaints, PHONE), stack)
    sent = decisions_sent(merchant)
    request = request_of(merchant, order_sn)
    expect(request).to_contain_text(REASON)
    expect(request.get_by_test_id("refund-amount")).to_have_text(total)
    request.get_by_test_id("refuse").click()
    merchant.get_by_test_id("confirm").click()
    expect(merchant.get_by_test_id("ask-problem")).to_be_visible()
    merchant.get_by_test_id("ask-input").fill(NOTE)
    merchant.get_by_test_id("confirm").click()
    expect(request).to_have_count(0)
    expect(merchant.get_by_test_id("decided")).to_be_visible()
    expect(row_of(merchant, order_sn).locator("[data-refund]")).to_have_attribute("data-refund", "refused")
    assert len(sent) == 1

    shows(buyer, "refused")  # on the page that was left open
    expect(buyer.get_by_test_id("refund-note")).to_have_text(NOTE)
    expect(buyer.get_by_test_id("trade-code")).to_be_visible()
    buyer.get_by_test_id("refund").click()
    expect(buyer.get_by_test_id("ask-input")).to_have_value(REASON)
    buyer.get_by_test_id("confirm").click()
    shows(buyer, "asked")
    expect(buyer.get_by_test_id("refund-note")).to_have_count(0)

    merchant.locator("#refresh").click()
    with fault(system, "callback-lost", number):
        request.get_by_test_id("agree").click()
        expect(merchant.get_by_test_id("ask-text")).to_contain_text(total)
        merchant.get_by_test_id("confirm").click()
        expect(request).to_have_count(0)
        shows(buyer, "agreed")
        expect(buyer.get_by_test_id("state")).to_have_attribute("data-state", "1")
        ends(system, number, "succeeded")
    shows(buyer, "refunded")
    expect(buyer.get_by_test_id("state")).to_have_attribute("data-state", "3")
    expect(buyer.get_by_test_id("refund-amount")).to_have_text(total)
    expect(buyer.get_by_test_id("refund-time")).to_have_text(MOMENT)
    expect(row_of(merchant, order_sn).locator("[data-state]")).to_have_attribute("data-state", "3")
    assert len(sent) == 2
    assert [refund["state"] for refund in refunds(system, number)] == ["succeeded"]
    assert books(system, number)["held"] == 0
    assert complaints == []


def test_a_refund_that_fails_leaves_the_order_as_it_was_and_may_be_asked_for_again(browser, stack, system, complaints):
    order_sn = book_ahead(system)
    number = pay(system, order_sn)
    buyer = at_order(opened(browser, complaints, PHONE), stack, order_sn)
    expect(buyer.get_by_test_id("state")).to_have_attribute("data-state", "1")
    for round_, button in enumerate(("取消预订", "再次申请退款"), 1):
        expect(buyer.get_by_test_id("refund")).to_have_text(button)
        expect(buyer.get_by_test_id("trade-code")).to_be_visible()
        with fault(system, "refund-refused", number):
            buyer.get_by_test_id("refund").click()
            with buyer.expect_response(f"**{ASK}"):  # the page may still say how the request before ended
                buyer.get_by_test_id("confirm").click()
            ends(system, number, *["closed"] * round_)
            shows(buyer, "failed")
        expect(buyer.get_by_test_id("refund-text")).to_contain_text("再次申请")
    assert books(system, number)["refunded"] == 0
    assert complaints == []


def test_a_double_click_decides_once_and_touches_nothing_under_the_question(browser, stack, system, asked, complaints):
    merchant = at_merchants(opened(browser, complaints, PHONE), stack)
    sent = decisions_sent(merchant)
    request_of(merchant, asked).get_by_test_id("agree").click()
    merchant.evaluate(
        "window.strays = 0; document.body.addEventListener('click', ({target}) => target.closest('dialog') || strays++)"
    )

    merchant.get_by_test_id("confirm").dblclick()

    expect(request_of(merchant, asked)).to_have_count(0)
    expect(row_of(merchant, asked).locator("[data-state]")).to_have_attribute("data-state", "3")
    assert (len(sent), merchant.evaluate("strays")) == (1, 0)
    assert complaints == []


def test_a_decision_that_comes_too_late_is_refused_in_the_readers_language(browser, stack, system, asked, complaints):
    merchant = at_merchants(opened(browser, complaints, DESK, "en-GB"), stack)
    request = request_of(merchant, asked)
    expect(request.get_by_test_id("agree")).to_have_text("Refund")
    system.data(DECIDE, {"sn": asked, "agree": False, "note": NOTE}, "MERCHANT")

    request.get_by_test_id("agree").click()
    merchant.get_by_test_id("confirm").click()

    problem = merchant.get_by_test_id("refund-requests-problem")
    expect(problem).to_have_text("This order has no open refund request")
    expect(request).to_have_count(0)
    expect(row_of(merchant, asked).locator("[data-refund]")).to_have_text("Refund declined")
    assert (system.order(asked)["tradeState"], system.order(asked)["refundState"]) == (1, "refused")

    buyer = at_order(opened(browser, complaints, DESK, "en-GB"), stack, asked)
    shows(buyer, "refused")
    expect(buyer.get_by_test_id("refund-text")).to_contain_text("The host declined")
    expect(buyer.get_by_test_id("refund")).to_have_text("Ask for a refund again")
    assert complaints == []


def test_a_decision_that_could_not_be_sent_is_said_so_and_need_not_be_typed_again(
    browser, stack, system, asked, complaints
):
    merchant = at_merchants(opened(browser, complaints, PHONE), stack)
    request = request_of(merchant, asked)
    request.get_by_test_id("refuse").click()
    merchant.get_by_test_id("ask-input").fill(NOTE)
    merchant.context.set_offline(True)
    merchant.get_by_test_id("confirm").click()
    expect(request.get_by_role("alert")).to_have_text("网络似乎断开了，请检查后重试")
    assert system.order(asked)["refundState"] == "asked"

    merchant.context.set_offline(False)
    request.get_by_test_id("refuse").click()
    expect(merchant.get_by_test_id("ask-input")).to_have_value(NOTE)
    merchant.get_by_test_id("confirm").click()
    expect(request).to_have_count(0)
    assert system.order(asked)["refundNote"] == NOTE
    assert complaints == []


def test_a_merchant_can_decide_with_the_keyboard_alone(browser, stack, system, asked, complaints):
    merchant = at_merchants(opened(browser, complaints, DESK), stack)
    sent = decisions_sent(merchant)
    refuse = request_of(merchant, asked).get_by_test_id("refuse")
    refuse.focus()
    merchant.keyboard.press("Enter")
    expect(merchant.get_by_test_id("ask-input")).to_be_focused()
    merchant.keyboard.press("Escape")
    expect(refuse).to_be_focused()
    assert sent == []

    merchant.keyboard.press("Enter")
    merchant.keyboard.type("抱歉")
    merchant.keyboard.press("Tab")
    merchant.keyboard.press("Tab")
    merchant.keyboard.press("Enter")
    expect(request_of(merchant, asked)).to_have_count(0)
    expect(merchant.locator("#refunds-heading")).to_be_focused()
    assert (len(sent), system.order(asked)["refundNote"]) == (1, "抱歉")
    assert complaints == []


def test_who_is_no_merchant_is_shown_how_to_become_one_and_sees_no_orders(browser, stack, asked, complaints):
    page = at_merchants(opened(browser, complaints, PHONE, "en-GB"), stack, "BUYER")
    page.wait_for_url("**/host")
    expect(page.get_by_test_id("joining")).to_be_visible()
    expect(page.locator("#desk")).to_be_hidden()
    expect(page.locator("[data-sn]")).to_have_count(0)
    assert complaints == []
