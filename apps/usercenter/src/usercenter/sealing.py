"""Encryption at rest: AES-256-GCM under a key of the secret store. A sealed value opens only in the place that it is
for."""

import base64
import binascii
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES, NONCE_BYTES = 32, 12


class CannotOpen(RuntimeError):
    """Sealed under a key that is not held, for another place, or changed since."""


class Seal:
    """The first key seals, every key opens: after a rotation the earlier one stays until all is sealed anew."""

    def __init__(self) -> None:
        self._keys: Sequence[AESGCM] = ()

    def load(self, key: str, *earlier: str) -> None:
        """Keys as base64 of 32 bytes. Raises ValueError for any other."""
        self._keys = [AESGCM(_key(each)) for each in (key, *earlier)]

    def seal(self, text: str, place: str) -> bytes:
        """`place` names where the value is kept, such as `second_factor:7`; it is not part of the result."""
        if not self._keys:
            raise RuntimeError("the key is not loaded")
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._keys[0].encrypt(nonce, text.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Raises CannotOpen."""
        for key in self._keys:
            try:
                return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode()).decode()
            except InvalidTag:
                continue
        raise CannotOpen(f"{place} cannot be opened with the keys that are held")

    def is_current(self, sealed: bytes, place: str) -> bool:
        """Whether the first key opens it: after a rotation what it does not open is to be sealed anew."""
        try:
            self._keys[0].decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except InvalidTag:
            return False
        return True


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        msg = f"the key must be base64 of {KEY_BYTES} bytes"
        raise ValueError(msg)
    return key
