"""Authentication and its error messages (wechat-pay-v3.md §1.1)."""

from __future__ import annotations

import time

import pytest

from .conftest import MerchantClient

QUERY = "/v3/pay/transactions/out-trade-no/UNKNOWN-01"
FORM = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"


@pytest.mark.parametrize(
    ("_case", "header", "target", "status", "message"),
    [
        ("none", "", "/v3/certificates", 401, FORM),
        ("none at payments", "", QUERY, 401, "签名信息错误，验签失败"),
        ("other type", 'Bearer mchid="1"', "/v3/certificates", 401, "HTTP头Authorization认证类型不正确"),
        ("no pairs", "WECHATPAY2-SHA256-RSA2048 x", "/v3/certificates", 401, FORM),
        ("unquoted", "WECHATPAY2-SHA256-RSA2048 mchid=1", "/v3/certificates", 401, FORM),
    ],
)
async def test_a_malformed_header_is_refused(
    merchant: MerchantClient, _case: str, header: str, target: str, status: int, message: str
) -> None:
    response = await merchant.send("GET", target, Authorization=header)
    assert (response.status_code, response.json()) == (status, {"code": "SIGN_ERROR", "message": message})


@pytest.mark.parametrize("seconds", [-301, 302])
async def test_a_timestamp_outside_five_minutes_is_refused_before_the_signature(
    merchant: MerchantClient, seconds: int
) -> None:
    stamp = str(int(time.time()) + seconds)
    header = merchant.authorization("GET", "/v3/certificates", timestamp=stamp, signature="bad")
    response = await merchant.send("GET", "/v3/certificates", Authorization=header)
    assert response.status_code == 401
    assert response.json()["message"] == "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"


async def test_a_timestamp_within_five_minutes_is_accepted(merchant: MerchantClient) -> None:
    header = merchant.authorization("GET", "/v3/certificates", timestamp=str(int(time.time()) - 290))
    assert (await merchant.send("GET", "/v3/certificates", Authorization=header)).status_code == 200


async def test_a_wrong_serial_is_named(merchant: MerchantClient) -> None:
    header = merchant.authorization("GET", "/v3/certificates", serial_no="A" * 40)
    response = await merchant.send("GET", "/v3/certificates", Authorization=header)
    assert response.json()["message"].startswith("商户证书序列号有误。")


async def test_serials_may_be_in_lower_case(merchant: MerchantClient) -> None:
    """The SDK wechatpay-node-v3 sends them like this."""
    header = merchant.authorization("GET", "/v3/certificates", serial_no=merchant.ids["merchant_serial"].lower())
    platform = merchant.ids["platform_serial"]
    asked = {"Authorization": header, "Wechatpay-Serial": platform.lower()}
    response = await merchant.send("GET", "/v3/certificates", **asked)
    assert (response.status_code, response.headers["wechatpay-serial"]) == (200, platform)


async def test_a_nonce_above_32_characters_is_malformed(merchant: MerchantClient) -> None:
    header = merchant.authorization("GET", "/v3/certificates", nonce_str="n" * 33)
    response = await merchant.send("GET", "/v3/certificates", Authorization=header)
    assert (response.status_code, response.json()["message"]) == (401, FORM)


async def test_an_unknown_merchant_is_refused(merchant: MerchantClient) -> None:
    header = merchant.authorization("GET", "/v3/certificates", mchid="1900000001")
    response = await merchant.send("GET", "/v3/certificates", Authorization=header)
    assert (response.status_code, response.json()["code"]) == (400, "MCH_NOT_EXISTS")
    target = "/v3/refund/domestic/refunds/R-1"
    header = merchant.authorization("GET", target, mchid="1900000001")
    response = await merchant.send("GET", target, Authorization=header)
    assert (response.status_code, response.json()["code"]) == (404, "MCH_NOT_EXISTS")


@pytest.mark.parametrize("name", ["User-Agent", "Accept"])
async def test_a_missing_user_agent_or_accept_is_refused_before_authentication_outside_payments(
    merchant: MerchantClient, name: str
) -> None:
    outside = await merchant.send("GET", "/v3/certificates", Authorization="", **{name: ""})
    assert (outside.status_code, outside.json()) == (
        400,
        {"code": "INVALID_REQUEST", "message": "Http头缺少Accept或User-Agent"},
    )
    inside = await merchant.send("GET", QUERY, Authorization="", **{name: ""})
    assert (inside.status_code, inside.json()["code"]) == (401, "SIGN_ERROR")


async def test_the_raw_body_is_verified_not_the_parsed_one(merchant: MerchantClient) -> None:
    body = b'{ "mchid" : "' + merchant.ids["mchid"].encode() + b'" }\n'
    target = "/v3/pay/transactions/out-trade-no/SPACED-01/close"
    assert (await merchant.send("POST", target, body)).status_code == 204
    header = merchant.authorization("POST", target, body.strip())
    response = await merchant.send("POST", target, body, Authorization=header)
    assert (response.status_code, response.json()["code"]) == (401, "SIGN_ERROR")


async def test_the_key_is_chosen_by_the_request_then_by_the_merchant(merchant: MerchantClient) -> None:
    ids = merchant.ids
    default = await merchant.send("GET", "/v3/certificates")
    assert default.headers["wechatpay-serial"] == ids["platform_serial"]
    asked = await merchant.send("GET", "/v3/certificates", **{"Wechatpay-Serial": ids["public_key_id"]})
    assert asked.headers["wechatpay-serial"] == ids["public_key_id"]
