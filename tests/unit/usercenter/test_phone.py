import base64
import json

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given, settings
from hypothesis import strategies as st

from usercenter.errors import WechatDataInvalid, WechatUnavailable
from usercenter.wechat.phone import phone_number

KEY, IV, APPID = b"0123456789abcdef", b"fedcba9876543210", "wx1"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def sealed(plain: bytes) -> str:
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(IV)).encryptor()
    return b64(encryptor.update(padded) + encryptor.finalize())


def opened(document: object) -> str:
    return phone_number(b64(KEY), b64(IV), sealed(json.dumps(document).encode()), APPID)


def test_a_number_at_home_is_eleven_digits():
    document = {
        "phoneNumber": "+8613800000001",
        "purePhoneNumber": "13800000001",
        "countryCode": "86",
        "watermark": {"appid": APPID},
    }
    assert opened(document) == "13800000001"


def test_a_number_abroad_keeps_its_country():
    document = {"purePhoneNumber": "5551234567", "countryCode": 1, "watermark": {"appid": APPID}}
    assert opened(document) == "+15551234567"


@pytest.mark.parametrize(
    "document",
    [
        [],
        5,
        None,
        {},
        {"phoneNumber": "13800000001"},
        {"phoneNumber": "13800000001", "watermark": None},
        {"phoneNumber": "13800000001", "watermark": {"appid": "wx2"}},
        {"phoneNumber": "1380000'001", "watermark": {"appid": APPID}},
        {"phoneNumber": "", "watermark": {"appid": APPID}},
        {"phoneNumber": "13800000001", "countryCode": "x", "watermark": {"appid": APPID}},
        {"phoneNumber": "１３８００００００００１", "watermark": {"appid": APPID}},
    ],
)
def test_what_holds_no_number_for_this_app_is_refused(document):
    with pytest.raises(WechatDataInvalid) as refused:
        opened(document)
    assert refused.value.field == "encryptedData"


@settings(max_examples=60)
@given(st.binary(max_size=96))
def test_no_bytes_whatever_are_more_than_a_refusal(raw):
    with pytest.raises(WechatDataInvalid):
        phone_number(b64(KEY), b64(IV), b64(raw), APPID)


@settings(max_examples=60)
@given(st.binary(max_size=64))
def test_no_plain_text_whatever_is_more_than_a_refusal(plain):
    with pytest.raises(WechatDataInvalid):
        phone_number(b64(KEY), b64(IV), sealed(plain), APPID)


def test_a_session_key_that_is_none_is_wechats_fault():
    with pytest.raises(WechatUnavailable):
        phone_number("c2hvcnQ=", b64(IV), sealed(b"{}"), APPID)
