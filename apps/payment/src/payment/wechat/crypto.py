"""Encryption between WeChat and the merchant: AEAD_AES_256_GCM of callbacks and certificates (证书和回调报文解密), and
RSA-OAEP with SHA-1 of sensitive fields (敏感信息加解密)."""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_OAEP = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 - WeChat's choice; OAEP does not need collision resistance


class CannotDecrypt(Exception):
    """Encrypted with another key, or corrupted."""


class CannotEncrypt(Exception):
    """The text is too long for the key: a 2048-bit key encrypts 214 bytes."""


class ApiV3Key:
    """The merchant's 32-byte symmetric key."""

    def __init__(self, key: str) -> None:
        raw = key.encode()
        if len(raw) != 32:
            raise ValueError("the APIv3 key must have 32 bytes")
        self._cipher = AESGCM(raw)

    def decrypt(self, *, nonce: str, ciphertext: str, associated_data: str) -> bytes:
        """The plaintext of base64 `ciphertext` (16-byte tag at its end). Raises CannotDecrypt."""
        try:
            sealed = base64.b64decode(ciphertext, validate=True)
            return self._cipher.decrypt(nonce.encode(), sealed, associated_data.encode())
        except (InvalidTag, binascii.Error, ValueError, UnicodeEncodeError) as error:
            raise CannotDecrypt(type(error).__name__) from error


def seal(key: RSAPublicKey, text: str) -> str:
    """Encrypt a sensitive field for WeChat, base64; the request's Wechatpay-Serial must name `key`. Raises
    CannotEncrypt."""
    try:
        return base64.b64encode(key.encrypt(text.encode(), _OAEP)).decode()
    except ValueError as error:
        raise CannotEncrypt(f"{len(text.encode())} bytes") from error


def unseal(key: RSAPrivateKey, sealed: str) -> str:
    """Decrypt a sensitive field of WeChat's response. Raises CannotDecrypt."""
    try:
        return key.decrypt(base64.b64decode(sealed, validate=True), _OAEP).decode()
    except (binascii.Error, ValueError) as error:
        raise CannotDecrypt(type(error).__name__) from error
