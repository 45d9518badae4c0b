"""Business numbers: a prefix that says what it is, when it was made, and eight random digits."""

import secrets
from datetime import datetime

from servicekit.clock import SHANGHAI


def business_number(prefix: str, moment: datetime) -> str:
    """`HSO` + `yyyymmddhhmmss` (Asia/Shanghai) + 8 digits: 25 characters, inside WeChat's 6–32 for out_trade_no.

    Unique by the column's constraint, not by this function: on the rare clash the transaction ends as DatabaseUnavailable,
    and the caller retries.
    """
    return f"{prefix}{moment.astimezone(SHANGHAI):%Y%m%d%H%M%S}{secrets.randbelow(10**8):08d}"
