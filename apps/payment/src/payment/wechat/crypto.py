"""Encryption between WeChat and the merchant: AEAD_AES_256_GCM of callbacks and certificates (证书和回调报文解密), and
RSA-OAEP with SHA-1 of sensitive fields (敏感信息加解密)."""

import base64
import binascii
import contextlib

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
    """The merchant's 32-byte symmetric key. While it is being replaced also the other one, of before or to come: WeChat
    encrypts with the new one from the moment it is set there, and repeats callbacks for a day."""

    def __init__(self, key: str, other: str = "") -> None:
        self._ciphers = tuple(map(_cipher, filter(None, (key, other))))

    def replace_by(self, key: "ApiV3Key") -> None:
        self._ciphers = key._ciphers  # noqa: SLF001 - of the same class

    def decrypt(self, *, nonce: str, ciphertext: str, associated_data: str) -> bytes:
        """The plaintext of base64 `ciphertext` (16-byte tag at its end). Raises CannotDecrypt."""
        try:
            sealed, once, data = base64.b64decode(ciphertext, validate=True), nonce.encode(), associated_data.encode()
            for cipher in self._ciphers[:-1]:
                with contextlib.suppress(InvalidTag):
                    return cipher.decrypt(once, sealed, data)
            return self._ciphers[-1].decrypt(once, sealed, data)
        except (InvalidTag, binascii.Error, ValueError, UnicodeEncodeError) as error:
            raise CannotDecrypt(type(error).__name__) from error


def _cipher(key: str) -> AESGCM:
    raw = key.encode()
    if len(raw) != 32:
        raise ValueError("the APIv3 key must have 32 bytes")
    return AESGCM(raw)


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
