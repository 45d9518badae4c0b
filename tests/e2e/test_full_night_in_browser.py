"""A guest who comes too late for a night is told which one, and books another."""

import pytest
from playwright.sync_api import expect

from tests.support.browsing import PHONE, opened, sign_in

pytestmark = pytest.mark.stack
HOMESTAY = 4
TEXTS = {"zh-CN": "当晚已订满", "en-GB": "is sold out"}


@pytest.fixture(scope="module")
def taken(system):
    """Another guest has tonight and tomorrow night."""
    body = system.stay(nights=2) | {"homestayId": HOMESTAY}
    return system.data("/order/v1/homestayOrder/createHomestayOrder", body, "BUYER")


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.usefixtures("taken")
def test_the_page_names_the_night_that_is_full(browser, stack, complaints, language):
    page = opened(browser, complaints, PHONE, language)
    page.goto(f"{stack['STOREFRONT_URL']}/homestays/{HOMESTAY}")
    page.get_by_test_id("book").click()
    page.wait_for_url("**/signin**")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    page.get_by_test_id("book").click()

    problem = page.locator("#booking-problem")
    expect(problem).to_contain_text(TEXTS[language])
    expect(page.get_by_test_id("start")).to_have_attribute("aria-invalid", "true")
    expect(problem).to_be_in_viewport()
    assert "/homestays/" in page.url
    assert complaints == []
