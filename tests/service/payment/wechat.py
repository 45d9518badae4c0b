"""A WeChat of the tests' own: answers signed with its key, books that the tests can change, callbacks on demand.

Written apart from the service's signing code, so that one mistake cannot cancel itself out.
"""

import base64
import functools
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from payment.wechat.answers import CALLS
from servicekit.clock import Clock, utc_now

MCHID, APPID, API_V3_KEY, SERIAL = "1900000109", "wxd678efh567hg6787", "k" * 32, "PUB_KEY_ID_0100000001"
OLD, NEW = "5A" * 20, "6B" * 20
"""Serials of platform certificates."""
PAIRS = {serial: rsa.generate_private_key(65537, 2048) for serial in (OLD, NEW)}


def pem_of_private(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def pem_of_public(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@functools.cache
def key_of(whose: str) -> rsa.RSAPrivateKey:
    """The same for all tests: making two for each of five hundred would take a minute."""
    return rsa.generate_private_key(65537, 2048)


def certificate_of(key: rsa.RSAPrivateKey, serial: int) -> bytes:
    """A certificate as PEM, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, start, start + timedelta(days=5 * 365))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def refusal(status: int, code: str, text: str = "") -> httpx.Response:
    """An unsigned answer that WeChat documents for one call or another."""
    assert (status, code) in {(at, word) for call in CALLS for at, word, _ in call.rows}, (
        f"{status} {code}: not WeChat's"
    )
    return httpx.Response(status, json={"code": code, "message": text})


@dataclass
class FakeWechat(httpx.AsyncBaseTransport):
    """`orders` are WeChat's books by out_trade_no; `fail_with` makes the next answers something else."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: key_of("wechat"))
    merchant: rsa.RSAPrivateKey = field(default_factory=lambda: key_of("merchant"))
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    fail_with: list[httpx.Response | Exception] = field(default_factory=list)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By out_refund_no; what `refund_ends` says is what a new one becomes."""
    refund_ends: str = "PROCESSING"
    sent_elsewhere: list[dict[str, Any]] = field(default_factory=list)
    """What abnormal refunds were given as another way, sensitive fields opened."""
    certificates: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    """Platform certificates by serial; without any, the merchant is in public-key mode."""
    signs_with: str = SERIAL
    clock: Clock = utc_now
    """Of its signatures."""
    lose_answers: int = 0
    """So many next requests are carried out, and their answers lost on the way."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.fail_with:
            failure = self.fail_with.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        answer = self._answer(request)
        if self.lose_answers:
            self.lose_answers -= 1
            raise httpx.ReadTimeout("the answer is lost")
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:  # noqa: PLR0911 - one an endpoint
        path, body = request.url.path, request.content
        if path.endswith("/apply-abnormal-refund"):
            return self._refund_elsewhere(path.split("/")[5], json.loads(body), request.headers["Wechatpay-Serial"])
        if path.startswith("/v3/refund/domestic/refunds"):
            return self._refund(json.loads(body)) if body else self._refund_shown(path.rpartition("/")[2])
        if path == "/v3/pay/transactions/jsapi":
            return self._prepay(json.loads(body))
        if path == "/v3/certificates" and self.certificates:
            return self._signed(
                200, json.dumps({"data": [self._sealed(*each) for each in enumerate(self.certificates, 1)]}).encode()
            )
        if path == "/v3/certificates":  # a merchant of the public-key mode has none
            return self._error(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书")
        number = path.split("/")[5]
        order = self.orders.get(number)
        if path.endswith("/close"):
            if order and order["trade_state"] == "SUCCESS":
                return self._error(400, "ORDERPAID", "该订单已支付")
            self.orders.setdefault(number, {"out_trade_no": number})["trade_state"] = "CLOSED"
            return self._signed(204, b"")
        if order is None:
            return self._error(404, "ORDER_NOT_EXIST", "订单不存在")
        return self._signed(200, json.dumps(self.transaction(number)).encode())

    def _prepay(self, order: dict[str, Any]) -> httpx.Response:
        known = self.orders.get(order["out_trade_no"])
        if known and known["trade_state"] != "NOTPAY":
            code = "ORDERPAID" if known["trade_state"] == "SUCCESS" else "ORDER_CLOSED"
            return self._error(400, code, "不能再次下单")
        self.orders[order["out_trade_no"]] = {**order, "trade_state": "NOTPAY"}
        return self._signed(200, json.dumps({"prepay_id": "wx" + order["out_trade_no"]}).encode())

    def _sealed(self, day: int, serial: str) -> dict[str, Any]:
        pem = certificate_of(self.certificates[serial], int(serial, 16))
        once = secrets.token_hex(6)
        sealed = AESGCM(API_V3_KEY.encode()).encrypt(once.encode(), pem, b"certificate")
        return {
            "serial_no": serial,
            "effective_time": f"2026-01-{day:02d}T00:00:00+08:00",
            "expire_time": "2031-01-01T00:00:00+08:00",
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": once,
                "associated_data": "certificate",
                "ciphertext": base64.b64encode(sealed).decode(),
            },
        }

    def _refund(self, wanted: dict[str, Any]) -> httpx.Response:
        number, order = wanted["out_refund_no"], self.orders.get(wanted["out_trade_no"], {})
        if order.get("trade_state") not in {"SUCCESS", "REFUND"}:
            return self._error(400, "INVALID_REQUEST", "订单未支付")
        taken = sum(each["amount"]["refund"] for each in self.refunds.values() if each["status"] != "CLOSED")
        known = self.refunds.get(number)
        if known is None and taken + wanted["amount"]["refund"] > order["amount"]["total"]:
            return self._error(400, "INVALID_REQUEST", "申请退款金额大于可退金额")
        if known is None:
            self.refunds[number] = {
                "refund_id": "5030" + number[-24:],
                "out_refund_no": number,
                "transaction_id": order["transaction_id"],
                "out_trade_no": wanted["out_trade_no"],
                "channel": "ORIGINAL",
                "user_received_account": "支付用户零钱",
                "create_time": "2026-11-23T10:00:00+08:00",
                "status": self.refund_ends,
                "amount": wanted["amount"] | {"payer_refund": max(0, wanted["amount"]["refund"] - 1)},
            }
        return self._refund_shown(number)

    def _refund_shown(self, number: str) -> httpx.Response:
        refund = self.refunds.get(number)
        if refund is None:
            return self._error(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return self._signed(200, json.dumps(refund).encode())

    def _refund_elsewhere(self, refund_id: str, wanted: dict[str, Any], serial: str) -> httpx.Response:
        refund = self.refunds.get(wanted["out_refund_no"])
        if refund is None or refund["refund_id"] != refund_id:
            return self._error(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        if refund["status"] != "ABNORMAL":
            return self._error(400, "INVALID_REQUEST", "退款单状态不是退款异常")
        key = self.certificates.get(serial) or (self.key if serial == SERIAL else None)
        if key is None:
            return self._error(400, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误")
        sealing = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - WeChat's choice
        self.sent_elsewhere.append(
            {
                name: key.decrypt(base64.b64decode(value), sealing).decode()
                if name in {"bank_account", "real_name"}
                else value
                for name, value in wanted.items()
            }
        )
        refund["status"] = "PROCESSING"
        return self._refund_shown(wanted["out_refund_no"])

    def held(self, number: str) -> int:
        """What WeChat still holds of an order, in fen."""
        ended = (each for each in self.refunds.values() if each["out_trade_no"] == number)
        order = self.orders[number]
        total = order["amount"]["total"] if "transaction_id" in order else 0
        return total - sum(each["amount"]["refund"] for each in ended if each["status"] == "SUCCESS")

    def refund_notice(self, number: str, status: str, **changes: Any):
        """End a refund; answers headers and body of its notification."""
        refund = self.refunds[number]
        refund["status"] = status
        content = {
            "mchid": MCHID,
            "out_trade_no": refund["out_trade_no"],
            "transaction_id": refund["transaction_id"],
            "out_refund_no": number,
            "refund_id": refund["refund_id"],
            "refund_status": status,
            "user_received_account": refund["user_received_account"],
            "amount": refund["amount"],
        }
        if status == "SUCCESS":
            content["success_time"] = "2026-11-23T10:00:05+08:00"
        return self.callback(content | changes, event=f"REFUND.{status}")

    def pay(self, number: str) -> None:
        """The buyer pays: from here on WeChat holds the money."""
        self.orders[number] |= {"trade_state": "SUCCESS", "transaction_id": "4200" + number[-24:].rjust(24, "0")}

    def transaction(self, number: str, **changes: Any) -> dict[str, Any]:
        order = self.orders[number]
        content = {
            "mchid": MCHID,
            "appid": APPID,
            "out_trade_no": number,
            "trade_state": order["trade_state"],
            "trade_state_desc": "",
            "amount": {"total": 1, "currency": "CNY"} | order.get("amount", {}),
        }
        if order["trade_state"] == "SUCCESS":
            content |= {
                "transaction_id": order["transaction_id"],
                "success_time": "2026-11-23T09:31:20+08:00",
                "bank_type": "OTHERS",
                "trade_type": "JSAPI",
                "payer": order["payer"],
                "attach": order["attach"],
            }
            content["amount"]["payer_total"] = max(0, content["amount"]["total"] - 1)  # a coupon paid one fen
        return content | changes

    def callback(self, content: Any, *, event: str = "TRANSACTION.SUCCESS", at: float | None = None, **wrong: str):
        """Headers and body of a notification; `wrong` replaces headers. Bytes are sealed as they are."""
        once = secrets.token_hex(6)
        plaintext = content if isinstance(content, bytes) else json.dumps(content).encode()
        sealed = AESGCM(API_V3_KEY.encode()).encrypt(once.encode(), plaintext, b"transaction")
        body = json.dumps(
            {
                "id": str(uuid4()),
                "create_time": "2026-11-23T09:31:20+08:00",
                "resource_type": "encrypt-resource",
                "event_type": event,
                "summary": "支付成功",
                "resource": {
                    "original_type": "transaction",
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": base64.b64encode(sealed).decode(),
                    "associated_data": "transaction",
                    "nonce": once,
                },
            }
        ).encode()
        return self.signature_headers(body, at) | wrong, body

    def signature_headers(self, body: bytes, at: float | None = None) -> dict[str, str]:
        stamp, once = str(int(at or self.clock().timestamp())), secrets.token_hex(16)
        text = f"{stamp}\n{once}\n".encode() + body + b"\n"
        signature = self.certificates.get(self.signs_with, self.key).sign(text, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": once,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Serial": self.signs_with,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def _signed(self, status: int, body: bytes) -> httpx.Response:
        headers = self.signature_headers(body) | {"Content-Type": "application/json; charset=utf-8"}
        return httpx.Response(status, content=body, headers=headers)

    def _error(self, status: int, code: str, text: str) -> httpx.Response:
        return refusal(status, code, text)
