"""What WeChat's answers mean for the caller.

WechatError
├── Ambiguous      no answer that can be trusted: it may have happened; ask, or repeat with the same number
└── Refused        WeChat's own error; `code` says why
    └── Busy       nothing was done; repeat later
InvalidNotification  a callback that is not WeChat's, or is not for us
"""

AMBIGUOUS_CODES = frozenset({"SYSTEM_ERROR", "SYSTEMERROR", "BANKERROR", "BANK_ERROR"})
BUSY_CODES = frozenset({"FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED", "SERVICE_UNAVAILABLE"})
PAID_CODES = frozenset({"ORDERPAID", "ORDER_PAID"})
CLOSED_CODES = frozenset({"ORDER_CLOSED", "ORDERCLOSED", "OUT_TRADE_NO_USED", "INVALID_REQUEST"})
ABSENT_CODES = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST"})


class WechatError(Exception):
    """Any failure of a call to WeChat."""


class Ambiguous(WechatError):
    """A time-out, a broken connection, SYSTEM_ERROR, or an answer whose signature does not verify."""


class Refused(WechatError):
    """WeChat said no. `status` is HTTP's, `code` and `message` are from the body (may be empty)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message


class Busy(Refused):
    """Too many requests, or WeChat's service is down for the moment: nothing was done."""


class InvalidNotification(Exception):
    """`reason` is a short word for the metric and the log; never the content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def of_answer(status: int, code: str, message: str) -> WechatError:
    """The error that an answer of 4xx or 5xx means (facts: error codes of JSAPI prepay, query, close, refund)."""
    if code in AMBIGUOUS_CODES or (status >= 500 and code not in BUSY_CODES):
        return Ambiguous(f"{status} {code} {message}")
    if code in BUSY_CODES or status == 429:
        return Busy(status, code, message)
    return Refused(status, code, message)
