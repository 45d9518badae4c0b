"""The cryptography of WeChat Pay v3 and of the mini program.

See docs/wechat-pay-v3.md §1.1, §1.2, §1.3 and, for the phone number, wechat-pay-v3.md §7.1.
"""

from __future__ import annotations

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_RANDOM = secrets.SystemRandom()
_BLOCK_BITS = 128
# WeChat prescribes the SHA-1 variant of OAEP (wechat-pay-v3.md §1.3).
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - the protocol's hash


class DecryptionError(Exception):
    """A value cannot be decrypted with this key, nonce and associated data."""


def token(length: int) -> str:
    """`length` random letters and digits: nonces (32, or 12 for AES-GCM), codes, keys."""
    return "".join(_RANDOM.choices(_ALPHABET, k=length))


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """RSA PKCS#1 v1.5 with SHA-256 over `message`, as base64 text (wechat-pay-v3.md §1.1)."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def verify(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether base64 `signature` is `key`'s over `message`; False for invalid base64."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def request_message(method: str, target: bytes, timestamp: str, nonce: str, body: bytes) -> bytes:
    """The five signed lines of a request; `target` is path and query exactly as sent (wechat-pay-v3.md §1.1)."""
    return b"\n".join((method.encode(), target, timestamp.encode(), nonce.encode(), body, b""))


def response_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """The three signed lines of a response or a notification (wechat-pay-v3.md §1.2); a 204 has an empty body."""
    return b"\n".join((timestamp.encode(), nonce.encode(), body, b""))


def gcm_encrypt(apiv3_key: str, plaintext: bytes, associated_data: str, nonce: str | None = None) -> tuple[str, str]:
    """AES-256-GCM under the APIv3 key: (12-character nonce, base64 of ciphertext and tag) (wechat-pay-v3.md §1.3)."""
    nonce = token(12) if nonce is None else nonce
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return nonce, base64.b64encode(sealed).decode()


def gcm_decrypt(apiv3_key: str, nonce: str, ciphertext: str, associated_data: str) -> bytes:
    """The inverse of `gcm_encrypt`. Raises DecryptionError for anything that was changed."""
    try:
        return AESGCM(apiv3_key.encode()).decrypt(
            nonce.encode(), base64.b64decode(ciphertext, validate=True), associated_data.encode()
        )
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise DecryptionError from error


def oaep_encrypt(key: RSAPublicKey, text: str) -> str:
    """A sensitive field encrypted for the owner of `key`, base64 (wechat-pay-v3.md §1.3)."""
    return base64.b64encode(key.encrypt(text.encode(), _OAEP)).decode()


def oaep_decrypt(key: RSAPrivateKey, ciphertext: str) -> str:
    """The text of a sensitive field. Raises DecryptionError when it is not for this key."""
    try:
        return key.decrypt(base64.b64decode(ciphertext, validate=True), _OAEP).decode()
    except (binascii.Error, ValueError) as error:
        raise DecryptionError from error


def cbc_encrypt(session_key: str, plaintext: bytes, iv: bytes | None = None) -> tuple[str, str]:
    """AES-128-CBC with PKCS#7, as wx.getPhoneNumber does: (iv, encryptedData), both base64 (wechat-pay-v3.md §7.1)."""
    iv = secrets.token_bytes(16) if iv is None else iv
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(algorithms.AES(base64.b64decode(session_key)), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(padded) + encryptor.finalize()
    return base64.b64encode(iv).decode(), base64.b64encode(sealed).decode()
