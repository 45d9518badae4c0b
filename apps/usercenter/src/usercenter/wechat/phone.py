"""Decrypts `encryptedData` of getPhoneNumber: AES-128-CBC with PKCS#7 under the session key; its watermark names the
app."""

import base64
import binascii
import json
import re

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from usercenter.errors import WechatDataInvalid, WechatUnavailable

HOME = "86"


def phone_number(session_key: str, iv: str, encrypted_data: str, appid: str) -> str:
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
        document = json.loads(_decrypt(key, base64.b64decode(iv, validate=True), sealed))
        watermark_appid, country = document["watermark"]["appid"], str(document.get("countryCode") or HOME)
        number = str(document.get("purePhoneNumber") or document["phoneNumber"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise WechatDataInvalid("cannot be decrypted with this code's session key", field="encryptedData") from None
    if watermark_appid != appid:
        raise WechatDataInvalid("its watermark names another app", field="encryptedData")
    if not re.fullmatch(r"[0-9]{4,17}", number) or not re.fullmatch(r"[0-9]{1,4}", country):
        raise WechatDataInvalid("holds no phone number", field="encryptedData")
    return number if country == HOME else f"+{country}{number}"


def _decrypt(key: bytes, iv: bytes, sealed: bytes) -> bytes:
    """Raises ValueError for a wrong length or padding."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    unpadder = PKCS7(algorithms.AES.block_size).unpadder()
    return unpadder.update(padded) + unpadder.finalize()
