"""AEAD_AES_256_GCM of callbacks and certificates (WeChat Pay: 证书和回调报文解密)."""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class CannotDecrypt(Exception):
    """Not encrypted with our APIv3 key, or not intact."""


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
