"""One odd event leaves the document around it readable."""

import json
import math

import pytest

from servicekit.parsing import DEEPEST, MOST_DIGITS, parsed

TITLE = 'brackets [ and a quote " } in a text'
GOOD = {"entries": [{"entryId": "1", "event": {"data": {"tradeState": 1, "title": TITLE}}}]}


def _beside_good(value: str) -> bytes:
    return b'[%s, %s, "]"]' % (json.dumps(GOOD).encode(), value.encode())


@pytest.mark.parametrize("depth", [DEEPEST + 1, 1000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_too_deep_is_null_and_the_rest_is_read(depth: int, opening: str, closing: str):
    value = opening * depth + "1" + closing * depth
    good, deep, last = parsed(_beside_good(value))
    assert (good, last) == (GOOD, "]")
    assert json.dumps(deep).count(opening[0]) < depth or depth == DEEPEST + 1


def test_a_number_of_any_length_is_read():
    assert parsed(_beside_good("7" * 4301)) == [GOOD, math.inf, "]"]
    assert parsed(_beside_good("7" * MOST_DIGITS))[1] == int("7" * MOST_DIGITS)


def test_half_a_character_is_read():
    assert parsed(_beside_good(r'"\ud800"')) == [GOOD, "\ud800", "]"]


@pytest.mark.parametrize(
    "document", [b"", b"{", b"[" * 100_000, b"]", b'"', b"[1]]", b"\xff\xfe", b"[" * 200 + b"}" * 200]
)
def test_what_is_no_json_is_refused(document: bytes):
    with pytest.raises(ValueError, match=r"."):
        parsed(document)
