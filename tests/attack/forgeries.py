"""What WeChat did not say, and what it said of something else: at the door that its callbacks come through."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.attack.report import Attempt
from tests.attack.target import Target
from tests.support.forgery import callback, deliver, transaction

UNPAID = 0
SIGNATURE, NOT_SIGNED = "Wechatpay-Signature", frozenset({401})
MISFITS: Mapping[str, dict[str, Any]] = {
    "another merchant": {"mchid": "1999999999"},
    "another app": {"appid": "wx0000000000000000"},
    "one fen less": {"amount": {"total": 1, "payer_total": 1, "currency": "CNY", "payer_currency": "CNY"}},
    "another currency": {"amount": {"total": 100, "payer_total": 100, "currency": "JPY", "payer_currency": "JPY"}},
    "another payer": {"payer": {"openid": "oSomebodyElse"}},
    "no transaction": {"transaction_id": None},
    "another order": {"attach": "HSO2026112309302600000000"},
}
"""Truly signed, and not ours: kept for review, nothing changes. An attack of who has WeChat's key, or a mix-up."""


def attempts(target: Target) -> Iterator[Attempt]:
    _, payment_sn = target.unpaid
    content = transaction(target.system.environment, payment_sn, _total(target, payment_sn))
    for what, (headers, body) in _unsigned(target, content).items():
        yield _attempt(target, what, headers, body, NOT_SIGNED)
    for what, changes in MISFITS.items():
        headers, body = callback(target.system.environment, content | changes)
        yield _attempt(target, f"signed, of {what}", headers, body, frozenset({204, 400}))
    yield from _replay(target)


def _unsigned(target: Target, content: dict[str, Any]) -> dict[str, tuple[dict[str, str], bytes]]:
    headers, body = callback(target.system.environment, content)
    stamp, true = int(headers["Wechatpay-Timestamp"]), headers["Wechatpay-Signature"]
    told = json.loads(body)

    def told_otherwise(**changes: Any) -> bytes:
        return json.dumps(told | changes).encode()

    return {
        "no header at all": ({"Content-Type": "application/json"}, body),
        "no signature": ({name: value for name, value in headers.items() if name != SIGNATURE}, body),
        "another key's signature": (headers | {SIGNATURE: _signed_by_another(headers, body)}, body),
        "an altered signature": (headers | {SIGNATURE: true[:-8] + "AAAAAA=="}, body),
        "a probe's signature": (headers | {SIGNATURE: "WECHATPAY/SIGNTEST/" + true}, body),
        "another serial": (headers | {"Wechatpay-Serial": "0" * 40}, body),
        "a serial that is a path": (headers | {"Wechatpay-Serial": "../../key"}, body),
        "a nonce of another": (headers | {"Wechatpay-Nonce": "another"}, body),
        "ten minutes ago": (headers | {"Wechatpay-Timestamp": str(stamp - 600)}, body),
        "in ten minutes": (headers | {"Wechatpay-Timestamp": str(stamp + 600)}, body),
        "no time": (headers | {"Wechatpay-Timestamp": "never"}, body),
        "a changed body": (headers, told_otherwise(event_type="TRANSACTION.CLOSED")),
        "another resource": (headers, told_otherwise(resource=told["resource"] | {"nonce": "0" * 12})),
        "plain content": (headers, json.dumps(content).encode()),
        "a space more": (headers, body + b" "),
        "nothing": (headers, b""),
        "sixty thousand spaces more": (headers, body + b" " * 60_000),
    }


def _signed_by_another(headers: Mapping[str, str], body: bytes) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    message = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
    signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def _attempt(target: Target, what: str, headers: Mapping[str, str], body: bytes, expected: frozenset[int]) -> Attempt:
    order_sn, payment_sn = target.unpaid
    answered = deliver(target.system.environment, headers, body).status_code
    [row] = target.system.rows("payment", "select pay_status, version from third_payment where sn = %s", payment_sn)
    damage = "" if row["pay_status"] == UNPAID else f"{order_sn} counts as paid"
    return Attempt("forgeries", what, expected, answered, damage)


def _replay(target: Target) -> Iterator[Attempt]:
    """A true callback once more, word for word: acknowledged, and without effect."""
    _, payment_sn, _ = target.paid
    query = "select * from third_payment where sn = %s"
    [row] = target.system.rows("payment", query, payment_sn)
    content = transaction(
        target.system.environment,
        payment_sn,
        row["total_fen"],
        transaction_id=row["transaction_id"],
        attach=row["order_sn"],
    )
    headers, body = callback(target.system.environment, content)
    for time in ("once", "twice", "three times"):
        answered = deliver(target.system.environment, headers, body).status_code
        [after] = target.system.rows("payment", query, payment_sn)
        damage = "" if after == row else "a settled payment changed"
        yield Attempt("forgeries", f"a settled payment's callback, {time}", {204}, answered, damage)


def _total(target: Target, payment_sn: str) -> int:
    [row] = target.system.rows("payment", "select total_fen from third_payment where sn = %s", payment_sn)
    return int(row["total_fen"])
