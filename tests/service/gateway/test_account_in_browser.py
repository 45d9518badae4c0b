"""The storefront's session in a browser: refreshed by itself, signed out, seen and ended on the page of the account."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from servicekit.clock import unix, utc_now
from tests.service.gateway.services import Services, refusal
from tests.service.gateway.serving import served
from tests.support.accessibility import violations
from tests.support.browsing import DESK, PHONE, opened, sign_in
from tests.support.waiting import eventually

USER = "/usercenter/v1/user"
REFRESH, LOGOUT, LIST, END, CHANGE = (
    f"{USER}/{name}" for name in ("refreshToken", "logout", "sessionList", "sessionEnd", "changePassword")
)
KEPT = "JSON.parse(sessionStorage.getItem('minsu.session'))"
SESSIONS = [
    {
        "id": number,
        "device": device,
        "startedAt": "2026-11-28T01:00:00Z",
        "lastUsedAt": "2026-11-29T02:30:00Z",
        "isCurrent": number == 7,
    }
    for number, device in ((7, "Chrome, Windows"), (5, "WeChat, Android"), (3, ""))
]


@pytest.fixture(scope="module")
def services() -> Services:
    return Services()


@pytest.fixture(scope="module")
def storefront(services: Services) -> Iterator[str]:
    with served(services) as address:
        yield address


@pytest.fixture(autouse=True)
def _usercenter(services: Services) -> None:
    services.answers.clear()
    services.asked.clear()
    services.refreshes = 0
    services.sign_in("buyer")
    for path in (LOGOUT, END):
        services.data(path, {})
    services.data(LIST, {"list": SESSIONS})


@pytest.fixture(params=[("zh-CN", PHONE), ("en", DESK)], ids=["zh phone", "en desk"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    complaints: list[str] = []
    language, size = request.param
    page = opened(browser, complaints, size, language)
    yield page
    page.context.close()
    assert complaints == []


@pytest.fixture
def account(page: Page, storefront: str) -> Page:
    """The page of the account, signed in."""
    page.goto(f"{storefront}/account")
    sign_in(page, "13800000001", "secret-123")
    page.wait_for_url(f"{storefront}/account")
    expect(page.get_by_test_id("session")).to_have_count(3)
    return page


def test_who_signs_out_is_signed_out_at_usercenter_too(account, services, storefront):
    account.get_by_test_id("nav-signout").click()
    account.wait_for_url(f"{storefront}/")
    expect(account.get_by_test_id("nav-signin")).to_be_visible()
    assert services.asked[LOGOUT] == [{}]
    assert account.evaluate(KEPT) is None
    account.goto(f"{storefront}/account")
    account.wait_for_url("**/signin?next=%2Faccount")


def test_without_usercenter_the_tab_forgets_the_session_all_the_same(account, services, storefront):
    del services.answers["usercenter", LOGOUT]
    account.get_by_test_id("nav-signout").click()
    account.wait_for_url(f"{storefront}/")
    assert account.evaluate(KEPT) is None


def test_the_account_shows_its_devices_and_ends_the_one_that_was_chosen(account, services):
    shown = account.get_by_test_id("session")
    expect(shown.nth(0).get_by_test_id("current")).to_be_visible()
    expect(shown.nth(0).get_by_test_id("end-session")).to_have_count(0)
    expect(shown.nth(1)).to_contain_text("WeChat, Android")
    assert violations(account) == []
    assert account.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    services.data(LIST, {"list": [SESSIONS[0], SESSIONS[2]]})
    shown.nth(1).get_by_test_id("end-session").click()
    account.get_by_test_id("keep").click()
    assert END not in services.asked
    shown.nth(1).get_by_test_id("end-session").click()
    account.get_by_test_id("confirm").click()
    expect(shown).to_have_count(2)
    assert services.asked[END] == [{"id": 5}]


def test_a_new_password_brings_new_tokens_and_a_wrong_old_one_is_said_at_its_field(account, services):
    old, new = account.get_by_test_id("old-password"), account.get_by_test_id("new-password")
    services.refuse(CHANGE, "old-password-wrong", field="oldPassword")
    old.fill("a guess 1")
    new.fill("battery staple")
    account.get_by_test_id("change").click()
    expect(account.get_by_test_id("password-problem")).to_have_text("原密码不正确")
    expect(old).to_be_focused()
    assert account.evaluate(KEPT)["refreshToken"] == "refresh-1"

    services.sign_in("buyer", path=CHANGE)
    old.fill("secret-123")
    account.get_by_test_id("change").click()
    expect(old).to_have_value("")
    assert services.asked[CHANGE][-1] == {"oldPassword": "secret-123", "newPassword": "battery staple"}
    assert account.evaluate(KEPT)["refreshToken"] == "refresh-2"


def test_an_account_with_an_authenticator_is_asked_for_a_code_of_it(account, services):
    code = account.get_by_test_id("totp-code")
    expect(code).to_be_hidden()
    services.refuse(CHANGE, "second-factor-needed", field="totpCode")
    account.get_by_test_id("old-password").fill("secret-123")
    account.get_by_test_id("new-password").fill("battery staple")
    account.get_by_test_id("change").click()
    expect(code).to_be_focused()
    assert violations(account) == []
    services.sign_in("buyer", path=CHANGE)
    code.fill(" 123456 ")
    account.get_by_test_id("change").click()
    expect(code).to_be_hidden()
    assert services.asked[CHANGE][-1] == {
        "oldPassword": "secret-123",
        "newPassword": "battery staple",
        "totpCode": "123456",
    }


def test_tokens_are_refreshed_once_when_it_is_time_and_the_page_notices_nothing(page, services, storefront):
    services.sign_in("buyer", refresh_after=unix(utc_now()) - 1)
    services.sign_in("buyer", path=REFRESH)
    page.goto(f"{storefront}/account")
    sign_in(page, "13800000001", "secret-123")
    expect(page.get_by_test_id("session")).to_have_count(3)
    assert services.asked[REFRESH] == [{"refreshToken": "refresh-2"}]
    page.reload()
    expect(page.get_by_test_id("session")).to_have_count(3)
    assert (len(services.asked[REFRESH]), page.evaluate(KEPT)["refreshToken"]) == (1, "refresh-3")


def test_a_token_that_was_refused_is_refreshed_and_the_call_repeated(account, services):
    answers = iter([refusal(LIST, "unauthenticated")])
    good = services.answers["usercenter", LIST]
    services.answers["usercenter", LIST] = lambda request: next(answers, None) or good(request)
    services.sign_in("buyer", path=REFRESH)
    account.reload()
    expect(account.get_by_test_id("session")).to_have_count(3)
    assert services.asked[REFRESH] == [{"refreshToken": "refresh-1"}]


def test_a_session_that_is_over_leads_to_the_sign_in(account, services):
    services.refuse(LIST, "unauthenticated")
    services.refuse(REFRESH, "session-over")
    account.reload()
    account.wait_for_url("**/signin?next=%2Faccount")
    assert account.evaluate(KEPT) is None
    assert len(services.asked[REFRESH]) == 1


def test_an_outage_of_usercenter_signs_no_user_out(account, services):
    services.refuse(LIST, "unauthenticated")
    del services.answers["usercenter", "/internal/jwks"]
    account.reload()
    expect(account.locator("#sessions-problem")).to_be_visible()
    assert account.evaluate(KEPT)["refreshToken"] == "refresh-1"


def test_a_duplicate_of_a_tab_gets_the_new_tokens_and_is_signed_out_with_it(account, services, storefront):
    with account.expect_popup() as opening:
        account.evaluate("window.open('/account')")
    other = opening.value
    expect(other.get_by_test_id("session")).to_have_count(3)
    services.sign_in("buyer", path=CHANGE)
    account.get_by_test_id("old-password").fill("secret-123")
    account.get_by_test_id("new-password").fill("battery staple")
    account.get_by_test_id("change").click()
    eventually(lambda: other.evaluate(f"{KEPT}?.refreshToken") == "refresh-2", what="the other tab has the new tokens")
    account.get_by_test_id("nav-signout").click()
    account.wait_for_url(f"{storefront}/")
    eventually(lambda: other.evaluate(f"{KEPT} === null"), what="the other tab is signed out")


def test_a_page_out_of_the_browsers_memory_shows_nothing_of_a_session_that_has_ended(account):
    back = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    account.evaluate(f"document.body.dataset.same = 'yes'; {back}")
    expect(account.locator("body[data-same]")).to_have_count(1)
    account.evaluate(f"sessionStorage.removeItem('minsu.session'); {back}")
    account.wait_for_url("**/signin?next=%2Faccount")
