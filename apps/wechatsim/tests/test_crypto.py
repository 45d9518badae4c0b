"""Signing and encryption, compared with `cryptography` itself, for any input."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from wechatsim.signing import crypto, pki

KEY = pki.new_key()
OTHER = pki.new_key()
APIV3 = st.text("ABCDEFabcdef0123456789", min_size=32, max_size=32)


@given(st.binary(max_size=2000))
def test_a_signature_is_pkcs1_sha256_and_fails_for_another_key_or_message(message: bytes) -> None:
    signature = crypto.sign(KEY, message)
    KEY.public_key().verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())
    assert crypto.verify(KEY.public_key(), message, signature)
    assert not crypto.verify(KEY.public_key(), message + b"\n", signature)
    assert not crypto.verify(OTHER.public_key(), message, signature)


@given(st.text(max_size=400))
def test_any_text_as_signature_is_invalid_not_a_crash(signature: str) -> None:
    assert not crypto.verify(KEY.public_key(), b"message", signature)


@given(APIV3, st.binary(max_size=2000), st.sampled_from(["", "transaction", "refund", "certificate"]))
def test_encryption_is_aes_256_gcm_with_text_nonce(key: str, plaintext: bytes, associated: str) -> None:
    nonce, sealed = crypto.gcm_encrypt(key, plaintext, associated)
    assert len(nonce) == 12
    assert AESGCM(key.encode()).decrypt(nonce.encode(), base64.b64decode(sealed), associated.encode()) == plaintext
    assert crypto.gcm_decrypt(key, nonce, sealed, associated) == plaintext
    with pytest.raises(crypto.DecryptionError):
        crypto.gcm_decrypt(key, nonce, sealed, associated + "x")


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=500))
def test_phone_data_is_aes_128_cbc_with_pkcs7(session: bytes, plaintext: bytes) -> None:
    iv, sealed = crypto.cbc_encrypt(base64.b64encode(session).decode(), plaintext)
    decryptor = Cipher(algorithms.AES(session), modes.CBC(base64.b64decode(iv))).decryptor()
    padded = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
    assert padded[: -padded[-1]] == plaintext
    assert padded[-padded[-1] :] == bytes([padded[-1]]) * padded[-1]


@given(st.text(max_size=50))
def test_a_sensitive_field_is_decrypted_by_its_key_only(text: str) -> None:
    sealed = crypto.oaep_encrypt(KEY.public_key(), text)
    assert crypto.oaep_decrypt(KEY, sealed) == text
    with pytest.raises(crypto.DecryptionError):
        crypto.oaep_decrypt(OTHER, sealed)


def test_messages_have_five_and_three_lines() -> None:
    message = crypto.request_message("GET", b"/v3/certificates", "1554208460", "N", b"")
    assert message == b"GET\n/v3/certificates\n1554208460\nN\n\n"
    assert crypto.response_message("1554208460", "N", b"{}") == b"1554208460\nN\n{}\n"


def test_serials_have_forty_digits_and_no_leading_zero() -> None:
    for _ in range(50):
        serial = pki.certificate_serial(pki.new_certificate(KEY, "x"))
        assert re.fullmatch(r"[1-9A-F][0-9A-F]{39}", serial)
