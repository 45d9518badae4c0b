"""A buyer looks through many orders."""

import pytest
from playwright.sync_api import expect

from tests.support.browsing import PHONE, opened, sign_in

pytestmark = pytest.mark.stack
PAGE = 20


def test_orders_come_a_page_at_a_time_and_by_state(browser, stack, system, complaints):
    booked = [system.book() for _ in range(PAGE + 1)]
    system.data("/order/v1/homestayOrder/cancelHomestayOrder", {"sn": booked[-1]}, "BUYER")
    page = opened(browser, complaints, PHONE)
    page.goto(f"{stack['STOREFRONT_URL']}/orders")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    rows = page.get_by_test_id("order-item")

    expect(rows).to_have_count(PAGE)
    assert [row.get_attribute("data-sn") for row in rows.all()] == booked[:0:-1]
    page.locator("#orders-more").click()
    expect(page.locator(f'[data-sn="{booked[0]}"]')).to_be_visible()
    assert [row.get_attribute("data-sn") for row in rows.all()][: PAGE + 1] == booked[::-1]

    page.locator('#filters [data-state="-1"]').click()
    expect(rows.first).to_have_attribute("data-sn", booked[-1])
    expect(page.locator(f'[data-sn="{booked[0]}"]')).to_have_count(0)
    expect(page.locator("#filters [aria-pressed=true]")).to_have_attribute("data-state", "-1")
    assert complaints == []
