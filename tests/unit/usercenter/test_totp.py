"""One-time codes: which are accepted when, and how guessing is slowed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usercenter import totp

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""RFC 6238's: "12345678901234567890"."""
RFC_6238 = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_6238)
def test_the_codes_are_those_of_the_standard(seconds, code):
    assert totp.accepted_step(SECRET, code, at(seconds), None) == seconds // 30


@pytest.mark.parametrize(("apart", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phones_clock_may_be_one_step_off(apart, accepted):
    moment = 1_111_111_109
    found = totp.accepted_step(SECRET, "081804", at(moment - apart * 30), None)
    assert found == (moment // 30 if accepted else None)


def test_a_code_that_was_used_and_those_before_it_are_refused():
    moment, step = at(1_111_111_109), 1_111_111_109 // 30
    assert totp.accepted_step(SECRET, "081804", moment, step - 1) == step
    assert totp.accepted_step(SECRET, "081804", moment, step) is None
    assert totp.accepted_step(SECRET, "081804", moment, step + 1) is None


@pytest.mark.parametrize("code", ["081805", "08180", "0818040", "", "０８１８０４", "abcdef"])
def test_any_other_text_is_wrong(code):
    assert totp.accepted_step(SECRET, code, at(1_111_111_109), None) is None


def test_four_wrong_codes_are_free_then_each_costs_twice_as_long_up_to_an_hour():
    pauses = [totp.pause_after(failures).total_seconds() for failures in range(14)]
    assert pauses == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


@given(st.integers(0, 10**9))
def test_no_number_of_failures_shortens_the_pause(failures):
    assert totp.pause_after(failures) <= totp.pause_after(failures + 1) <= timedelta(hours=1)


def test_recovery_codes_are_ten_of_120_bits_and_count_however_they_are_typed():
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == 10
    assert {len(each.replace("-", "")) * 5 for each in codes} == {120}
    digest = totp.recovery_digest(7, codes[0])
    assert totp.recovery_digest(7, codes[0].lower().replace("-", "")) == digest
    assert totp.recovery_digest(7, codes[0].replace("-", " ")) == digest
    assert totp.recovery_digest(8, codes[0]) != digest
    assert codes[0].replace("-", "") not in digest


def test_an_app_is_told_whose_code_it_will_show():
    assert totp.uri(SECRET, "13800000003") == f"otpauth://totp/Minsu:13800000003?secret={SECRET}&issuer=Minsu"
