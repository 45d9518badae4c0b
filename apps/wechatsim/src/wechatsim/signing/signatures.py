"""Signature headers of responses and notifications, and the signature faults of both (wechat-pay-v3.md §1.2)."""

from __future__ import annotations

import base64
import secrets

from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant
from wechatsim.signing.pki import SigningKey
from wechatsim.wire import Headers

SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"
SIGNTEST = "WECHATPAY/SIGNTEST/"


def headers(signer: SigningKey, body: bytes, timestamp: float) -> Headers:
    """The five Wechatpay-* headers over `body`; `timestamp` is in seconds of real time (`Clock.real`)."""
    stamp = str(int(timestamp))
    nonce = crypto.token(32)
    return [
        ("Wechatpay-Nonce", nonce),
        ("Wechatpay-Signature", crypto.sign(signer.key, crypto.response_message(stamp, nonce, body))),
        ("Wechatpay-Timestamp", stamp),
        ("Wechatpay-Serial", signer.serial),
        ("Wechatpay-Signature-Type", SIGNATURE_TYPE),
    ]


def other_signer(merchant: Merchant) -> SigningKey:
    """The key of the other mode, as it signs while a merchant changes over (wechat-pay-v3.md §1.3)."""
    return merchant.current() if merchant.key_mode == "pubkey" else merchant.public_key_signer


def signtest() -> str:
    """A SIGNTEST signature, which never verifies (wechat-pay-v3.md §1.2).

    About half of them are not valid base64, as real ones sometimes are not.
    """
    whole = SIGNTEST + base64.b64encode(secrets.token_bytes(256)).decode()[len(SIGNTEST) :]
    return whole if secrets.randbelow(2) else whole.rstrip("=")[:-1]
