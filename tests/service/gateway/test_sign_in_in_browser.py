"""Signing in, in a browser: it leads back to a page of the storefront, whatever the address says. The gateway alone, with a
usercenter that signs every user in."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.gateway.guests import SIGNED_IN
from tests.service.gateway.services import LOGIN, Services
from tests.service.gateway.serving import served
from tests.support.browsing import PHONE, opened, sign_in

ELSEWHERE = [
    "/.//elsewhere.invalid",
    "//elsewhere.invalid/orders",
    "/\\elsewhere.invalid",
    "/\t/elsewhere.invalid",
    "/%2Felsewhere.invalid",
    "https://elsewhere.invalid",
    "javascript:document.title='run'",
    "/nowhere",
]


@pytest.fixture(scope="module")
def storefront() -> Iterator[str]:
    services = Services()
    services.data(LOGIN, SIGNED_IN)
    with served(services) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    complaints: list[str] = []
    page = opened(browser, complaints, PHONE)
    yield page
    page.context.close()
    assert complaints == []


@pytest.mark.parametrize("target", ELSEWHERE, ids=ascii)
def test_after_signing_in_the_buyer_is_at_home_whatever_next_says(page, storefront, target):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{storefront}/signin?next={quote(target, safe='')}")
    sign_in(page, "13800000001", "secret-123")
    page.wait_for_url(f"{storefront}/")
    assert [url for url in asked if not url.startswith(f"{storefront}/")] == []


def test_after_signing_in_the_buyer_is_back_at_the_page_that_asked_for_it(page, storefront):
    page.goto(f"{storefront}/orders")
    page.wait_for_url("**/signin?next=%2Forders")
    sign_in(page, "13800000001", "secret-123")
    page.wait_for_url(f"{storefront}/orders")


def test_the_link_to_the_other_language_stays_on_this_site(page, storefront):
    page.goto(f"{storefront}//elsewhere.invalid/")
    link = page.get_by_test_id("language")
    expect(link).to_have_attribute("href", f"{storefront}//elsewhere.invalid/?lang=en")
    link.click()
    page.wait_for_url(f"{storefront}/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
