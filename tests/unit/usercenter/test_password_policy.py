"""What a new password has to be."""

import pytest

from usercenter import password_policy
from usercenter.errors import PasswordTooCommon, PasswordTooShort

MOBILE = "13912345678"


@pytest.mark.parametrize(
    "password",
    [
        "the minsu of my aunt",
        "correct ho",
        "江水照着很圆的那轮月",
        "密码是江水照着很圆的那轮月",
        "a" * 7 + "bcd",
        "x1y2z3w4" * 16,
        "ﬃﬃﬃxyz",
        "小明的生日是秋天里!",
    ],
)
def test_ten_characters_that_are_hard_to_guess_are_enough(password):
    assert password_policy.weakness(password, MOBILE) is None


@pytest.mark.parametrize("password", ["", "correct h", "江水照着很圆的月亮", "e\u0301" * 5 + "abcd", "     a     "[:9]])
def test_fewer_than_ten_characters_after_normalisation_are_too_few(password):
    assert password_policy.weakness(password, MOBILE) is PasswordTooShort


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "0987654321",
        "Qwertyuiop",
        "QWERTYUIOP",
        "１２３４５６７８９０",  # full width: the same after normalisation
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        MOBILE,
        f"my {MOBILE}!",
        "basketball",  # in every dictionary
        "Minsu-2026!",
        "民宿民宿民宿123456",
        "password12345",
    ],
)
def test_what_everyone_tries_first_is_too_common(password):
    assert password_policy.weakness(password, MOBILE) is PasswordTooCommon


def test_a_refusal_names_the_field_it_was_typed_in():
    with pytest.raises(PasswordTooShort) as refused:
        password_policy.check("short", MOBILE, field="newPassword")
    assert (refused.value.field, refused.value.params) == ("newPassword", {"least": 10})
    password_policy.check("correct horse", MOBILE)


def test_the_list_is_of_passwords_that_the_length_would_let_through():
    common = password_policy._common()
    assert len(common) >= 3000
    assert min(len(each) for each in common) == password_policy.LEAST
    assert {each for each in common if each != each.casefold()} == set()
