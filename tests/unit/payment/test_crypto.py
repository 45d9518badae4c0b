"""Signing and encryption, held against `cryptography` itself and against wechatpayv3's own functions."""

import base64
import json
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpayv3 import utils as sdk

from payment.wechat.crypto import ApiV3Key, CannotDecrypt, CannotEncrypt, seal, unseal
from payment.wechat.signing import MerchantSigner, is_signed, message

KEY, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
API_V3 = "k" * 32
SIGNER = MerchantSigner("1900000109", "7" * 40, KEY)
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 - WeChat's


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["GET", "POST"]), st.text("/v3abc?=&%7C", min_size=1, max_size=40), st.binary(max_size=200))
def test_an_authorization_verifies_over_the_very_bytes_that_are_sent(method, target, body):
    header = SIGNER.authorization(method, target, body, 1_700_000_000)

    scheme, _, rest = header.partition(" ")
    parts = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    signed = f"{method}\n{target}\n{parts['timestamp']}\n{parts['nonce_str']}\n".encode() + body + b"\n"
    KEY.public_key().verify(base64.b64decode(parts["signature"]), signed, padding.PKCS1v15(), hashes.SHA256())
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert (parts["mchid"], parts["serial_no"]) == ("1900000109", "7" * 40)
    assert len(parts["nonce_str"]) == 32


@settings(max_examples=40, deadline=None)
@given(TEXT)
def test_what_we_sign_the_sdk_verifies_and_the_other_way_round(body):
    stamp, nonce = "1700000000", "593BEC0C930BF1AFEB40B4A08C8FB242"
    ours = SIGNER.sign(message(stamp, nonce, body))
    theirs = sdk.rsa_sign(KEY, f"{stamp}\n{nonce}\n{body}\n")

    assert sdk.rsa_verify(stamp, nonce, body, ours, KEY.public_key())
    assert is_signed(KEY.public_key(), theirs, message(stamp, nonce, body.encode()))
    assert not is_signed(OTHER.public_key(), theirs, message(stamp, nonce, body.encode()))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400) | st.binary(max_size=260).map(lambda raw: base64.b64encode(raw).decode()))
def test_no_text_is_taken_for_a_signature(signature):
    assert is_signed(KEY.public_key(), signature, b"data") is False
    assert is_signed(KEY.public_key(), "WECHATPAY/SIGNTEST/" + signature, b"data") is False


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=300), st.text("abcdef0123456789", min_size=12, max_size=12), TEXT)
def test_what_wechat_seals_with_the_api_v3_key_we_and_the_sdk_open(text, nonce, data):
    sealed = base64.b64encode(AESGCM(API_V3.encode()).encrypt(nonce.encode(), text.encode(), data.encode())).decode()

    assert ApiV3Key(API_V3).decrypt(nonce=nonce, ciphertext=sealed, associated_data=data) == text.encode()
    assert sdk.aes_decrypt(nonce, sealed, data, API_V3) == text
    with pytest.raises(CannotDecrypt):
        ApiV3Key("x" * 32).decrypt(nonce=nonce, ciphertext=sealed, associated_data=data)


@pytest.mark.parametrize("sealed_with", ["n" * 32, API_V3])
def test_while_a_key_is_replaced_what_either_has_sealed_is_opened_and_nothing_else(sealed_with):
    nonce, data = "abcdef012345", "transaction"

    def sealed(key):
        return base64.b64encode(AESGCM(key.encode()).encrypt(nonce.encode(), b"content", data.encode())).decode()

    both = ApiV3Key("n" * 32, API_V3)
    assert both.decrypt(nonce=nonce, ciphertext=sealed(sealed_with), associated_data=data) == b"content"
    with pytest.raises(CannotDecrypt):
        both.decrypt(nonce=nonce, ciphertext=sealed("x" * 32), associated_data=data)
    both.replace_by(ApiV3Key("x" * 32))
    assert both.decrypt(nonce=nonce, ciphertext=sealed("x" * 32), associated_data=data) == b"content"
    with pytest.raises(CannotDecrypt):
        both.decrypt(nonce=nonce, ciphertext=sealed(sealed_with), associated_data=data)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_no_ciphertext_makes_anything_but_a_refusal(sealed, nonce, data):
    with pytest.raises(CannotDecrypt):
        ApiV3Key(API_V3).decrypt(nonce=nonce, ciphertext=sealed, associated_data=data)


@settings(max_examples=25, deadline=None)
@given(TEXT.filter(lambda text: len(text.encode()) <= 214))
def test_a_sensitive_field_is_opened_by_who_it_is_for_alone(text):
    ours, theirs = seal(KEY.public_key(), text), sdk.rsa_encrypt(text, KEY.public_key())

    assert KEY.decrypt(base64.b64decode(ours), OAEP).decode() == text
    assert sdk.rsa_decrypt(ours, KEY) == unseal(KEY, theirs) == text
    with pytest.raises(CannotDecrypt):
        unseal(OTHER, ours)


def test_a_field_that_is_too_long_is_refused_by_its_length():
    with pytest.raises(CannotEncrypt, match="215 bytes"):
        seal(KEY.public_key(), "a" * 215)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=400))
def test_no_text_is_taken_for_a_sealed_field(text):
    with pytest.raises(CannotDecrypt):
        unseal(KEY, text)


def test_the_cashiers_parameters_are_signed_as_wechats_sample_is():
    parameters = SIGNER.jsapi_parameters("wx2421b1c4370ec43b", "wx201410272009395522657a690389285100", 1554208460)

    lines = (parameters[name] for name in ("appId", "timeStamp", "nonceStr", "package"))
    assert parameters["package"] == "prepay_id=wx201410272009395522657a690389285100"
    assert is_signed(KEY.public_key(), parameters["paySign"], "".join(f"{line}\n" for line in lines).encode())
    assert json.dumps(parameters)
