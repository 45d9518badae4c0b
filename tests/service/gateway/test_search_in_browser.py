"""Searching in a browser: what is asked stands in the address, and nothing found leads on."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.gateway.guests import later
from tests.support.browsing import PHONE, opened


@pytest.fixture
def page(browser: Browser, storefront: str) -> Iterator[Page]:
    complaints: list[str] = []
    page = opened(browser, complaints, PHONE)
    page.goto(storefront)
    expect(page.get_by_test_id("homestay-card")).to_have_count(1)
    yield page
    page.context.close()
    assert complaints == []


def search(page: Page, start: int, end: int) -> None:
    page.get_by_test_id("search-start").fill(later(start))
    page.get_by_test_id("search-end").fill(later(end))
    page.get_by_test_id("search-button").click()


def test_the_first_look_asks_for_everything(page, village):
    assert village.bodies("search") == [{"people": 1, "city": "", "sort": "recommended", "page": 1, "pageSize": 12}]
    expect(page.get_by_test_id("found")).to_have_text("精选民宿")
    expect(page.get_by_test_id("stay-total")).to_have_count(0)


def test_a_search_is_sent_in_fen_and_stands_in_the_address(page, village, storefront):
    page.get_by_test_id("city").select_option("大理")
    page.get_by_test_id("search-people").fill("3")
    page.locator("#search-more summary").click()
    page.get_by_test_id("low").fill("100")
    page.get_by_test_id("high").fill("500")
    search(page, 2, 4)
    expect(page.get_by_test_id("stay-total")).to_contain_text("2 晚共 ¥")
    expected = {"start": later(2), "end": later(4), "people": 3, "city": "大理", "lowFen": 10_000, "highFen": 50_000}
    assert village.bodies("search")[-1] == expected | {"sort": "recommended", "page": 1, "pageSize": 12}
    address = page.url
    page.goto(f"{storefront}/signin")
    page.goto(address)
    expect(page.get_by_test_id("stay-total")).to_be_visible()
    assert village.bodies("search")[-1]["highFen"] == 50_000
    expect(page.get_by_test_id("city")).to_have_value("大理")


def test_another_order_is_searched_at_once(page, village):
    page.locator("#search-more summary").click()
    page.get_by_test_id("sort").select_option("priceDown")
    page.wait_for_url("**/?sort=priceDown")
    expect(page.get_by_test_id("homestay-card")).to_have_count(1)
    assert village.bodies("search")[-1]["sort"] == "priceDown"


def test_the_dates_and_the_guests_go_along_to_the_homestay(page):
    page.get_by_test_id("search-people").fill("4")
    search(page, 2, 4)
    expect(page.get_by_test_id("stay-total")).to_be_visible()
    page.get_by_test_id("homestay-card").click()
    expect(page.get_by_test_id("start")).to_have_value(later(2))
    expect(page.get_by_test_id("end")).to_have_value(later(4))
    expect(page.get_by_test_id("people")).to_have_value("4")
    page.go_back()
    expect(page.get_by_test_id("search-start")).to_have_value(later(2))
    expect(page.get_by_test_id("stay-total")).to_be_visible()


def test_nothing_found_leads_to_less_narrow_searches(page, village):
    village.taken = {later(3)}
    search(page, 2, 4)
    expect(page.get_by_test_id("found")).to_have_text("没有符合条件的民宿")
    page.get_by_test_id("nothing-found").get_by_role("button", name="不限日期").click()
    expect(page.get_by_test_id("homestay-card")).to_have_count(1)
    page.go_back()
    expect(page.get_by_test_id("nothing-found")).to_be_visible()


def test_one_date_alone_is_completed(page):
    page.get_by_test_id("search-start").fill(later(5))
    expect(page.get_by_test_id("search-end")).to_have_value(later(6))


def test_an_old_or_made_up_address_is_searched_without_what_cannot_be(page, village, storefront):
    page.goto(f"{storefront}/?start=2020-01-01&end=2020-01-03&people=-4&low=x&sort=luck")
    expect(page.get_by_test_id("homestay-card")).to_have_count(1)
    assert village.bodies("search")[-1] == {
        "people": 1, "city": "", "sort": "recommended", "page": 1, "pageSize": 12
    }  # fmt: skip


def test_a_search_that_fails_can_be_tried_again(page, village):
    village.refuse("/travel/v1/homestay/search", "database-unavailable")
    search(page, 2, 4)
    problem = page.get_by_test_id("homestays").get_by_role("alert")
    expect(problem).to_contain_text("数据库繁忙，请稍后再试")
    village.on("travel", "/travel/v1/homestay/search", village.search)
    problem.get_by_role("button").click()
    expect(page.get_by_test_id("homestay-card")).to_have_count(1)
