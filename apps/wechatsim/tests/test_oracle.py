"""`wechatpayv3`, a third-party SDK, works with this sandbox, in both key modes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from .conftest import OPENID, LiveServer, MerchantClient, in_process, until


def client(folder: Path, url: str, *, public_key: bool) -> WeChatPay:
    ids = json.loads((folder / "merchant.json").read_text())
    made = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=ids["mchid"],
        private_key=(folder / "apiclient_key.pem").read_text(),
        cert_serial_no=ids["merchant_serial"],
        appid=ids["appid"],
        apiv3_key=ids["apiv3_key"],
        notify_url="https://pay.example.com/notify",
        # With a key the constructor sends no request, so that the address can be set first.
        public_key=(folder / "pub_key.pem").read_text(),
        public_key_id=ids["public_key_id"],
    )
    made._core._gate_way = url
    if not public_key:
        made._core._public_key = made._core._public_key_id = None
        made._core._update_certificates()
        assert len(made._core._certificates) == 1
    return made


@pytest.mark.parametrize("public_key", [False, True])
def test_the_sdk_orders_queries_and_closes(live: LiveServer, keys: Path, public_key: bool) -> None:
    sdk = client(keys, live.url, public_key=public_key)
    number = f"SDK-{public_key}-01"
    code, body = sdk.pay("山间小屋 <b>&", number, {"total": 100, "currency": "CNY"}, payer={"openid": OPENID})
    assert (code, list(json.loads(body))) == (200, ["prepay_id"])
    code, body = sdk.query(out_trade_no=number)
    assert (code, json.loads(body)["trade_state"]) == (200, "NOTPAY")
    code, _ = sdk.close(number)
    assert code == 204
    code, body = sdk.query(out_trade_no=number)
    assert (code, json.loads(body)["trade_state"]) == (200, "CLOSED")
    code, body = sdk.query(out_trade_no="NO-SUCH-ORDER")
    assert (code, json.loads(body)["code"]) == (404, "ORDER_NOT_EXIST")


def test_a_public_key_merchant_has_no_certificates(live_pubkey: LiveServer, pubkey_keys: Path) -> None:
    sdk = client(pubkey_keys, live_pubkey.url, public_key=True)
    code, body = sdk.query(out_trade_no="NO-SUCH-ORDER")
    assert (code, json.loads(body)["code"]) == (404, "ORDER_NOT_EXIST")
    code, body = sdk._core.request("/v3/certificates", skip_verify=True)
    assert (code, json.loads(body)["code"]) == (404, "RESOURCE_NOT_EXISTS")


@pytest.mark.parametrize("mode", ["cert", "pubkey"])
async def test_the_sdk_verifies_and_decrypts_the_notification(
    keys: Path, pubkey_keys: Path, live: LiveServer, mode: str
) -> None:
    folder = keys if mode == "cert" else pubkey_keys
    sdk = client(folder, live.url, public_key=mode == "pubkey")
    async with in_process(folder) as (merchant, _):
        await merchant.prepay("SDK-NOTE-01")
        paid = await merchant.pay("SDK-NOTE-01")
        await until(lambda: merchant.calls)
        headers, body = merchant.calls[0]
        opened = sdk.callback(headers, body)
    assert opened["event_type"] == "TRANSACTION.SUCCESS"
    assert opened["resource"] == paid


def test_the_sdks_pay_sign_opens_the_cashier(live: LiveServer, keys: Path) -> None:
    sdk = client(keys, live.url, public_key=False)
    merchant = MerchantClient(keys)
    _, body = sdk.pay("小屋", "SDK-SIGN-01", {"total": 100, "currency": "CNY"}, payer={"openid": OPENID})
    package = f"prepay_id={json.loads(body)['prepay_id']}"
    appid = merchant.ids["appid"]
    parameters = {
        "appId": appid,
        "timeStamp": "1554208460",
        "nonceStr": "593BEC0C930BF1AFEB40B4A08C8FB242",
        "package": package,
        "signType": "RSA",
        "paySign": sdk.sign([appid, "1554208460", "593BEC0C930BF1AFEB40B4A08C8FB242", package]),
    }
    import httpx

    with httpx.Client(trust_env=False, base_url=live.url) as http:
        refused = http.post("/_sim/request-payment", json=parameters | {"nonceStr": "X" * 32})
        assert (refused.status_code, refused.json()["error"]) == (409, "bad_pay_sign")
        assert http.get("/_sim/books?out_trade_no=SDK-SIGN-01").json()["books"][0]["held"] == 0
        paid = http.post("/_sim/request-payment", json=parameters)
        assert (paid.status_code, paid.json()["trade_state"]) == (200, "SUCCESS")
