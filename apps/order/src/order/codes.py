"""Check-in codes: short enough to say at a door, without characters that are taken for one another."""

import secrets
import unicodedata

from servicekit.errors import InvalidInput

ALPHABET = "346789ACDEFGHJKMNPQRTUWXY"
LENGTH = 8


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normalise(typed: str) -> str:
    """Lower case, full-width letters, spaces and dashes are all how people write the same code.

    Raises InvalidInput when what is left cannot be a code by its length.
    """
    wide = unicodedata.normalize("NFKC", typed).upper()
    code = "".join(each for each in wide if unicodedata.category(each)[0] not in "ZPC")
    if len(code) != LENGTH:
        raise InvalidInput(f"a check-in code has {LENGTH} characters", field="tradeCode")
    return code
