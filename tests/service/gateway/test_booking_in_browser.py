"""A homestay's page in a browser: what it costs comes from the order service alone; a full night leads to others."""

import contextlib
from collections.abc import Iterator
from datetime import datetime, time, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from order.errors import StartInThePast
from order.pricing import Stay, require_bookable
from servicekit.clock import SHANGHAI
from tests.service.gateway.guests import FOOD_FEN, SN, later, price_fen, today
from tests.service.gateway.services import refusal
from tests.support.browsing import PHONE, opened, sign_in

CREATE = "/order/v1/homestayOrder/createHomestayOrder"
QUOTE = "/order/v1/homestayOrder/quoteHomestayOrder"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    complaints: list[str] = []
    page = opened(browser, complaints, PHONE)
    yield page
    page.context.close()
    assert complaints == []


def at_homestay(page: Page, storefront: str, start: str = "", end: str = "") -> None:
    page.goto(f"{storefront}/homestays/1?start={start or later(3)}&end={end or later(5)}")
    expect(page.get_by_test_id("estimate")).to_be_visible()


def sign_in_and_book(page: Page) -> None:
    page.get_by_test_id("book").click()
    page.wait_for_url("**/signin**")
    sign_in(page, "13800000001", "secret-123")
    expect(page.get_by_test_id("estimate")).to_be_visible()
    page.get_by_test_id("book").click()


def yuan(fen: int) -> str:
    return f"¥{fen / 100:,.2f}"


def test_each_night_is_shown_with_its_price_and_the_total_is_the_quotes(page, storefront):
    at_homestay(page, storefront, later(0), later(5))
    nights = page.locator("[data-testid=nights] dd")
    fens = [price_fen(today().fromisoformat(later(n))) for n in range(5)]
    expect(nights).to_have_text([yuan(fen) for fen in fens])
    expect(page.get_by_test_id("estimate")).to_have_text(yuan(sum(fens)))


def test_the_total_is_never_computed_by_the_page(page, storefront, village):
    wrong = village.quote
    village.on("order", QUOTE, lambda body: wrong(body) | {"orderTotalFen": 123_456_789})
    at_homestay(page, storefront)
    expect(page.get_by_test_id("estimate")).to_have_text("¥1,234,567.89")


def test_a_choice_is_quoted_anew_with_food_for_each_guest(page, storefront, village):
    at_homestay(page, storefront, later(1), later(2))
    page.get_by_test_id("food").check()
    page.locator("#more").click()
    expect(page.locator("[data-testid=nights] small")).to_have_text(f"另加餐费 {yuan(3 * FOOD_FEN)}")
    last = village.bodies("quoteHomestayOrder")[-1]
    assert (last["isFood"], last["livePeopleNum"]) == (True, 3)


def test_what_comes_back_on_cancelling_stands_before_the_order(page, storefront):
    at_homestay(page, storefront, later(10), later(11))
    steps = page.locator("[data-testid=refund-steps] li")
    expect(steps).to_have_count(3)
    expect(steps.nth(0)).to_contain_text("（100%）")
    expect(steps.nth(1)).to_contain_text("（50%）")
    expect(steps.nth(2)).to_contain_text("不退款")
    at_homestay(page, storefront, later(2), later(3))
    expect(steps).to_have_count(2)  # the time for all of it has passed


def test_a_refused_quote_says_why_and_shows_no_price(page, storefront, village):
    village.refuse(QUOTE, "too-few-nights", msg="该民宿 3 晚起订", field="liveEndTime", minNights=3)
    page.goto(f"{storefront}/homestays/1")
    expect(page.get_by_test_id("quote-problem")).to_have_text("该民宿 3 晚起订")
    expect(page.get_by_test_id("estimate")).to_have_count(0)


def test_a_full_night_is_named_and_the_nearest_free_stay_is_one_tap_away(page, storefront, village):
    village.taken, village.nearest = {later(4)}, [{"start": later(5), "end": later(7)}]
    at_homestay(page, storefront, later(3), later(5))
    day = today().fromisoformat(later(4))
    expect(page.get_by_test_id("quote-problem")).to_contain_text(f"{day.month}月{day.day}日")
    page.get_by_test_id("nearest").click()
    expect(page.get_by_test_id("quote-problem")).to_be_hidden()
    expect(page.get_by_test_id("nearest")).to_have_count(0)
    expect(page.get_by_test_id("start")).to_have_value(later(5))
    expect(page.get_by_test_id("end")).to_have_value(later(7))
    expect(page.get_by_test_id("book")).to_be_focused()


def test_a_closed_night_is_named_beside_the_prices_and_leads_to_others(page, storefront, village):
    village.closed, village.nearest = {later(3), later(4)}, [{"start": later(5), "end": later(7)}]
    at_homestay(page, storefront, later(2), later(5))
    day = today().fromisoformat(later(3))
    expect(page.get_by_test_id("quote-problem")).to_contain_text(f"{day.month}月{day.day}日")
    expect(page.get_by_test_id("quote-problem")).to_contain_text("当晚不接待")
    expect(page.locator("[data-testid=nights] dd")).to_have_count(3)
    page.get_by_test_id("nearest").click()
    expect(page.get_by_test_id("quote-problem")).to_be_hidden()


def test_a_lost_race_is_told_at_once_and_the_other_stay_is_what_gets_booked(page, storefront, village):
    at_homestay(page, storefront)
    lost = refusal(CREATE, "night-full", field="liveStartTime", night=later(4))

    def sold(_body):
        village.taken, village.nearest = {later(4)}, [{"start": later(6), "end": later(8)}]
        return lost

    village.on("order", CREATE, sold)
    sign_in_and_book(page)
    expect(page.locator("#booking-problem")).to_contain_text("当晚已订满")
    expect(page.get_by_test_id("start")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_test_id("quote-problem")).to_be_hidden()  # said once

    village.on("order", CREATE, lambda _body: {"orderSn": SN})
    page.get_by_test_id("nearest").click()
    expect(page.locator("#booking-problem")).to_be_hidden()
    page.get_by_test_id("book").click()
    page.wait_for_url(f"**/pay/{SN}")
    first, second = village.bodies("createHomestayOrder")
    assert second["liveStartTime"] - first["liveStartTime"] == 3 * 24 * 3600


def test_a_link_of_old_or_with_nonsense_begins_today(page, storefront):
    page.goto(f"{storefront}/homestays/1?start=2020-01-01&end=x&people=99")
    expect(page.get_by_test_id("start")).to_have_value(later(0))
    expect(page.get_by_test_id("end")).to_have_value(later(1))
    expect(page.get_by_test_id("people")).to_have_value("4")


def test_a_photo_is_shown_as_large_as_the_screen(page, storefront):
    at_homestay(page, storefront)
    page.get_by_test_id("photo").first.click()
    large = page.locator("#photo-image")
    expect(large).to_have_attribute("src", "/static/homestays/1.svg")
    page.keyboard.press("ArrowRight")
    expect(large).to_have_attribute("src", "/static/homestays/2.svg")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("photo-dialog")).to_be_hidden()


def test_without_a_calendar_dates_are_still_typed_and_booked(page, storefront, village):
    village.refuse("/travel/v1/homestay/homestayCalendar", "unavailable")
    at_homestay(page, storefront)
    expect(page.locator("#calendar-problem")).to_contain_text("可以直接填写日期")
    page.get_by_test_id("start").fill(later(8))
    page.get_by_test_id("end").fill(later(9))
    expect(page.locator("[data-night]")).to_have_count(1)
    last = village.bodies("quoteHomestayOrder")[-1]
    assert last["liveEndTime"] - last["liveStartTime"] == 24 * 3600


def first_bookable(now: datetime) -> str:
    """The first day that order takes at `now`."""
    for days in range(-2, 3):
        start = now.astimezone(SHANGHAI).date() + timedelta(days=days)
        with contextlib.suppress(StartInThePast):
            require_bookable(Stay(start, start + timedelta(days=1)), now)
            return start.isoformat()
    raise AssertionError("no day can be booked")


@pytest.mark.parametrize("at", [time(0, 0, 30), time(23, 59, 30)], ids=str)
def test_pages_offer_the_first_day_that_order_takes_and_none_before(page, storefront, at):
    now = datetime.combine(today(), at, SHANGHAI)
    first = first_bookable(now)
    page.clock.set_fixed_time(now)
    page.goto(storefront)
    expect(page.locator("#search [name=start]")).to_have_attribute("min", first)
    page.goto(f"{storefront}/homestays/1?start=2020-01-01")
    expect(page.get_by_test_id("start")).to_have_attribute("min", first)
    expect(page.get_by_test_id("start")).to_have_value(first)
    expect(page.locator(f'[data-date="{first}"]')).to_be_enabled()
    assert page.locator("[data-date]:enabled").first.get_attribute("data-date") == first
