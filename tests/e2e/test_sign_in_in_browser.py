"""Signing in leads back to a page of the storefront, whatever the address says."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.support.browsing import PHONE, opened, sign_in

pytestmark = pytest.mark.stack
ELSEWHERE = [
    "/.//elsewhere.invalid",
    "//elsewhere.invalid/orders",
    "/\\elsewhere.invalid",
    "/\t/elsewhere.invalid",
    "/%2Felsewhere.invalid",
    "https://elsewhere.invalid",
    "javascript:document.title='run'",
]


@pytest.mark.parametrize("target", ELSEWHERE, ids=ascii)
def test_after_signing_in_the_buyer_is_at_home_whatever_next_says(browser, stack, complaints, target):
    page = opened(browser, complaints, PHONE)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stack['STOREFRONT_URL']}/signin?next={quote(target, safe='')}")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    page.wait_for_url(f"{stack['STOREFRONT_URL']}/")
    assert {url for url in asked if "elsewhere.invalid" in url.partition("?")[0]} == set()
    assert complaints == []


def test_after_signing_in_the_buyer_is_back_at_the_page_that_asked_for_it(browser, stack, complaints):
    page = opened(browser, complaints, PHONE)
    page.goto(f"{stack['STOREFRONT_URL']}/orders")
    page.wait_for_url("**/signin?next=%2Forders")
    sign_in(page, stack["BUYER_MOBILE"], stack["BUYER_PASSWORD"])
    page.wait_for_url(f"{stack['STOREFRONT_URL']}/orders")


def test_the_link_to_the_other_language_stays_on_this_site(browser, stack, complaints):
    page = opened(browser, complaints, PHONE)
    page.goto(f"{stack['STOREFRONT_URL']}//elsewhere.invalid/")
    expect(page.get_by_test_id("language")).to_have_attribute(
        "href", f"{stack['STOREFRONT_URL']}//elsewhere.invalid/?lang=en"
    )
    page.get_by_test_id("language").click()
    page.wait_for_url(f"{stack['STOREFRONT_URL']}/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
