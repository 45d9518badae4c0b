"""A user's browser: a headless Chromium, as a phone or a desk, in a language."""

from collections.abc import Mapping

from playwright.sync_api import Browser, Page

from tests.support.operators import Operator

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


def opened(browser: Browser, complaints: list[str], size: Mapping[str, int], language: str = "zh-CN") -> Page:
    page = browser.new_context(viewport=dict(size), locale=language).new_page()
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    return page


def sign_in(page: Page, mobile: str, password: str) -> None:
    page.get_by_test_id("mobile").fill(mobile)
    page.get_by_test_id("password").fill(password)
    page.get_by_test_id("login").click()
    page.wait_for_url(lambda address: "/signin" not in address)


def enter_console(page: Page, operator: Operator) -> None:
    """On the console's sign-in page."""
    page.get_by_test_id("mobile").fill(operator.mobile)
    page.get_by_test_id("password").fill(operator.password)
    page.get_by_test_id("code").fill(operator.authenticator.code())
    page.get_by_test_id("login").click()
    page.wait_for_url(lambda address: "/signin" not in address)
