"""A buyer with a browser books, pays, waits for the backend's confirmation and is checked in, on the real system."""

import re
from collections.abc import Mapping

import pytest
from playwright.sync_api import Page, expect

from tests.support.browsing import DESK, PHONE, opened, sign_in

pytestmark = pytest.mark.stack

SN = re.compile(r"HSO\d{22}")
CODE = re.compile(r"[2-9A-Z]{8}")


def book(page: Page, stack: Mapping[str, str], homestay: int) -> str:
    """From the list to the order's number, signing in on the way; returns the number."""
    page.goto(stack["STOREFRONT_URL"])
    page.locator(f'[data-testid=homestay-card][data-id="{homestay}"]').first.click()
    expect(page.get_by_test_id("estimate")).to_be_visible()
    page.get_by_test_id("book").click()
    page.wait_for_url("**/signin**")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    estimate = page.get_by_test_id("estimate").inner_text()
    page.get_by_test_id("book").click()
    page.wait_for_url("**/pay/**")
    expect(page.get_by_test_id("amount")).to_have_text(estimate)
    return SN.search(page.url)[0]


def test_a_stay_is_booked_paid_confirmed_and_checked_in(browser, stack, complaints):
    buyer = opened(browser, complaints, PHONE)
    sn = book(buyer, stack, homestay=1)
    amount = buyer.get_by_test_id("amount").inner_text()

    buyer.get_by_test_id("pay").click()
    buyer.wait_for_url(f"{stack['WECHATSIM_URL']}/cashier**")
    expect(buyer.locator(".amount")).to_contain_text(amount.removeprefix("¥").replace(",", ""))
    buyer.locator("#pay-button").click()
    buyer.locator("#return-link").click()
    buyer.wait_for_url(f"**/paid/{sn}")
    expect(buyer.get_by_test_id("paid")).to_be_visible()
    expect(buyer.get_by_test_id("total")).to_have_text(amount)
    expect(buyer.get_by_test_id("qr")).to_be_visible()
    code = buyer.get_by_test_id("trade-code").inner_text()
    assert CODE.fullmatch(code)

    merchant = opened(browser, complaints, DESK)
    merchant.goto(f"{stack['STOREFRONT_URL']}/host/orders")
    sign_in(merchant, stack["MERCHANT_MOBILE"], stack["MERCHANT_PASSWORD"])
    listed = merchant.locator(f'[data-testid=order-item][data-sn="{sn}"] .state')
    expect(listed).to_have_attribute("data-state", "1")
    assert code not in merchant.content()
    merchant.goto(f"{stack['STOREFRONT_URL']}/host")
    merchant.get_by_test_id("code").fill(f" {code[:4].lower()} {code[4:]} ")
    merchant.get_by_test_id("verify-button").click()
    expect(merchant.get_by_test_id("verified")).to_contain_text(sn)
    merchant.goto(f"{stack['STOREFRONT_URL']}/host/orders")
    expect(listed).to_have_attribute("data-state", "2")

    buyer.goto(f"{stack['STOREFRONT_URL']}/orders")
    mine = buyer.locator(f'[data-testid=order-item][data-sn="{sn}"] .state')
    expect(mine).to_have_attribute("data-state", "2")
    assert complaints == []


def test_an_order_that_is_not_paid_can_be_cancelled(browser, stack, complaints):
    buyer = opened(browser, complaints, PHONE)
    sn = book(buyer, stack, homestay=2)
    buyer.goto(f"{stack['STOREFRONT_URL']}/orders/{sn}")
    buyer.get_by_test_id("cancel").click()
    buyer.get_by_test_id("confirm").click()
    expect(buyer.get_by_test_id("state")).to_have_attribute("data-state", "-1")
    expect(buyer.get_by_test_id("go-pay")).to_be_hidden()
    buyer.goto(f"{stack['STOREFRONT_URL']}/pay/{sn}")
    buyer.wait_for_url(f"**/orders/{sn}")
    assert complaints == []


def test_going_back_from_the_cashier_leaves_the_order_to_pay(browser, stack, complaints):
    buyer = opened(browser, complaints, PHONE)
    sn = book(buyer, stack, homestay=5)
    buyer.get_by_test_id("pay").click()
    buyer.locator("#cancel-button").click()
    buyer.locator("#return-link").click()
    buyer.wait_for_url(f"**/waiting/{sn}")
    expect(buyer.get_by_test_id("payment-status")).not_to_be_empty()
    buyer.get_by_test_id("back-to-pay").click()
    expect(buyer.get_by_test_id("pay")).to_be_enabled()
    assert complaints == []


def test_an_english_reader_gets_english(browser, stack, complaints):
    page = opened(browser, complaints, DESK, "en-GB")
    page.goto(stack["STOREFRONT_URL"])
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_test_id("language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_test_id("homestay-card").first).to_be_visible()
    assert complaints == []
