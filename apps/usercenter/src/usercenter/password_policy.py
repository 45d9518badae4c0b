"""What a new password has to be: for everyone. Passwords from before the policy still sign in; an operator changes such a
one first (second_factor.py)."""

import unicodedata
from functools import cache
from importlib import resources

from usercenter.errors import PasswordTooCommon, PasswordTooShort

LEAST, MOST = 10, 128
"""Characters after NFKC normalisation; as in the text beside the field: tests/contract/test_form_bounds.py."""
LEAST_DIFFERENT = 4
OUR_WORDS = (
    "minsu",
    "民宿",
    "homestay",
    "operator",
    "merchant",
    "buyer",
    "weixin",
    "wechat",
    "微信",
    "password",
    "密码",
    "mima",
)
"""What is around us is guessed first: a password has to be long enough without these."""


def weakness(password: str, mobile: str) -> type[PasswordTooShort | PasswordTooCommon] | None:
    """Why it is refused for the account of `mobile`; None for a good one."""
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < LEAST:
        return PasswordTooShort
    plain = normal.casefold()
    if mobile in plain or len(set(plain)) < LEAST_DIFFERENT or plain in _common() or _is_ours(plain):
        return PasswordTooCommon
    return None


def check(password: str, mobile: str, *, field: str = "password") -> None:
    """Raises PasswordTooShort, PasswordTooCommon, naming `field`."""
    if refusal := weakness(password, mobile):
        raise refusal(field=field, least=LEAST)


def _is_ours(plain: str) -> bool:
    rest = plain
    for word in OUR_WORDS:
        rest = rest.replace(word, "")
    return rest != plain and len(rest) < LEAST


@cache
def _common() -> frozenset[str]:
    lines = resources.files("usercenter").joinpath("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
