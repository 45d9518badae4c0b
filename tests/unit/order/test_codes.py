"""Check-in codes, as made and as typed."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order import codes
from servicekit.errors import InvalidInput

CODES = st.text(codes.ALPHABET, min_size=codes.LENGTH, max_size=codes.LENGTH)
GAPS = st.lists(st.sampled_from(["", " ", "-", "—", "\u3000", "·", "\t"]), min_size=9, max_size=9)


def test_new_codes_have_eight_characters_that_look_like_no_other() -> None:
    made = {codes.new_code() for _ in range(500)}

    assert len(made) == 500
    assert {len(code) for code in made} == {8}
    assert set("".join(made)).isdisjoint("0O1IL2Z5SBV")
    assert set("".join(made)) <= set("346789ACDEFGHJKMNPQRTUWXY")


@given(code=CODES, gaps=GAPS, lower=st.booleans())
def test_a_code_is_read_however_it_is_spaced(code: str, gaps: list[str], lower: bool) -> None:
    typed = "".join(gap + each for gap, each in zip(gaps, code, strict=False)) + gaps[-1]

    assert codes.normalise(typed.lower() if lower else typed) == code


@given(code=CODES)
def test_full_width_characters_are_the_same_code(code: str) -> None:
    assert codes.normalise("".join(chr(ord(each) + 0xFEE0) for each in code)) == code


@given(st.text(max_size=40))
def test_whatever_is_typed_becomes_eight_characters_or_a_refusal(typed: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert len(codes.normalise(typed)) == 8


@pytest.mark.parametrize("typed", ["", "ABC", "A" * 9, "- -"])
def test_other_lengths_are_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        codes.normalise(typed)
