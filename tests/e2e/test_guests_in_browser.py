"""A guest searches, loses a race for a night, takes another, and knows what cancelling gives back, on the real system."""

import re
from datetime import date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from servicekit.clock import SHANGHAI
from tests.support.browsing import PHONE, opened, sign_in
from tests.support.refunding import REFUNDED, books, payment
from tests.support.screenshots import shot
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
CREATE = "/order/v1/homestayOrder/createHomestayOrder"
SEARCHED, RACED, CANCELLED = 3, 6, 11
"""Seeded homestays with one room each, one for each test; no other test in a browser books them."""
AHEAD = 20
SELL = (
    "update homestay set homestay_price_fen = 32001, weekend_price_fen = null, food_price_fen = 0,"
    " cancel_policy = 'moderate' where id = %s"
)
HALF, REST = 16_001, 16_000
"""Of 320.01 yuan: half up goes back."""


def on(days: int) -> date:
    return datetime.now(SHANGHAI).date() + timedelta(days=days)


def stay(homestay: int, first: int, nights: int) -> dict[str, object]:
    start, end = (
        int(datetime(d.year, d.month, d.day, 12, tzinfo=SHANGHAI).timestamp()) for d in (on(first), on(first + nights))
    )
    return {
        "homestayId": homestay,
        "isFood": False,
        "liveStartTime": start,
        "liveEndTime": end,
        "livePeopleNum": 1,
        "remark": "",
    }


def card(page: Page, homestay: int):
    return page.locator(f'[data-testid=homestay-card][data-id="{homestay}"]')


def test_a_search_by_dates_shows_what_is_free_with_its_total_and_hides_what_is_taken(
    browser, stack, system, complaints
):
    page = opened(browser, complaints, PHONE)
    city = system.data("/travel/v1/homestay/homestayDetail", {"id": SEARCHED})["homestay"]["city"]
    page.goto(stack["STOREFRONT_URL"])
    page.get_by_test_id("city").select_option(city)
    page.get_by_test_id("search-start").fill(on(AHEAD).isoformat())
    page.get_by_test_id("search-end").fill(on(AHEAD + 2).isoformat())
    page.get_by_test_id("search-button").click()
    expect(card(page, SEARCHED).get_by_test_id("stay-total")).to_have_text(re.compile(r"2 晚共 ¥\d"))
    shot(page, "guest-search")
    total = card(page, SEARCHED).get_by_test_id("stay-total").inner_text().split("共 ")[1]
    card(page, SEARCHED).click()
    expect(page.get_by_test_id("estimate")).to_have_text(re.compile(rf"^{re.escape(total)}(\.\d\d)?$"))
    shot(page, "guest-homestay")
    page.go_back()

    system.data(CREATE, stay(SEARCHED, AHEAD + 1, 1), "MERCHANT")

    def hidden() -> bool:
        page.reload()
        expect(page.get_by_test_id("homestays")).to_have_attribute("aria-busy", "false")
        return card(page, SEARCHED).count() == 0

    eventually(hidden, what="the taken homestay hidden", seconds=30)
    page.get_by_test_id("search-end").fill(on(AHEAD + 1).isoformat())
    page.get_by_test_id("search-button").click()
    expect(card(page, SEARCHED)).to_be_visible()
    assert complaints == []


def test_who_loses_a_race_is_told_the_night_and_books_the_nearest_free_stay(browser, stack, system, complaints):
    page = opened(browser, complaints, PHONE)
    page.goto(f"{stack['STOREFRONT_URL']}/signin?next=/homestays/{RACED}?start={on(AHEAD)}%26end={on(AHEAD + 2)}")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    expect(page.get_by_test_id("start")).to_have_value(on(AHEAD).isoformat())
    expect(page.get_by_test_id("estimate")).to_be_visible()
    expect(page.get_by_test_id("quote-problem")).to_be_hidden()

    system.data(CREATE, stay(RACED, AHEAD + 1, 1), "MERCHANT")
    page.get_by_test_id("book").click()

    gone = on(AHEAD + 1)
    expect(page.locator("#booking-problem")).to_contain_text(f"{gone.month}月{gone.day}日")
    expect(page.locator(f'[data-date="{gone}"]')).to_have_attribute("data-state", "taken")
    nearest = page.get_by_test_id("nearest").first
    expect(nearest).to_be_in_viewport()
    expect(page.locator("#booking-problem")).to_be_in_viewport()
    shot(page, "guest-lost-race")
    start = nearest.get_attribute("data-start")
    nearest.click()
    expect(page.get_by_test_id("start")).to_have_value(str(start))
    expect(page.get_by_test_id("estimate")).to_be_visible()
    page.get_by_test_id("book").click()
    page.wait_for_url("**/pay/**")
    nights = system.order(page.url.rsplit("/", 1)[1])["lines"]
    assert [line["night"] for line in nights] == [
        start,
        (date.fromisoformat(str(start)) + timedelta(days=1)).isoformat(),
    ]
    assert str(gone) not in [line["night"] for line in nights]
    assert complaints == []


def test_what_the_page_says_before_cancelling_is_what_comes_back_to_the_fen(browser, stack, system, complaints):
    system.rows("travel", SELL, CANCELLED)
    page = opened(browser, complaints, PHONE)
    page.goto(f"{stack['STOREFRONT_URL']}/signin?next=/homestays/{CANCELLED}?start={on(3)}%26end={on(4)}")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    expect(page.get_by_test_id("estimate")).to_have_text("¥320.01")
    expect(page.get_by_test_id("refund-steps")).to_contain_text("退 ¥160.01（50%）")
    page.get_by_test_id("book").click()
    page.wait_for_url("**/pay/**")
    expect(page.get_by_test_id("policy")).to_contain_text("退 ¥160.01（50%）")
    shot(page, "guest-pay")
    sn = page.url.rsplit("/", 1)[1]
    page.get_by_test_id("pay").click()
    page.locator("#pay-button").click()
    page.locator("#return-link").click()
    page.wait_for_url(f"**/paid/{sn}")

    page.get_by_test_id("refund").click()
    expect(page.get_by_test_id("refund-back")).to_have_text("¥160.01")
    expect(page.get_by_test_id("refund-kept")).to_have_text("¥160.00")
    shot(page, "guest-cancel")
    page.get_by_test_id("confirm").click()
    expect(page.locator("#refund-card [data-refund]")).to_have_attribute("data-refund", "refunded")
    expect(page.get_by_test_id("refund-amount")).to_have_text("¥160.01")
    expect(page.get_by_test_id("kept-amount")).to_have_text("¥160.00")
    expect(page.locator("[data-testid=timeline] [data-cause=refund-returned]")).to_contain_text("¥160.01")

    shot(page, "guest-refunded")
    order = system.order(sn)
    assert (order["tradeState"], order["refundedFen"], order["keptFen"]) == (3, HALF, REST)
    [number] = system.rows("payment", "select sn from third_payment where order_sn = %s", sn)
    assert payment(system, number["sn"])["pay_status"] != REFUNDED
    told = books(system, number["sn"])
    assert (told["refunded"], told["held"]) == (HALF, REST)
    assert complaints == []


def test_guests_pages_speak_english_too_and_fit_a_phone(browser, stack, complaints):
    page = opened(browser, complaints, PHONE, "en-GB")
    page.goto(f"{stack['STOREFRONT_URL']}/?start={on(AHEAD + 5)}&end={on(AHEAD + 8)}&people=2&sort=priceUp")
    expect(page.get_by_test_id("stay-total").first).to_contain_text("for 3 nights")
    fits(page)
    shot(page, "guest-search-en")
    card(page, RACED).click()
    expect(page.get_by_test_id("estimate")).to_be_visible()
    expect(page.locator("[data-date][data-state=free]").first).to_be_visible()
    fits(page)
    shot(page, "guest-homestay-en")
    assert complaints == []


def fits(page: Page) -> None:
    """Nothing has to be scrolled sideways, and what is tapped in the calendar is at least 44 px high."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    heights = page.locator("#months button.day").evaluate_all("days => days.map(day => day.offsetHeight)")
    assert min(heights, default=44) >= 44
