"""What an editor or `echo` leaves around a secret is no part of it; what is wrong in one is named, never shown."""

import pytest

from servicekit.secrets import BadSecret, of_files, parsed, read
from servicekit.settings import ServiceSettings

KEY = "0123456789abcdef0123456789abcdef"
PEM = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize("around", ["{}", "{}\n", "{}\r\n", "\ufeff{}\n", " {}\t\n\n"])
@pytest.mark.parametrize("value", [KEY, PEM], ids=["key", "PEM"])
def test_what_is_around_a_secret_is_no_part_of_it(value, around):
    assert read({"k": around.format(value)}, "k") == value


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({}, "is missing"),
        ({"k": ""}, "is empty"),
        ({"k": " \n"}, "is empty"),
        ({"k": "ab\ncd"}, "has white space in it"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(held, why):
    with pytest.raises(BadSecret) as refused:
        read(held, "k")
    assert str(refused.value) == f"secret k {why}"


def test_a_parser_is_given_the_clean_value_and_its_refusal_names_the_secret():
    assert parsed({"n": "7\n"}, "n", int) == 7
    with pytest.raises(BadSecret, match="secret n cannot be used"):
        parsed({"n": "seven"}, "n", int)


def test_files_are_read_where_they_are_named(tmp_path):
    (tmp_path / "key").write_text(KEY + "\n")
    found = of_files("PAYMENT", ("wxpay-apiv3-key", "other"), {"PAYMENT_WXPAY_APIV3_KEY_FILE": str(tmp_path / "key")})
    assert {name: read(found, name) for name in found} == {"wxpay-apiv3-key": KEY}


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["no file", "no text"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    if content:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(BadSecret, match="secret a-key cannot be read from"):
        of_files("PAYMENT", ("a-key",), {"PAYMENT_A_KEY_FILE": str(tmp_path / "key")})


def test_a_token_in_the_environment_has_no_line_end(monkeypatch):
    monkeypatch.setenv("APP_API_TOKEN", "token-of-at-least-16\n")
    monkeypatch.setenv("DAPR_API_TOKEN", " other-token\r\n")
    settings = ServiceSettings.load()
    assert settings.app_api_token.get_secret_value() == "token-of-at-least-16"
    assert settings.dapr_api_token.get_secret_value() == "other-token"
