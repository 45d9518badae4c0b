import base64
import json
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given, settings
from hypothesis import strategies as st

from servicekit.clock import from_unix, unix
from usercenter.errors import WechatDataInvalid, WechatUnavailable
from usercenter.wechat.phone import phone_number

KEY, IV, APPID = b"0123456789abcdef", b"fedcba9876543210", "wx1"
NOW = from_unix(1_795_000_000)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def sealed(plain: bytes) -> str:
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(IV)).encryptor()
    return b64(encryptor.update(padded) + encryptor.finalize())


def opened(document: object) -> str:
    return phone_number(b64(KEY), b64(IV), sealed(json.dumps(document).encode()), APPID, NOW)


def info(**change: object) -> dict[str, object]:
    """As WeChat makes it; a change to None takes the member out."""
    watermark = {"timestamp": unix(NOW), "appid": APPID}
    made = {"phoneNumber": "13800000001", "purePhoneNumber": "13800000001", "countryCode": "86", "watermark": watermark}
    return {name: value for name, value in (made | change).items() if value is not None}


def at(moment: datetime, appid: str = APPID) -> dict[str, object]:
    return {"timestamp": unix(moment), "appid": appid}


def test_a_number_at_home_is_eleven_digits():
    assert opened(info(phoneNumber="+8613800000001")) == "13800000001"


def test_a_number_abroad_keeps_its_country():
    abroad = info(phoneNumber="+15551234567", purePhoneNumber="5551234567", countryCode=1)
    assert opened(abroad) == "+15551234567"


@pytest.mark.parametrize("minutes", [-10, 10])
def test_data_of_ten_minutes_ago_or_ahead_is_taken(minutes):
    assert opened(info(watermark=at(NOW + timedelta(minutes=minutes)))) == "13800000001"


@pytest.mark.parametrize(
    "document",
    [
        [],
        5,
        None,
        {},
        info(watermark=None),
        info(watermark=[]),
        info(watermark={"appid": APPID}),
        info(watermark=at(NOW, "wx2")),
        info(watermark=at(NOW) | {"timestamp": str(unix(NOW))}),
        info(watermark=at(NOW) | {"timestamp": 10**30}),
        info(watermark=at(NOW) | {"more": 1}),
        info(watermark=at(NOW - timedelta(minutes=10, seconds=1))),
        info(watermark=at(NOW + timedelta(minutes=10, seconds=1))),
        info(phoneNumber=None),
        info(purePhoneNumber=None),
        info(countryCode=None),
        info(purePhoneNumber="13900000009"),
        info(phoneNumber="1380000'001", purePhoneNumber="1380000'001"),
        info(phoneNumber="", purePhoneNumber=""),
        info(phoneNumber=13800000001, purePhoneNumber=13800000001),
        info(countryCode="x"),
        info(phoneNumber="１３８００００００００１", purePhoneNumber="１３８００００００００１"),
        info(nickName="me"),
    ],
)
def test_what_is_not_the_new_document_of_this_app_is_refused(document):
    with pytest.raises(WechatDataInvalid) as refused:
        opened(document)
    assert refused.value.field == "encryptedData"


def test_a_document_spliced_of_a_nickname_is_refused():
    """Of a profile encrypted under the same session key the blocks that are the user's own text: with the block before
    them as `iv` they decrypt to just that."""
    chosen = f'{{"phoneNumber":"13900000009","watermark":{{"appid":"{APPID}"}}}}'
    blocks = base64.b64decode(sealed(f'{{"nickName":"   {chosen}'.encode()))
    assert len('{"nickName":"   ') == 16
    with pytest.raises(WechatDataInvalid):
        phone_number(b64(KEY), b64(blocks[:16]), b64(blocks[16:]), APPID, NOW)


@settings(max_examples=60)
@given(st.binary(max_size=96))
def test_no_bytes_whatever_are_more_than_a_refusal(raw):
    with pytest.raises(WechatDataInvalid):
        phone_number(b64(KEY), b64(IV), b64(raw), APPID, NOW)


@settings(max_examples=60)
@given(st.binary(max_size=64))
def test_no_plain_text_whatever_is_more_than_a_refusal(plain):
    with pytest.raises(WechatDataInvalid):
        phone_number(b64(KEY), b64(IV), sealed(plain), APPID, NOW)


def test_a_session_key_that_is_none_is_wechats_fault():
    with pytest.raises(WechatUnavailable):
        phone_number("c2hvcnQ=", b64(IV), sealed(b"{}"), APPID, NOW)
