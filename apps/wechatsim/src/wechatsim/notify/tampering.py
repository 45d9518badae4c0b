"""What the callback-* faults do to a notification before it leaves; without a fault, the plain truth."""

from __future__ import annotations

import json
import secrets
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from wechatsim import wire
from wechatsim.clock import Clock
from wechatsim.signing import crypto, pki, signatures
from wechatsim.signing.keyring import Merchant
from wechatsim.signing.pki import SigningKey


@cache
def _stranger() -> RSAPrivateKey:
    return pki.new_key()


def prepare(
    merchant: Merchant, body: bytes, plaintext: str, number: int, struck: dict[str, float]
) -> tuple[bytes, wire.Headers]:
    """(the body to send, its five Wechatpay-* headers) for attempt `number` under the faults in `struck`."""
    signer = signatures.other_signer(merchant) if "callback-other-key" in struck else merchant.signer()
    if number > 1 or not struck:
        return body, signatures.headers(signer, body)
    body = _resealed(merchant, body, plaintext, struck)
    timestamp = None
    if "callback-old-time" in struck:
        timestamp = int(Clock.real() - struck["callback-old-time"])
    if "callback-bad-signature" in struck:
        signer = SigningKey(signer.serial, _stranger())
    headers = dict(signatures.headers(signer, body, timestamp=timestamp))
    if "callback-signtest" in struck:
        headers["Wechatpay-Signature"] = signatures.signtest()
    if "callback-wrong-serial" in struck:
        headers["Wechatpay-Serial"] = f"{(1 << 156) | secrets.randbits(156):040X}"
    if "callback-bad-body" in struck:
        body = body.replace(b'"create_time":"2', b'"create_time":"3', 1)
    return body, list(headers.items())


def _resealed(merchant: Merchant, body: bytes, plaintext: str, struck: dict[str, float]) -> bytes:
    content: dict[str, Any] = json.loads(plaintext)
    if "callback-wrong-amount" in struck:
        content["amount"]["total"] += 1
    if "callback-wrong-mchid" in struck:
        content["mchid"] = "1999999999"
    if "callback-wrong-appid" in struck:
        content["appid"] = "wx" + "0" * 16
    if "callback-wrong-currency" in struck:
        content["amount"] |= {name: "USD" for name in ("currency", "payer_currency") if name in content["amount"]}
        content["amount"].setdefault("currency", "USD")
    if "callback-unknown-order" in struck:
        content["out_trade_no"] = "UNKNOWN" + crypto.token(16)
    key = crypto.token(32) if "callback-bad-ciphertext" in struck else merchant.apiv3_key
    if key == merchant.apiv3_key and wire.dumps(content) == plaintext.encode():
        return body
    outer: dict[str, Any] = json.loads(body)
    resource = outer["resource"]
    resource["nonce"], resource["ciphertext"] = crypto.seal(key, wire.dumps(content), resource["associated_data"])
    return wire.dumps(outer)
