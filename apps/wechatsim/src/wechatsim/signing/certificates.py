"""GET /v3/certificates: the certificates that sign now or soon, encrypted with the APIv3 key (wechat-pay-v3.md §1.3)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from wechatsim.clock import rfc3339
from wechatsim.errors import PayError
from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant

_NONE = (
    "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。可查看指引"
    "https://pay.weixin.qq.com/docs/merchant/products/platform-certificate/wxp-pub-key-guide.html"
)


def listing(merchant: Merchant) -> dict[str, Any]:
    """{"data": […]}; 404 RESOURCE_NOT_EXISTS for a merchant in public-key mode."""
    if merchant.key_mode == "pubkey":
        raise PayError(HTTPStatus.NOT_FOUND, "RESOURCE_NOT_EXISTS", _NONE)
    data = []
    for certificate in merchant.listed():
        if certificate.effective_at is None or certificate.expire_at is None:
            continue
        nonce, ciphertext = crypto.gcm_encrypt(merchant.apiv3_key, certificate.cert_pem.encode(), "certificate")
        data.append(
            {
                "serial_no": certificate.serial,
                "effective_time": rfc3339(certificate.effective_at.timestamp()),
                "expire_time": rfc3339(certificate.expire_at.timestamp()),
                "encrypt_certificate": {
                    "algorithm": "AEAD_AES_256_GCM",
                    "nonce": nonce,
                    "associated_data": "certificate",
                    "ciphertext": ciphertext,
                },
            }
        )
    return {"data": data}
