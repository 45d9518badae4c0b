"""A mobile that a stranger registered, on the real parts: from the proof on they see and move nothing, anywhere."""

import secrets

import pytest

from tests.support.operators import new_operator
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
WITHIN = 60
DETAIL = "/order/v1/homestayOrder/userHomestayOrderDetail"
REFUND = "/order/v1/homestayOrder/refundHomestayOrder"
STATUS = "/payment/v1/thirdPayment/thirdPaymentStatus"
PASSWORD = "the stranger's"


class Person:
    """A token of usercenter's, used at every service."""

    def __init__(self, system, signed_in):
        self._system, self._token = system, signed_in["accessToken"]
        self.refresh = {"refreshToken": signed_in["refreshToken"]}

    def post(self, path, body):
        return self._system.post(path, body, Authorization=f"Bearer {self._token}")

    def data(self, path, body):
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@pytest.fixture
def mobile():
    return f"137{secrets.randbelow(10**8):08d}"


def registered(system, mobile, **more):
    body = {"mobile": mobile, "password": PASSWORD} | more
    return Person(system, system.data("/usercenter/v1/user/register", body))


def by_wechat(system, mobile):
    body = {"openid": "o" + secrets.token_hex(13), "mobile": mobile, "nickname": "owner"}
    phone = system.wechat.post("/_sim/code", json=body).json()
    sent = {name: phone[name] for name in ("code", "iv", "encryptedData")}
    return Person(system, system.data("/usercenter/v1/user/wxMiniAuth", sent))


def bought(system, owner):
    """The number of an order that the owner has paid for."""
    order_sn = owner.data("/order/v1/homestayOrder/createHomestayOrder", system.stay())["orderSn"]
    pay = owner.data(
        "/payment/v1/thirdPayment/thirdPaymentWxPay", {"orderSn": order_sn, "serviceType": "homestayOrder"}
    )
    system.tap_pay(pay["paymentSn"])
    eventually(lambda: owner.data(DETAIL, {"sn": order_sn})["tradeState"] == 1, what="the order turned paid")
    return order_sn


def of_the_order(system, order_sn):
    order = system.rows(
        "order", "select trade_state, refund_state, version from homestay_order where sn = %s", order_sn
    )
    return order, system.rows("payment", "select * from refund where order_sn = %s", order_sn)


def test_the_strangers_token_and_password_end_when_the_owner_signs_in_by_wechat(system, mobile):
    stranger = registered(system, mobile)
    assert (
        stranger.post("/order/v1/homestayOrder/userHomestayOrderList", {}).status_code == 200
    )  # the service knows them
    owner = by_wechat(system, mobile)
    order_sn = bought(system, owner)

    def shut_out(path, body):
        return eventually(lambda: stranger.post(path, body).status_code == 401, seconds=WITHIN, what=f"401 of {path}")

    assert shut_out(DETAIL, {"sn": order_sn})
    before = of_the_order(system, order_sn)
    assert stranger.post(REFUND, {"sn": order_sn, "reason": "mine now"}).status_code == 401
    assert of_the_order(system, order_sn) == before
    assert shut_out(STATUS, {"orderSn": order_sn})
    assert stranger.post("/usercenter/v1/user/detail", {}).status_code == 401
    assert system.post("/usercenter/v1/user/refreshToken", stranger.refresh).status_code == 401
    again = system.post("/usercenter/v1/user/login", {"mobile": mobile, "password": PASSWORD})
    assert again.status_code == 401
    assert len(owner.data(DETAIL, {"sn": order_sn})["tradeCode"]) == 8


def test_the_stranger_who_comes_second_gets_no_account(system, mobile):
    owner = by_wechat(system, mobile)
    refused = system.post("/usercenter/v1/user/register", {"mobile": mobile, "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (409, 100202)
    assert owner.post("/usercenter/v1/user/detail", {}).status_code == 200


def test_a_code_by_text_message_opens_what_a_stranger_had_registered(system, mobile):
    stranger = registered(system, mobile)
    assert system.data("/usercenter/v1/user/sendMobileCode", {"mobile": mobile})["retryAfter"] == 60
    [message] = system.wechat.get("/_sim/sms", params={"mobile": mobile}).json()["sms"]
    assert message["code"] in message["text"]

    owner = registered(system, mobile, password="the owner's", code=message["code"])
    assert owner.post("/usercenter/v1/user/detail", {}).status_code == 200
    assert stranger.post("/usercenter/v1/user/detail", {}).status_code == 401
    again = system.post("/usercenter/v1/user/sendMobileCode", {"mobile": mobile})
    assert (again.status_code, again.json()["code"]) == (429, 100209)


def test_a_role_that_is_revoked_is_refused_within_a_minute(system):
    operator = new_operator(system)
    services = ("order", "payment", "notification", "usercenter")
    for service in services:
        assert system.post(f"/{service}/v1/ops/actList", {}, **operator.bearer).status_code == 200

    system.cli("python", "-m", "usercenter", "roles", operator.mobile, "--revoke", "operator", "--yes")

    for service in services:
        path = f"/{service}/v1/ops/actList"
        eventually(
            lambda path=path: system.post(path, {}, **operator.bearer).status_code == 401,
            seconds=WITHIN,
            what=f"401 of {path}",
        )
