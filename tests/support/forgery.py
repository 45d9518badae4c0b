"""Callbacks signed with the sandbox's own platform key: what WeChat could send, right or subtly wrong."""

import base64
import functools
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def transaction(environment: Mapping[str, str], out_trade_no: str, total_fen: int, **changes: Any) -> dict[str, Any]:
    return {
        "mchid": environment["WXPAY_MCHID"],
        "appid": environment["WXPAY_APPID"],
        "out_trade_no": out_trade_no,
        "transaction_id": "4200" + secrets.token_hex(12)[:24],
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": "2026-11-23T09:31:20+08:00",
        "payer": {"openid": environment["WXPAY_OPENID"]},
        "amount": {"total": total_fen, "payer_total": total_fen, "currency": "CNY", "payer_currency": "CNY"},
    } | changes


def callback(environment: Mapping[str, str], content: Any) -> tuple[dict[str, str], bytes]:
    """Headers and body, truly signed and encrypted."""
    once = secrets.token_hex(6)
    sealed = AESGCM(environment["WXPAY_APIV3_KEY"].encode()).encrypt(
        once.encode(), json.dumps(content).encode(), b"transaction"
    )
    body = json.dumps(
        {
            "id": str(uuid4()),
            "create_time": "2026-11-23T09:31:20+08:00",
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
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
    key = _private_key(Path(environment["WXPAY_PLATFORM_PRIVATE_KEY_FILE"]).read_bytes())
    stamp, nonce = str(int(time.time())), secrets.token_hex(16)
    signature = key.sign(f"{stamp}\n{nonce}\n".encode() + body + b"\n", padding.PKCS1v15(), hashes.SHA256())
    return {
        "Content-Type": "application/json",
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
        "Wechatpay-Serial": environment["WXPAY_PLATFORM_SERIAL"],
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }, body


def deliver(environment: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> httpx.Response:
    """To the address that WeChat was told for its callbacks."""
    return httpx.post(environment["WXPAY_NOTIFY_URL"], content=body, headers=dict(headers), timeout=20)


@functools.cache
def _private_key(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
