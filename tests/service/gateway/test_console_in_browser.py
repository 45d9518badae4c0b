"""The console in a browser: a lost callback found by a mobile and set going; and every page as people see it."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.gateway.operators import LOOKS, Operations, look, sign_in
from tests.service.gateway.serving import served
from tests.service.gateway.ways import MOBILE, PAYMENT_SN, SN, lost_callback, settled, troubles
from tests.support.browsing import DESK, opened

ACT = f"/console/acts/refund_ask_again?sn={SN}&back=%2Fconsole"


@pytest.fixture(scope="module")
def services() -> Operations:
    return Operations()


@pytest.fixture(scope="module")
def address(services: Operations) -> Iterator[str]:
    with served(services) as address:
        yield address


@pytest.fixture
def complaints(services: Operations) -> Iterator[list[str]]:
    services.fresh()
    lost_callback(services)
    complaints: list[str] = []
    yield complaints
    assert complaints == []


@pytest.fixture
def page(browser: Browser, address: str, complaints: list[str]) -> Iterator[Page]:
    """An operator's desk, signed in."""
    page = opened(browser, complaints, DESK)
    page.goto(f"{address}/console")
    sign_in(page)
    yield page
    page.context.close()


def test_a_lost_callback_is_found_by_a_mobile_and_set_going(page, services):
    page.get_by_test_id("what").fill(MOBILE)
    page.get_by_test_id("search").click()
    expect(page.get_by_test_id("steps")).to_contain_text("微信下单成功")
    assert MOBILE not in page.url
    page.get_by_test_id("act-payment_query").click()
    expect(page.get_by_test_id("does")).to_contain_text(PAYMENT_SN)
    page.get_by_test_id("reason").fill("买家来电")
    settled(services)
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("done")).to_contain_text("SUCCESS")
    expect(page.get_by_test_id("steps")).to_contain_text("待支付 → 已支付")
    assert services.bodies["/payment/v1/ops/paymentQuery"] == [{"paymentSn": PAYMENT_SN, "note": "买家来电"}]


def test_an_open_way_looks_again_by_itself(page, services, address):
    page.goto(f"{address}/console/payments/{SN}")
    expect(page.get_by_test_id("steps")).to_contain_text("微信下单成功")
    settled(services)
    expect(page.get_by_test_id("steps")).to_contain_text("待支付 → 已支付", timeout=15_000)
    assert page.get_by_test_id("way").get_attribute("hx-get") is None


def test_no_script_can_read_the_session_and_nothing_is_stored(page):
    assert "minsu_console" not in page.evaluate("document.cookie")
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("({...sessionStorage})") == {"htmx-current-path-for-history": "/console"}
    [cookie] = [each for each in page.context.cookies() if each["name"] == "minsu_console"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/console")


def test_an_expired_session_signs_in_again_and_comes_back_to_the_act_with_its_reason(page, services, address):
    page.goto(f"{address}{ACT}")
    page.get_by_test_id("reason").fill("买家来电")
    services.refuse("/order/v1/ops/refundAskAgain", 401, "请重新登录")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("not-done")).to_be_visible()
    services.data("/order/v1/ops/refundAskAgain", {"sn": SN})
    sign_in(page)
    expect(page.get_by_test_id("not-done")).to_be_visible()
    expect(page.get_by_test_id("reason")).to_have_value("买家来电")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("done")).to_contain_text(SN)
    assert services.bodies["/order/v1/ops/refundAskAgain"] == [{"sn": SN, "note": "买家来电"}] * 2


def test_a_buyer_is_refused(browser, complaints, services, address):
    services.sign_in("buyer")
    page = opened(browser, complaints, DESK)
    page.goto(f"{address}/console")
    page.get_by_test_id("mobile").fill(MOBILE)
    page.get_by_test_id("password").fill("secret-123")
    page.get_by_test_id("login").click()
    expect(page.get_by_test_id("not-operator")).to_be_visible()
    page.goto(f"{address}/console")
    expect(page.get_by_test_id("signin")).to_be_visible()
    page.context.close()


def test_a_form_of_another_site_does_nothing(page, services, address):
    elsewhere = page.context.new_page()
    elsewhere.route(
        "https://elsewhere.example/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{address}{ACT}"><input name="reason" value="x"></form>',
        ),
    )
    elsewhere.goto("https://elsewhere.example/")
    with elsewhere.expect_navigation():
        elsewhere.evaluate("document.forms[0].submit()")
    assert "/order/v1/ops/refundAskAgain" not in services.bodies


def test_a_link_from_another_site_finds_the_session(page, address):
    elsewhere = page.context.new_page()
    elsewhere.route(
        "https://chat.example/",
        lambda route: route.fulfill(
            content_type="text/html", body=f'<a id="link" href="{address}/console/payments/{SN}">alert</a>'
        ),
    )
    elsewhere.goto("https://chat.example/")
    elsewhere.click("#link")
    expect(elsewhere.get_by_test_id("steps")).to_be_visible()


def test_all_of_it_works_without_javascript(browser, services, address, complaints):
    page = browser.new_context(java_script_enabled=False, viewport=DESK, locale="zh-CN").new_page()
    page.goto(f"{address}/console")
    sign_in(page)
    page.get_by_test_id("what").fill(MOBILE)
    page.get_by_test_id("search").click()
    page.get_by_test_id("act-payment_query").click()
    page.get_by_test_id("reason").fill("买家来电")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("done")).to_be_visible()
    assert len(services.bodies["/payment/v1/ops/paymentQuery"]) == 1
    page.context.close()


@pytest.mark.parametrize(("language", "width", "size"), LOOKS, ids=[f"{each[0]}-{each[1]}" for each in LOOKS])
def test_every_page_is_as_it_should_be(browser, complaints, services, address, language, width, size):
    page = opened(browser, complaints, size, language)
    ending = f"{language[:2]}-{width}"
    page.goto(f"{address}/console")
    look(page, f"signin-{ending}")
    sign_in(page)
    look(page, f"find-{ending}")
    page.get_by_test_id("what").fill("一二三")
    page.get_by_test_id("search").click()
    look(page, f"nothing-{ending}")
    page.goto(f"{address}/console/payments/{SN}")
    look(page, f"payment-open-{ending}")
    settled(services)
    del services.answers["notification", "/notification/v1/ops/messageSteps"]
    page.reload()
    expect(page.get_by_test_id("missing-notification")).to_be_visible()
    look(page, f"payment-{ending}")
    troubles(services)
    page.reload()
    look(page, f"payment-troubles-{ending}")
    page.get_by_test_id("act-payment_query").first.click()
    look(page, f"act-{ending}")
    page.goto(f"{address}/console/payments/x")
    look(page, f"absent-{ending}")
    services.data("/usercenter/v1/user/login", services.token("operator", auth_time=int(time.time()) - 700))
    page.context.clear_cookies()
    page.goto(f"{address}{ACT}")
    sign_in(page)
    expect(page.get_by_test_id("prove")).to_be_visible()
    look(page, f"prove-{ending}")
    page.context.close()


@pytest.mark.parametrize(("language", "width", "size"), LOOKS, ids=[f"{each[0]}-{each[1]}" for each in LOOKS])
def test_an_operator_sets_up_an_authenticator_at_the_first_sign_in(
    browser, complaints, services, address, language, width, size
):
    user, ending = "/usercenter/v1/user", f"{language[:2]}-{width}"
    page = opened(browser, complaints, size, language)
    services.sign_in("buyer", needs="code")
    page.goto(f"{address}/console")
    page.get_by_test_id("mobile").fill(MOBILE)
    page.get_by_test_id("password").fill("secret-123")
    page.get_by_test_id("login").click()
    expect(page.get_by_test_id("needs")).to_be_visible()
    look(page, f"signin-code-{ending}")

    services.sign_in("buyer", needs="enrolment")
    sign_in(page)
    expect(page.get_by_test_id("begin")).to_be_visible()
    look(page, f"second-factor-{ending}")
    uri = "otpauth://totp/Minsu:13800000003?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Minsu"
    services.data(f"{user}/totpEnrol", {"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "otpauthUri": uri})
    page.get_by_test_id("password").fill("secret-123")
    page.get_by_test_id("go").click()
    expect(page.get_by_test_id("qr").locator("svg")).to_be_visible()
    look(page, f"second-factor-qr-{ending}")
    codes = [f"ABCD-EFGH-JKLM-NPQR-STUV-WXY{letter}" for letter in "ABCDEFGHJK"]
    services.data(f"{user}/totpConfirm", {"recoveryCodes": codes, "token": services.token("operator")})
    page.get_by_test_id("code").fill("123456")
    page.get_by_test_id("go").click()
    expect(page.get_by_test_id("recovery-codes").locator("li")).to_have_text(codes)
    look(page, f"second-factor-done-{ending}")
    page.get_by_test_id("on").click()
    expect(page.get_by_test_id("what")).to_be_visible()
    page.context.close()
