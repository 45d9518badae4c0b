"""Check-in codes: eight characters that are easy to read out, none of which can be mistaken for another."""

import secrets
import unicodedata

from servicekit.errors import InvalidInput

ALPHABET = "346789ACDEFGHJKMNPQRTUWXY"
LENGTH = 8
"""Also the width of `homestay_order.checkin_code`: a longer one needs a revision. All that go by it are held to this by
`tests/contract/test_checkin_code.py`."""


def new_code() -> str:
    drawn, code = secrets.randbelow(len(ALPHABET) ** LENGTH), ""
    for _ in range(LENGTH):
        drawn, place = divmod(drawn, len(ALPHABET))
        code += ALPHABET[place]
    return code


def normalise(typed: str) -> str:
    """`typed` in the stored form: upper case, half-width, without spaces and punctuation. Raises InvalidInput when the
    rest does not have the length of a code."""
    wide = unicodedata.normalize("NFKC", typed).upper()
    code = "".join(each for each in wide if unicodedata.category(each)[0] not in "ZPC")
    if len(code) != LENGTH:
        raise InvalidInput(f"a check-in code has {LENGTH} characters", field="tradeCode")
    return code
