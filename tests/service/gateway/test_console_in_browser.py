"""The console in a browser: a lost callback found by a mobile and set going; and every page as people see it."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.service.gateway.console_templates import SEARCH_AND_PAYMENT, SECOND_FACTOR
from tests.service.gateway.operators import LOOKS, Operations, look, looked_at, sign_in, type_in
from tests.service.gateway.services import LOGIN
from tests.service.gateway.serving import served
from tests.service.gateway.ways import (
    MOBILE,
    PAYMENT_SN,
    SN,
    lost_callback,
    lost_records,
    order,
    order_state,
    payment,
    settled,
    troubles,
)
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
    services.refuse("/order/v1/ops/refundAskAgain", "unauthenticated")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("not-done")).to_be_visible()
    services.data("/order/v1/ops/refundAskAgain", order_state())
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


@pytest.mark.parametrize(("language", "size"), LOOKS, ids=["zh", "en"])
def test_every_page_is_as_it_should_be(browser, complaints, services, address, language, size):
    page = opened(browser, complaints, size, language)
    ending = language[:2]
    page.goto(f"{address}/console")
    look(page, f"signin-{ending}")
    refuse_sign_in(page, services)
    look(page, f"signin-refused-{ending}")
    services.sign_in("operator")
    sign_in(page)
    look(page, f"find-{ending}")
    page.get_by_test_id("what").fill("一二三")
    page.get_by_test_id("search").click()
    look(page, f"nothing-{ending}")
    find_several(page, services)
    look(page, f"several-{ending}")
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
    lost_records(services)
    page.reload()
    for said in ("unknown-to-order", "forgotten", "act-letter_replay"):
        expect(page.get_by_test_id(said)).to_be_visible()
    look(page, f"payment-lost-records-{ending}")
    troubles(services)
    page.reload()
    services.data("/payment/v1/ops/paymentFind", {"list": [payment()]})
    page.get_by_test_id("act-payment_query").first.click()
    expect(page.get_by_test_id("now-order")).to_have_text(SN)
    look(page, f"act-{ending}")
    for name in fail_an_act(page, services):
        look(page, f"act-{name}-{ending}")
    for kind in show_problems(page, services, address):
        look(page, f"{kind}-{ending}")
    for name in sign_in_again(page, services, address):
        look(page, f"{name}-{ending}")
    be_refused(page, services, address)
    look(page, f"not-operator-{ending}")
    arrive(page, address)
    look(page, f"arriving-{ending}")
    assert looked_at(page) == SEARCH_AND_PAYMENT
    page.context.close()


def refuse_sign_in(page: Page, services: Operations) -> None:
    services.refuse(LOGIN, "wrong-credentials")
    type_in(page)
    expect(page.get_by_test_id("problem")).to_have_text("手机号或密码不正确")


def find_several(page: Page, services: Operations) -> None:
    other = order(sn="HSO2026112009302600000001", createdAt="2026-11-20T01:30:26Z")
    services.data("/order/v1/ops/orderFind", {"list": [order(), other]})
    page.get_by_test_id("what").fill(MOBILE)
    page.get_by_test_id("search").click()
    expect(page.get_by_test_id("orders").locator("tbody tr")).to_have_count(2)


def fail_an_act(page: Page, services: Operations) -> Iterator[str]:
    """On a confirmation: each way in which the act is not done, or may have been."""

    def confirm(reason: str) -> None:
        page.get_by_test_id("reason").fill(reason)
        page.get_by_test_id("confirm").click()

    confirm("   ")
    expect(page.get_by_test_id("wrong")).to_be_visible()
    yield "wrong"
    more = {"detail": "ORDER_CLOSED", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
    services.refuse("/payment/v1/ops/paymentQuery", "wechat-refused-act", **more)
    confirm("买家来电")
    expect(page.get_by_test_id("problem")).to_contain_text("微信支付拒绝了这个操作")
    expect(page.get_by_test_id("unknown")).to_have_count(0)
    yield "refused"
    del services.answers["payment", "/payment/v1/ops/paymentQuery"]
    confirm("买家来电")
    expect(page.get_by_test_id("unknown")).to_be_visible()
    yield "unknown"


def show_problems(page: Page, services: Operations, address: str) -> Iterator[str]:
    """Each kind of a page that says why there is no other; `forged` from a confirmation, on which it begins."""
    page.locator("main input[name=csrf]").evaluate("(field) => { field.value = '0'.repeat(64) }")
    page.get_by_test_id("confirm").click()
    kind = page.locator("[data-kind]")
    expect(kind).to_have_attribute("data-kind", "forged")
    yield "forged"
    page.goto(f"{address}/console/payments/x")
    expect(kind).to_have_attribute("data-kind", "absent")
    yield "absent"
    services.refuse("/payment/v1/ops/noticeList", "invalid-input", trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
    page.goto(f"{address}/console/reviews")
    expect(kind).to_have_attribute("data-kind", "refused")
    yield "refused"
    page.goto(f"{address}/console/closings")
    expect(kind).to_have_attribute("data-kind", "unavailable")
    yield "unavailable"


def sign_in_again(page: Page, services: Operations, address: str) -> Iterator[str]:
    """After the session has ended in the middle of an act; and as someone whose proof of identity is old."""
    page.goto(f"{address}{ACT}")
    services.refuse("/order/v1/ops/refundAskAgain", "unauthenticated")
    page.get_by_test_id("reason").fill("买家来电")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("ended")).to_be_visible()
    expect(page.get_by_test_id("not-done")).to_be_visible()
    yield "signin-ended"
    services.sign_in("operator", auth_time=int(time.time()) - 700)
    sign_in(page)
    expect(page.get_by_test_id("not-done")).to_be_visible()
    expect(page.get_by_test_id("prove")).to_be_visible()
    yield "prove"


def be_refused(page: Page, services: Operations, address: str) -> None:
    """As a buyer."""
    services.sign_in("buyer")
    page.context.clear_cookies()
    page.goto(f"{address}/console")
    type_in(page)
    expect(page.get_by_test_id("not-operator")).to_be_visible()


def arrive(page: Page, address: str) -> None:
    """By a link from another site, at the page that leads on at once: here it stays."""
    there, seen = f"{address}/console/payments/{SN}", []

    def once(route: Route) -> None:
        seen.append(route.request.url)
        if len(seen) == 1:
            route.continue_()
        else:
            route.fulfill(status=204)

    link = f'<a id="link" href="{there}">alert</a>'
    page.route("https://chat.example/", lambda route: route.fulfill(content_type="text/html", body=link))
    page.route(there, once)
    page.goto("https://chat.example/")
    page.click("#link")
    expect(page.get_by_test_id("arrive")).to_be_visible()


@pytest.mark.parametrize(("language", "size"), LOOKS, ids=["zh", "en"])
def test_an_operator_sets_up_an_authenticator_at_the_first_sign_in(
    browser, complaints, services, address, language, size
):
    user, ending = "/usercenter/v1/user", language[:2]
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
    assert looked_at(page) == SECOND_FACTOR
    page.get_by_test_id("on").click()
    expect(page.get_by_test_id("what")).to_be_visible()
    page.context.close()
