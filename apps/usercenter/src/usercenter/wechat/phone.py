"""Decrypts `encryptedData` of getPhoneNumber: AES-128-CBC with PKCS#7 under the session key; its watermark names the
app and the time.

CBC guards nothing: who signs in chooses `iv`, and can put together blocks of all that WeChat has encrypted under the same
session key, a nickname of their choice too. So only the very document that WeChat makes is taken, and only a new one.
"""

import base64
import binascii
import re
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from servicekit.clock import from_unix
from usercenter.errors import WechatDataInvalid, WechatUnavailable

HOME = "86"
NEW = timedelta(minutes=10)
"""How far the watermark's time may be from ours: a sign-in's code lives for five minutes."""


class _Exact(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class _Watermark(_Exact):
    timestamp: int
    appid: str


class _PhoneInfo(_Exact):
    phone_number: str
    pure_phone_number: str
    country_code: str | int
    watermark: _Watermark


def phone_number(session_key: str, iv: str, encrypted_data: str, appid: str, now: datetime) -> str:
    """The user's number: eleven digits in China, else `+<country><number>`. Raises WechatDataInvalid;
    WechatUnavailable for an unusable session key."""
    try:
        key = base64.b64decode(session_key, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 16:
        raise WechatUnavailable("jscode2session: the session key is invalid")
    try:
        sealed = base64.b64decode(encrypted_data, validate=True)
        info = _PhoneInfo.model_validate_json(_decrypt(key, base64.b64decode(iv, validate=True), sealed))
        made_at = from_unix(info.watermark.timestamp)
    except (ValueError, OverflowError, OSError):
        raise WechatDataInvalid("cannot be decrypted with this code's session key", field="encryptedData") from None
    number, country = info.pure_phone_number, str(info.country_code)
    if info.watermark.appid != appid:
        raise WechatDataInvalid("its watermark names another app", field="encryptedData")
    if abs(now - made_at) > NEW:
        raise WechatDataInvalid("its watermark names another time", field="encryptedData")
    if (
        not info.phone_number.endswith(number)
        or not re.fullmatch(r"[0-9]{4,17}", number)
        or not re.fullmatch(r"[0-9]{1,4}", country)
    ):
        raise WechatDataInvalid("holds no phone number", field="encryptedData")
    return number if country == HOME else f"+{country}{number}"


def _decrypt(key: bytes, iv: bytes, sealed: bytes) -> bytes:
    """Raises ValueError for a wrong length or padding."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    unpadder = PKCS7(algorithms.AES.block_size).unpadder()
    return unpadder.update(padded) + unpadder.finalize()
