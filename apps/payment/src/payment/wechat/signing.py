"""SHA256-RSA2048 signatures (WeChat Pay: 签名与验签规则). Messages are lines, each ended by a newline, the last as well."""

import base64
import binascii
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_SECONDS = 300
"""How far the time in a signature of WeChat may be from ours, of callbacks and of responses."""
_PADDING, _HASH = PKCS1v15(), hashes.SHA256()


def nonce() -> str:
    """32 hexadecimal digits. A choice for each character would cost as much as verifying a signature."""
    return secrets.token_hex(16).upper()


def message(*lines: str | bytes) -> bytes:
    """`("a", b"b")` → `b"a\\nb\\n"`."""
    return b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)


@dataclass(frozen=True)
class MerchantSigner:
    """Signs as the merchant: API requests, and the parameters of wx.requestPayment."""

    mchid: str
    serial: str
    key: RSAPrivateKey

    @classmethod
    def from_pem(cls, mchid: str, serial: str, pem: str) -> "MerchantSigner":
        """Raises ValueError for anything but an RSA private key."""
        key = serialization.load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("the merchant's key must be an RSA key")
        return cls(mchid, serial, key)

    def sign(self, data: bytes) -> str:
        return base64.b64encode(self.key.sign(data, _PADDING, _HASH)).decode()

    def authorization(self, method: str, target: str, body: bytes, timestamp: int) -> str:
        """The Authorization header; `target` is path and query exactly as sent."""
        once = nonce()
        signature = self.sign(message(method, target, str(timestamp), once, body))
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{once}",timestamp="{timestamp}",'
            f'serial_no="{self.serial}",signature="{signature}"'
        )

    def jsapi_parameters(self, appid: str, prepay_id: str, timestamp: int) -> dict[str, str]:
        """The parameters of wx.requestPayment, and appId (JSAPI 调起支付)."""
        once, package = nonce(), f"prepay_id={prepay_id}"
        return {
            "appId": appid,
            "timeStamp": str(timestamp),
            "nonceStr": once,
            "package": package,
            "signType": "RSA",
            "paySign": self.sign(message(appid, str(timestamp), once, package)),
        }


def is_signed(key: RSAPublicKey, signature: str, data: bytes) -> bool:
    """Whether base64 `signature` is `key`'s over `data`; False for invalid base64, as in WeChat's SIGNTEST probes."""
    try:
        key.verify(base64.b64decode(signature, validate=True), data, _PADDING, _HASH)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
