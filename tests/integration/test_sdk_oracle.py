"""`wechatpayv3`, an SDK by others, as the judge: of our sandbox's answers, of its callbacks, and of what our service takes.

The same callback is shown to the SDK and to the running service: they must agree on every one, right or spoilt.
"""

import json
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.support.forgery import callback, deliver, transaction
from tests.support.refunding import DUE_NOW, ask_refund, book_ahead, books, inside, pay, payment, refunds
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def any_public_key():
    """What the constructor is given in certificate mode, and then forgets."""
    key = rsa.generate_private_key(65537, 2048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def sdk(system):
    """The SDK as the merchant, pointed at the sandbox; it holds the platform key of the stack's mode."""
    environment = system.environment
    platform = Path(environment["WXPAY_PLATFORM_CERT_OR_PUBKEY_FILE"]).read_text()
    public_key = environment["WXPAY_PLATFORM_SERIAL"].startswith("PUB_KEY_ID_")
    made = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=environment["WXPAY_MCHID"],
        private_key=Path(environment["WXPAY_MCH_PRIVATE_KEY_FILE"]).read_text(),
        cert_serial_no=environment["WXPAY_MCH_SERIAL"],
        appid=environment["WXPAY_APPID"],
        apiv3_key=environment["WXPAY_APIV3_KEY"],
        notify_url=environment["WXPAY_NOTIFY_URL"],
        # given a key the constructor makes no call, so that the address can be set first
        public_key=platform if public_key else any_public_key(),
        public_key_id=environment["WXPAY_PLATFORM_SERIAL"],
    )
    made._core._gate_way = environment["WXPAY_BASE_URL"]
    if not public_key:
        made._core._public_key = made._core._public_key_id = None
        made._core._update_certificates()
    return made


def taken(system, headers, body):
    answer = deliver(system.environment, headers, body)
    return answer.status_code


def believed(sdk, headers, body):
    try:
        return sdk.callback(headers, body.decode()) is not None
    except Exception:  # noqa: BLE001 - the SDK has many ways to say no
        return False


def test_the_sdk_sees_the_payment_and_its_refund_as_we_do(system, sdk):
    order_sn = book_ahead(system)
    number = pay(system, order_sn)
    total = payment(system, number)["total_fen"]
    ask_refund(system, order_sn, number, 100, f"RFR20261123130000{secrets.randbelow(10**8):08d}")
    [refund] = eventually(
        lambda: [row for row in refunds(system, number) if row["state"] == "succeeded"], what="the refund ended"
    )

    code, said = sdk.query(out_trade_no=number)
    refunded = sdk.query_refund(refund["sn"])

    transaction_of = json.loads(said)
    assert (code, transaction_of["trade_state"], transaction_of["amount"]["total"]) == (200, "REFUND", total)
    assert transaction_of["transaction_id"] == payment(system, number)["transaction_id"]
    answer = json.loads(refunded[1])
    assert (refunded[0], answer["status"], answer["amount"]["refund"]) == (200, "SUCCESS", 100)
    assert answer["refund_id"] == refund["refund_id"]


def test_the_sdk_repeats_our_refund_under_its_number_and_nothing_more_goes_back(system, sdk):
    """Byte order, spaces and escapes of the two bodies differ; the refund is one."""
    order_sn = book_ahead(system)
    number = pay(system, order_sn)
    ask_refund(system, order_sn, number, 100, f"RFR20261123130000{secrets.randbelow(10**8):08d}")
    [refund] = eventually(
        lambda: [row for row in refunds(system, number) if row["state"] == "succeeded"], what="the refund ended"
    )
    amount = {"refund": 100, "total": payment(system, number)["total_fen"], "currency": "CNY"}

    code, said = sdk.refund(out_refund_no=refund["sn"], out_trade_no=number, amount=amount, reason="again")

    assert (code, json.loads(said)["refund_id"]) == (200, refund["refund_id"])
    assert books(system, number)["refunded"] == 100


def test_a_refund_that_the_sdk_makes_is_not_ours_and_is_flagged_for_review(system, sdk):
    order_sn = book_ahead(system)
    number = pay(system, order_sn)
    amount = {"refund": 100, "total": payment(system, number)["total_fen"], "currency": "CNY"}
    notify = system.environment["WXPAY_NOTIFY_URL"].replace("WxPayCallback", "WxRefundCallback")

    code, _ = sdk.refund(
        out_refund_no="SDK" + secrets.token_hex(10), out_trade_no=number, amount=amount, notify_url=notify
    )

    assert code == 200
    [notice] = eventually(
        lambda: system.rows("payment", "select * from provider_notice where out_trade_no = %s", number), what="a notice"
    )
    assert (notice["reason"], payment(system, number)["refunded_fen"]) == ("refund_unknown", 0)


SPOILS = {
    "nothing": lambda headers, body: (headers, body),
    "signature": lambda headers, body: (
        headers | {"Wechatpay-Signature": headers["Wechatpay-Signature"][:-8] + "AAAAAA=="},
        body,
    ),
    "probe": lambda headers, body: (
        headers | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]},
        body,
    ),
    "nonce": lambda headers, body: (headers | {"Wechatpay-Nonce": "0" * 32}, body),
    "serial": lambda headers, body: (headers | {"Wechatpay-Serial": "0" * 40}, body),
    "body": lambda headers, body: (headers, body.replace(b"SUCCESS", b"SUCCESs")),
    "spaces": lambda headers, body: (headers, json.dumps(json.loads(body), separators=(",", ":")).encode()),
    "newline": lambda headers, body: (headers, body + b"\n"),
    "order": lambda headers, body: (headers, json.dumps(dict(reversed(json.loads(body).items()))).encode()),
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_the_service_believes_exactly_what_the_sdk_believes(system, sdk, spoil):
    order_sn = book_ahead(system)
    number = system.prepay(order_sn)["paymentSn"]
    total = payment(system, number)["total_fen"]
    headers, body = SPOILS[spoil](*callback(system.environment, transaction(system.environment, number, total)))

    judged = believed(sdk, headers, body)

    assert judged == (spoil == "nothing")
    assert taken(system, headers, body) == (204 if judged else 401)
    assert payment(system, number)["pay_status"] == (1 if judged else 0)


def test_what_the_sandbox_really_sends_the_sdk_opens_and_the_service_took(system, sdk):
    """The attempt as it is kept in the sandbox's own log."""
    order_sn = book_ahead(system)
    number = pay(system, order_sn)
    listed = system.wechat.get("/_sim/notifications", params={"out_trade_no": number}).json()["notifications"]
    address = f"/_sim/notifications/{listed[0]['id']}"
    # An attempt is written down when it is over, a moment after the service took it.
    [attempt, *_] = eventually(lambda: system.wechat.get(address).json()["attempts"], what="the attempt is in the log")

    assert attempt["status"] in {200, 204}, attempt
    opened = sdk.callback(attempt["request_headers"], attempt["request_body"])
    assert opened["resource"]["out_trade_no"] == number


def test_the_sdks_pay_sign_and_ours_open_the_same_cashier(system, sdk):
    order_sn = book_ahead(system)
    ours = system.prepay(order_sn)
    signed = [ours["appid"], ours["timestamp"], ours["nonceStr"], ours["package"]]

    assert sdk.sign(signed) == ours["paySign"]


def test_after_a_rotation_callbacks_by_the_new_certificate_settle(system):
    if system.environment["WXPAY_PLATFORM_SERIAL"].startswith("PUB_KEY_ID_"):
        pytest.skip("a merchant in public-key mode has no certificates")
    assert system.wechat.post("/_sim/rotate", json={}).is_success
    order_sn = book_ahead(system)
    number = system.prepay(order_sn)["paymentSn"]
    system.tap_pay(number)

    def settled():
        system.rows("payment", DUE_NOW, number)
        inside(system, "/jobs/payment-query-open")
        return payment(system, number)["pay_status"] == 1

    eventually(settled, what="settled under the new certificate", seconds=60)
