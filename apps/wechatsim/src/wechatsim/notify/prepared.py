"""What is sent of a notification: its body and its signature, changed by the callback-* faults, or as they are."""

from __future__ import annotations

import json
import secrets
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from wechatsim import wire
from wechatsim.signing import crypto, pki, signatures
from wechatsim.signing.keyring import Merchant
from wechatsim.signing.pki import SigningKey


@cache
def _unknown_key() -> RSAPrivateKey:
    return pki.new_key()


def prepare(
    merchant: Merchant, body: bytes, plaintext: str, number: int, callback_faults: dict[str, float]
) -> tuple[bytes, wire.Headers]:
    """(the body to send, its five Wechatpay-* headers) for attempt `number` under the faults in `callback_faults`."""
    signer = signatures.other_signer(merchant) if "callback-other-key" in callback_faults else merchant.signer()
    if number > 1 or not callback_faults:
        return body, signatures.headers(signer, body, merchant.clock.real())
    body = _reencrypted(merchant, body, plaintext, callback_faults)
    timestamp = merchant.clock.real() - callback_faults.get("callback-old-time", 0.0)
    if "callback-bad-signature" in callback_faults:
        signer = SigningKey(signer.serial, _unknown_key())
    headers = dict(signatures.headers(signer, body, timestamp))
    if "callback-signtest" in callback_faults:
        headers["Wechatpay-Signature"] = signatures.signtest()
    if "callback-wrong-serial" in callback_faults:
        headers["Wechatpay-Serial"] = f"{(1 << 156) | secrets.randbits(156):040X}"
    if "callback-bad-body" in callback_faults:
        body = body.replace(b'"create_time":"2', b'"create_time":"3', 1)
    return body, list(headers.items())


def _reencrypted(merchant: Merchant, body: bytes, plaintext: str, callback_faults: dict[str, float]) -> bytes:
    content: dict[str, Any] = json.loads(plaintext)
    if "callback-wrong-amount" in callback_faults:
        content["amount"]["total"] += 1
    if "callback-wrong-mchid" in callback_faults:
        content["mchid"] = "1999999999"
    if "callback-wrong-appid" in callback_faults:
        content["appid"] = "wx" + "0" * 16
    if "callback-wrong-currency" in callback_faults:
        content["amount"] |= {name: "USD" for name in ("currency", "payer_currency") if name in content["amount"]}
        content["amount"].setdefault("currency", "USD")
    if "callback-unknown-order" in callback_faults:
        content["out_trade_no"] = "UNKNOWN" + crypto.token(16)
    key = crypto.token(32) if "callback-bad-ciphertext" in callback_faults else merchant.apiv3_key
    if key == merchant.apiv3_key and wire.dumps(content) == plaintext.encode():
        return body
    outer: dict[str, Any] = json.loads(body)
    resource = outer["resource"]
    resource["nonce"], resource["ciphertext"] = crypto.gcm_encrypt(
        key, wire.dumps(content), resource["associated_data"]
    )
    return wire.dumps(outer)
