"""The calendar of a homestay in a browser: two taps choose a stay, and only a stay that can be had."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.service.gateway.guests import Village, later, today
from tests.service.gateway.serving import served
from tests.support.browsing import PHONE, opened

MONTHS_SHOWN = 2


@pytest.fixture
def page(browser: Browser, village: Village) -> Iterator[Page]:
    complaints: list[str] = []
    with served(village.sidecar) as storefront:
        page = opened(browser, complaints, PHONE)
        page.goto(f"{storefront}/homestays/1")
        yield page
        page.context.close()
    assert complaints == []


def day(page: Page, days: int) -> Locator:
    return page.locator(f'[data-date="{later(days)}"]')


def look_again(page: Page) -> None:
    page.reload()
    expect(page.get_by_test_id("estimate")).to_be_visible()


def stay(page: Page) -> tuple[str, str]:
    return page.get_by_test_id("start").input_value(), page.get_by_test_id("end").input_value()


def test_two_taps_choose_the_stay_and_it_is_quoted(page, village):
    day(page, 3).click()
    expect(page.get_by_test_id("calendar-hint")).to_have_text("再点选离店日期")
    assert stay(page) == (later(3), later(4))
    day(page, 6).click()
    assert stay(page) == (later(3), later(6))
    expect(page.locator("[data-night]")).to_have_count(3)
    expect(day(page, 4)).to_have_attribute("data-place", "between")
    expect(page.get_by_test_id("calendar-hint")).to_have_text("点选入住日期")


def test_a_night_that_is_taken_or_closed_cannot_be_arrived_at_but_left_on(page, village):
    village.taken, village.closed = {later(5)}, {later(8)}
    look_again(page)
    expect(day(page, 5)).to_have_attribute("data-state", "taken")
    expect(day(page, 8)).to_have_attribute("data-state", "closed")
    expect(day(page, 5)).to_be_disabled()
    expect(day(page, 8)).to_be_disabled()
    day(page, 3).click()
    expect(day(page, 5)).to_be_enabled()
    day(page, 5).click()
    assert stay(page) == (later(3), later(5))


def test_a_tap_beyond_a_taken_night_begins_another_stay(page, village):
    village.taken = {later(5)}
    look_again(page)
    day(page, 3).click()
    day(page, 6).click()
    assert stay(page) == (later(6), later(7))


def test_a_stay_is_as_long_as_the_host_allows(page, village):
    village.limits = {"minNights": 2, "maxNights": 3, "daysAhead": 180}
    village.taken = {later(4)}
    look_again(page)
    expect(day(page, 3)).to_be_disabled()  # one free night, two are the least
    day(page, 5).click()
    assert stay(page) == (later(5), later(7))
    day(page, 8).click()
    assert stay(page) == (later(5), later(8))
    day(page, 5).click()
    day(page, 9).click()  # four nights: a stay of its own
    assert stay(page) == (later(9), later(11))


def test_days_that_are_over_or_too_far_ahead_cannot_be_chosen(page, village):
    village.limits = {"minNights": 1, "maxNights": 5, "daysAhead": 4}
    look_again(page)
    expect(day(page, 4)).to_be_enabled()
    expect(day(page, 5)).to_be_disabled()
    past = page.locator(f'[data-date^="{today().isoformat()[:8]}"]:enabled')
    assert all(date >= later(0) for date in past.evaluate_all("days => days.map(day => day.dataset.date)"))


def test_other_months_are_read_when_they_are_turned_to(page, village):
    expect(day(page, 1)).to_be_enabled()
    assert len(village.bodies("homestayCalendar")) == MONTHS_SHOWN
    page.get_by_test_id("months-on").click()
    expect(page.locator("[data-month]")).to_have_count(MONTHS_SHOWN)
    expect(page.locator("[data-month] [data-state=free]").last).to_be_enabled()
    months = [body["month"] for body in village.bodies("homestayCalendar")]
    assert len(months) == len(set(months)) == MONTHS_SHOWN + 1


def test_the_calendar_is_one_stop_for_the_keyboard_and_arrows_walk_inside(page):
    expect(day(page, 1)).to_be_enabled()
    expect(page.locator('#months [tabindex="0"]')).to_have_count(1)
    page.locator('#months [tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    expect(day(page, 1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(day(page, 8)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert stay(page) == (later(8), later(9))


def test_a_day_is_read_out_with_its_price(page):
    expect(day(page, 2)).to_have_attribute("aria-label", _spoken(2))


def _spoken(days: int) -> str:
    date = today().fromisoformat(later(days))
    price = "¥480.50" if date.weekday() in (4, 5) else "¥320"
    return f"{date.month}月{date.day}日周{'一二三四五六日'[date.weekday()]}，{price}"


def test_dates_that_are_typed_show_in_the_calendar(page):
    expect(day(page, 1)).to_be_enabled()
    page.get_by_test_id("start").fill(later(7))
    page.get_by_test_id("end").fill(later(9))
    expect(day(page, 7)).to_have_attribute("data-place", "start")
    expect(day(page, 9)).to_have_attribute("data-place", "end")
