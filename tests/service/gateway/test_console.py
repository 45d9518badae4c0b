"""The console's door: who gets in, whose forms count, and what is said when something is missing."""

import re
from urllib.parse import quote

import httpx
import pytest

from gateway.console import addresses
from gateway.main import create_app
from servicekit.testing import client
from tests.service.gateway.money import ABNORMAL
from tests.service.gateway.operators import BROWSER, MOBILE, PASSWORD, Operations, csrf_of, end_pause, enter, post
from tests.service.gateway.services import DEVICE_TOKEN, LOGIN
from tests.service.gateway.serving import settings
from tests.service.gateway.ways import order_state

SN = "HSO2026112309302612345678"
FIND, AGAIN = "/order/v1/ops/orderFind", "/order/v1/ops/refundAskAgain"
ACT = f"/console/acts/refund_ask_again?sn={SN}&back=%2Fconsole"


@pytest.fixture
def http(app: httpx.AsyncClient, services: Operations) -> httpx.AsyncClient:
    services.fresh()
    services.data(FIND, {"list": []})
    services.data(AGAIN, order_state())
    app.cookies.clear()
    return app


async def test_signing_in_leads_to_where_one_wanted_to_go_with_a_cookie_that_no_script_reads(http, services):
    away = await http.get("/console?a=1")
    assert (away.status_code, away.headers["location"]) == (303, "/console/signin?next=%2Fconsole%3Fa%3D1")
    page = await http.get(away.headers["location"])
    fields = {"csrf": csrf_of(page.text), "mobile": MOBILE, "password": PASSWORD, "next": "/console?a=1"}
    response = await post(http, "/console/signin", fields)
    assert (response.status_code, response.headers["location"]) == (303, "/console?a=1")
    cookie = response.headers["set-cookie"]
    assert {"HttpOnly", "Path=/console", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert services.bodies["/usercenter/v1/user/login"] == [{"mobile": MOBILE, "password": PASSWORD}]
    shown = await http.get("/console?a=1")
    assert shown.status_code == 200
    found = await post(http, "/console", {"csrf": csrf_of(shown.text), "what": "K7MX4QPA"})
    refresh_token, token = cookie.split(";")[0].split(".", 3)[2:]
    assert services.bearers[-1] == f"Bearer {token}"
    assert refresh_token == "refresh-1"
    assert not [secret for secret in (token, refresh_token) if secret in shown.text + found.text]


async def test_a_browser_that_has_signed_in_before_says_so_at_the_next_sign_in_alone(http, services):
    page = await http.get("/console/signin")
    fields = {"mobile": MOBILE, "password": PASSWORD, "next": "/console"}
    response = await post(http, "/console/signin", {"csrf": csrf_of(page.text), **fields})
    cookie = next(each for each in response.headers.get_list("set-cookie") if each.startswith("minsu_console_device="))
    assert cookie.split("; ")[0] == f"minsu_console_device={DEVICE_TOKEN}"
    assert {"HttpOnly", "Path=/console/signin", "SameSite=strict", "Max-Age=15552000"} <= set(cookie.split("; "))
    assert "minsu_console_device" not in (await http.get("/console")).request.headers["cookie"]

    page = await http.get("/console/signin")
    await post(http, "/console/signin", {"csrf": csrf_of(page.text), **fields})
    assert [body.get("deviceToken") for body in services.bodies[LOGIN]] == [None, DEVICE_TOKEN]


@pytest.mark.parametrize("token", ["x" * 20, "1" * 201, "1 2", "%00"])
async def test_a_device_that_cannot_be_one_is_not_passed_on(http, services, token):
    page = await http.get("/console/signin")
    http.cookies.set("minsu_console_device", token)
    fields = {"csrf": csrf_of(page.text), "mobile": MOBILE, "password": PASSWORD}
    assert (await post(http, "/console/signin", fields)).status_code == 303
    assert services.bodies[LOGIN] == [{"mobile": MOBILE, "password": PASSWORD}]


async def test_the_cookie_is_for_https_alone_where_the_console_is_reached_by_https(services):
    services.fresh()
    public = settings(public_url="https://minsu.example")
    async with client(create_app(public, sidecar=services)) as http:
        assert "Secure" in (await http.get("/console/signin")).headers["set-cookie"]


async def test_a_wrong_password_says_what_usercenter_says_and_keeps_the_number(http, services):
    services.refuse(LOGIN, "wrong-credentials")
    page = await http.get("/console/signin?next=%2Fconsole")
    fields = {"csrf": csrf_of(page.text), "mobile": MOBILE, "password": "wrong-1", "next": "/console"}
    response = await post(http, "/console/signin", fields)
    assert response.status_code == 401
    assert "手机号或密码不正确" in response.text
    assert MOBILE in response.text
    assert "wrong-1" not in response.text
    assert (await http.get("/console")).status_code == 303


@pytest.mark.parametrize("roles", [("buyer",), ("buyer", "merchant")])
async def test_an_account_without_the_role_is_refused_and_has_no_session(http, services, roles):
    services.sign_in(*roles)
    page = await http.get("/console/signin")
    response = await post(http, "/console/signin", {"csrf": csrf_of(page.text), "mobile": MOBILE, "password": PASSWORD})
    assert response.status_code == 403
    assert 'data-testid="not-operator"' in response.text
    assert (await http.get("/console")).headers["location"] == "/console/signin?next=%2Fconsole"
    assert FIND not in services.bodies


async def test_a_token_that_services_no_longer_take_ends_the_session(http, services):
    csrf = await enter(http)
    services.end_sessions()
    away = await post(http, "/console", {"csrf": csrf, "what": "K7MX4QPA"})
    assert (away.status_code, away.headers["location"]) == (303, "/console/signin?next=%2Fconsole&ended=1")
    assert 'data-testid="ended"' in (await http.get(away.headers["location"])).text
    page = f"/console/payments/{SN}"
    part = await http.get(f"{page}/steps", headers={"HX-Request": "true", "HX-Current-URL": f"http://app{page}"})
    assert part.headers.get("hx-redirect") == f"/console/signin?next=%2Fconsole%2Fpayments%2F{SN}"


async def test_an_act_says_what_it_does_needs_a_reason_and_is_done_once(http, services):
    csrf = await enter(http)
    page = await http.get(ACT)
    assert f"将为买家向支付服务重新申请订单 {SN} 的退款" in page.text
    for reason in ("", "   ", "x" * 257):
        refused = await post(http, ACT, {"csrf": csrf, "reason": reason})
        assert (refused.status_code, 'data-testid="wrong"' in refused.text) == (422, True)
    assert AGAIN not in services.bodies
    done = await post(http, ACT, {"csrf": csrf, "reason": " 买家来电 "})
    assert (done.status_code, done.headers["location"]) == (303, "/console")
    assert services.bodies[AGAIN] == [{"sn": SN, "note": "买家来电"}]
    for other in (f"/console/payments/{SN}/steps", "/console/letters"):
        assert 'data-testid="done"' not in (await http.get(other)).text
    assert f"已重新申请订单 {SN} 的退款。" in (await http.get("/console")).text
    assert 'data-testid="done"' not in (await http.get("/console")).text


async def test_what_a_service_refuses_stands_beside_the_reason_that_was_typed(http, services):
    csrf = await enter(http)
    services.refuse(AGAIN, "no-failed-refund", detail="the trade state is 3, the refund state agreed")
    response = await post(http, ACT, {"csrf": csrf, "reason": "买家来电"})
    assert response.status_code == 409
    assert "该订单没有失败的退款" in response.text
    assert ">买家来电</textarea>" in response.text


async def test_an_act_whose_session_has_ended_is_not_done_and_comes_back_with_its_reason(http, services):
    csrf = await enter(http)
    services.end_sessions()
    away = await post(http, ACT, {"csrf": csrf, "reason": "买家来电"})
    assert away.status_code == 303
    asked = await http.get(away.headers["location"])
    assert 'data-testid="not-done"' in asked.text
    services.fresh()
    services.data(AGAIN, order_state())
    target = re.search(r'name="next" value="([^"]*)"', asked.text)[1].replace("&amp;", "&")
    fields = {"csrf": csrf_of(asked.text), "mobile": MOBILE, "password": PASSWORD, "next": target}
    back = await post(http, "/console/signin", fields)
    assert back.headers["location"] == ACT
    page = await http.get(ACT)
    assert 'data-testid="not-done"' in page.text
    assert ">买家来电</textarea>" in page.text
    assert AGAIN not in services.bodies
    assert (await post(http, ACT, {"csrf": csrf_of(page.text), "reason": "买家来电"})).headers["location"] == "/console"
    assert services.bodies[AGAIN] == [{"sn": SN, "note": "买家来电"}]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_a_form_from_elsewhere_is_refused_even_with_the_token(http, services, headers):
    csrf = await enter(http)
    response = await post(http, ACT, {"csrf": csrf, "reason": "x"}, **headers)
    assert response.status_code == 403
    assert "没有执行" in response.text
    assert AGAIN not in services.bodies


@pytest.mark.parametrize("csrf", ["", "0" * 64, "一"])
async def test_a_form_with_a_token_of_another_session_is_refused(http, services, csrf):
    await enter(http)
    response = await post(http, ACT, {"csrf": csrf, "reason": "x"})
    assert response.status_code == 403
    assert AGAIN not in services.bodies


async def test_a_sign_in_that_another_site_sends_is_refused(http, services):
    fields = {"csrf": "0" * 64, "mobile": MOBILE, "password": PASSWORD}
    assert (await post(http, "/console/signin", fields)).status_code == 403
    page = await http.get("/console/signin")
    fields["csrf"] = csrf_of(page.text)
    response = await post(http, "/console/signin", fields, **{"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    assert "/usercenter/v1/user/login" not in services.bodies


LOGOUT, REFRESH = "/usercenter/v1/user/logout", "/usercenter/v1/user/refreshToken"


@pytest.mark.parametrize("is_up", [True, False])
async def test_signing_out_takes_the_cookie_away_and_ends_the_session(http, services, is_up):
    csrf = await enter(http)
    if is_up:
        services.data(LOGOUT, {})
    response = await post(http, "/console/signout", {"csrf": csrf})
    assert response.headers["location"] == "/console/signin"
    assert (await http.get("/console")).status_code == 303
    assert services.bodies[LOGOUT] == [{}]
    assert services.bearers[-1].startswith("Bearer ey")


async def test_signing_out_when_the_token_is_due_leaves_no_cookie_either(http, services):
    services.sign_in("operator", refresh_after=1)
    csrf = await enter(http)
    end_pause(http)
    services.sign_in("operator", path=REFRESH)
    services.data(LOGOUT, {})
    response = await post(http, "/console/signout", {"csrf": csrf})
    assert 'minsu_console=""' in response.headers["set-cookie"]
    assert (await http.get("/console")).status_code == 303


async def test_a_session_at_half_its_time_gets_a_new_token_and_its_forms_stay_good(http, services):
    services.sign_in("operator", refresh_after=1)
    csrf = await enter(http)
    end_pause(http)
    services.bodies.clear()
    services.sign_in("operator", path=REFRESH)
    page = await http.get("/console")
    assert page.status_code == 200
    assert page.headers["set-cookie"].split(".")[2] == "refresh-3"
    assert services.bodies[REFRESH] == [{"refreshToken": "refresh-2"}]
    assert (await post(http, ACT, {"csrf": csrf, "reason": "x"})).status_code == 303
    again = await http.get("/console")
    assert services.bodies[REFRESH] == [{"refreshToken": "refresh-2"}]
    assert again.status_code == 200


async def test_a_form_that_is_sent_late_renews_the_session_and_keeps_the_new_tokens_even_if_it_fails(http, services):
    """A refresh token can be used once: a page that lost the new one would sign the operator out."""
    services.sign_in("operator", refresh_after=1)
    csrf = await enter(http)
    end_pause(http)
    services.bodies.clear()
    services.sign_in("operator", path=REFRESH)
    services.refuse(AGAIN, "no-failed-refund")
    response = await post(http, ACT, {"csrf": csrf, "reason": "x"})
    assert (response.status_code, response.headers["set-cookie"].split(".")[2]) == (409, "refresh-3")
    assert (await http.get("/console")).status_code == 200
    assert services.bodies[REFRESH] == [{"refreshToken": "refresh-2"}]


async def test_an_ended_session_leads_to_the_sign_in(http, services):
    services.sign_in("operator", refresh_after=1)
    await enter(http)
    end_pause(http)
    services.refuse(REFRESH, "session-over")
    response = await http.get("/console")
    assert (response.status_code, response.headers["location"]) == (303, "/console/signin?next=%2Fconsole&ended=1")


async def test_a_token_that_cannot_be_renewed_now_is_used_as_it_is(http, services):
    services.sign_in("operator", refresh_after=1)
    await enter(http)
    assert (await http.get("/console")).status_code == 200


async def test_a_link_from_another_site_is_followed_from_a_page_of_ours(http):
    headers = {"Sec-Fetch-Site": "cross-site"}
    page = await http.get("/console?a=1", headers=headers)
    assert page.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/console?a=1">' in page.text
    assert "set-cookie" not in page.headers


async def test_a_service_that_is_down_is_named(http, services):
    csrf = await enter(http)
    del services.answers["order", AGAIN]
    response = await post(http, ACT, {"csrf": csrf, "reason": "买家来电"})
    assert response.status_code == 503
    assert "订单服务（order）没有应答" in response.text
    assert ">买家来电</textarea>" in response.text
    assert "可能已经执行" in response.text


async def test_a_service_that_cannot_do_it_now_says_why_and_that_it_may_be_done(http, services):
    csrf = await enter(http)
    services.refuse(AGAIN, "unavailable")
    response = await post(http, ACT, {"csrf": csrf, "reason": "买家来电"})
    assert response.status_code == 503
    assert "服务繁忙，请稍后再试" in response.text
    assert "没有应答" not in response.text
    assert ">买家来电</textarea>" in response.text
    assert "可能已经执行" in response.text


async def test_a_refusal_does_not_say_that_it_may_be_done(http, services):
    csrf = await enter(http)
    services.refuse(AGAIN, "no-failed-refund")
    response = await post(http, ACT, {"csrf": csrf, "reason": "买家来电"})
    assert 'data-testid="unknown"' not in response.text


async def test_a_503_that_is_no_problem_of_the_service_is_no_answer(http, services):
    csrf = await enter(http)
    services.answer("order", AGAIN, {"error": "bad gateway"}, status=503)
    response = await post(http, ACT, {"csrf": csrf, "reason": "买家来电"})
    assert "订单服务（order）没有应答" in response.text


async def test_a_page_of_the_console_that_does_not_exist_says_so(http):
    await enter(http)
    for path in ("/console/acts/nothing", "/console/acts/refund_ask_again"):
        response = await http.get(path)
        assert (response.status_code, "页面不存在" in response.text) == (404, True)


@pytest.mark.parametrize("path", ["/console", "/console/signin", ACT])
async def test_a_page_runs_our_own_script_and_nothing_else_and_is_kept_nowhere(http, path):
    await enter(http)
    response = await http.get(path)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert not re.search(r"\sstyle=|\son\w+=|<style", response.text)
    [script] = re.findall(r"<script[^>]*>", response.text)
    assert re.fullmatch(r'<script src="/static/v-[0-9a-f]{12}/console/htmx.min.js" defer>', script)
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', response.text):
        assert (await http.get(address)).status_code == 200


async def test_the_language_is_switched_on_the_page_one_is_on(http):
    await enter(http)
    away = await http.get(f"{ACT}&lang=en")
    assert (away.status_code, away.headers["location"]) == (303, ACT)
    assert '<html lang="en">' in (await http.get(ACT)).text


@pytest.mark.parametrize(
    "target",
    ["//host", "/\\host", "https://host", "/console//host", "/consolehost", "/console/..//host", "", "/", "/console\n"],
)
async def test_nothing_that_is_handed_in_leads_out_of_the_console(http, target):
    assert addresses.resolve(target) == "/console"
    page = await http.get(f"/console/signin?next={quote(target)}")
    assert 'name="next" value="/console"' in page.text


@pytest.mark.parametrize("cookie", ["x", "." * 70, "é", "a" * 64 + ".x.y", "a" * 64 + ".²."])
async def test_a_cookie_that_is_not_ours_is_no_session(http, cookie):
    response = await http.get("/console", headers={"Cookie": f"minsu_console={cookie}".encode()})
    assert response.status_code == 303


async def test_a_form_that_is_no_text_is_refused(http):
    await enter(http)
    headers = BROWSER | {"content-type": "application/x-www-form-urlencoded"}
    for body in (b"\xff", b"reason=%00"):
        assert (await http.post(ACT, content=body, headers=headers)).status_code == 422


ENROL, CONFIRM = (f"/usercenter/v1/user/{name}" for name in ("totpEnrol", "totpConfirm"))
REAUTHENTICATE = "/usercenter/v1/user/reauthenticate"


async def sign_in(http, **fields):
    page = await http.get("/console/signin")
    return await post(
        http, "/console/signin", {"csrf": csrf_of(page.text), "mobile": MOBILE, "password": PASSWORD, **fields}
    )


async def test_the_code_of_the_authenticator_goes_along_with_the_password(http, services):
    assert (await sign_in(http, code=" 123456 ")).headers["location"] == "/console"
    assert services.bodies[LOGIN] == [{"mobile": MOBILE, "password": PASSWORD, "totpCode": "123456"}]


@pytest.mark.parametrize(("needs", "said"), [("code", "请输入验证器上的动态验证码"), ("password", "至少 10 个字符")])
async def test_what_an_operator_lacks_is_said_and_there_is_no_session(http, services, needs, said):
    services.sign_in("buyer", needs=needs)
    response = await sign_in(http)
    assert response.status_code == 401
    assert said in response.text
    assert MOBILE in response.text
    assert (await http.get("/console")).status_code == 303
    assert FIND not in services.bodies


async def test_a_first_sign_in_leads_to_the_enrolment_and_its_code_into_the_console(http, services):
    services.sign_in("buyer", needs="enrolment")
    services.data(ENROL, {"secret": "JBSWY3DPEHPK3PXP", "otpauthUri": "otpauth://totp/Minsu:1?secret=JBSWY3DPEHPK3PXP"})
    services.data(CONFIRM, {"recoveryCodes": ["ABCD-EFGH-JKLM-NPQR"], "token": services.token("operator")})
    assert (await sign_in(http)).headers["location"] == "/console/second-factor"
    page = await http.get("/console/second-factor")
    assert 'class="pages"' not in page.text  # no way to pages that would refuse

    shown = await post(http, "/console/second-factor/begin", {"csrf": csrf_of(page.text), "password": PASSWORD})
    assert shown.status_code == 200
    assert "<svg" in shown.text
    assert "JBSWY3DPEHPK3PXP" in shown.text
    assert "style=" not in shown.text
    assert services.bodies[ENROL] == [{"password": PASSWORD}]

    done = await post(http, "/console/second-factor/confirm", {"csrf": csrf_of(shown.text), "code": "123456"})
    assert done.status_code == 200
    assert "ABCD-EFGH-JKLM-NPQR" in done.text
    assert services.bodies[CONFIRM] == [{"totpCode": "123456"}]
    assert (await http.get("/console")).status_code == 200


async def test_a_wrong_code_at_the_enrolment_is_said_and_opens_nothing(http, services):
    services.sign_in("buyer", needs="enrolment")
    services.refuse(CONFIRM, "second-factor-wrong", field="totpCode")
    await sign_in(http)
    page = await http.get("/console/second-factor")
    refused = await post(http, "/console/second-factor/confirm", {"csrf": csrf_of(page.text), "code": "000000"})
    assert refused.status_code == 401
    assert "动态验证码不正确" in refused.text
    assert (await http.get("/console")).status_code == 403


@pytest.mark.parametrize("path", ["", "/begin", "/confirm"])
async def test_the_enrolment_is_for_those_who_are_signed_in(http, services, path):
    response = await (
        post(http, f"/console/second-factor{path}", {"csrf": "x"}) if path else http.get("/console/second-factor")
    )
    assert response.status_code in {303, 403}
    assert not services.bodies


async def test_an_act_on_money_asks_who_it_is_first_and_keeps_the_reason(http, services):
    act, path = "/console/acts/refund_again?refundSn=RFD1", "/payment/v1/ops/refundBeginAgain"
    csrf = await enter(http)
    services.refuse(path, "reauthentication-required")
    asked = await post(http, act, {"csrf": csrf, "reason": "买家来电"})
    assert asked.status_code == 403
    assert 'data-testid="prove"' in asked.text
    assert ">买家来电</textarea>" in asked.text

    services.refuse(REAUTHENTICATE, "second-factor-wrong", field="totpCode")
    proof = {"csrf": csrf, "reason": "买家来电", "password": PASSWORD, "code": "000000"}
    wrong = await post(http, act, proof)
    assert wrong.status_code == 401
    assert "动态验证码不正确" in wrong.text
    assert ">买家来电</textarea>" in wrong.text
    assert PASSWORD not in wrong.text
    assert len(services.bodies[path]) == 1

    services.data(path, ABNORMAL | {"sn": "RFD2", "attempt": 2, "state": "requested", "problem": None})
    services.data(REAUTHENTICATE, fresh := services.token("operator"))
    done = await post(http, act, proof | {"code": "123456"})
    assert done.status_code == 303
    assert services.bodies[REAUTHENTICATE][-1] == {"password": PASSWORD, "totpCode": "123456"}
    assert services.bodies[path][-1] == {"refundSn": "RFD1", "note": "买家来电"}
    assert services.bearers[-1] == f"Bearer {fresh['accessToken']}"
    assert fresh["accessToken"] in done.headers["set-cookie"]
