"""What WeChat's answers mean for the caller: one table, from code to meaning.

WechatError
├── Ambiguous      no answer that can be trusted: it may have happened; ask, or repeat with the same number
└── Refused        WeChat's own error; `code` says why, `meaning` what to do
    └── Busy       nothing was done; repeat later (a refund asks first, as WeChat wants: 查询后再确认)
InvalidNotification  a callback that is not WeChat's, or is not for us
BadBill              a bill that is not what its hash or its columns promise
"""

from enum import Enum
from types import MappingProxyType
from typing import Final


class Meaning(Enum):
    ASK_FIRST = "it may have happened: ask WeChat before anything else, then repeat with the same number"
    LATER = "nothing was done: the same again, later"
    OURS_TO_MEND = (
        "it was not even looked at: keys, clock, rights or account of the merchant are wrong; later, and alert"
    )
    NO_FUNDS = "the merchant's account is too low: long after, and alert"
    PAID = "somebody has paid"
    CLOSED = "the number is used up"
    ABSENT = "WeChat does not know the number"
    NOT_READY = "the bill is still being made: half an hour later"
    NOTHING_THERE = "there was no business on that day: an empty bill"
    FINAL = "no, and no repetition changes it"


MEANINGS: Final = MappingProxyType(
    {
        "SYSTEM_ERROR": Meaning.ASK_FIRST,
        "SYSTEMERROR": Meaning.ASK_FIRST,
        "BANKERROR": Meaning.ASK_FIRST,
        "BANK_ERROR": Meaning.ASK_FIRST,
        "FREQUENCY_LIMITED": Meaning.LATER,
        "FREQUENCY_LIMIT_EXCEED": Meaning.LATER,
        "RATELIMIT_EXCEEDED": Meaning.LATER,
        "RATELIMIT_EXCEED": Meaning.LATER,
        "RULELIMIT": Meaning.LATER,
        "RULE_LIMIT": Meaning.LATER,
        "SERVICE_UNAVAILABLE": Meaning.LATER,
        "SIGN_ERROR": Meaning.OURS_TO_MEND,
        "NO_AUTH": Meaning.OURS_TO_MEND,
        "MCH_NOT_EXISTS": Meaning.OURS_TO_MEND,
        "APPID_MCHID_NOT_MATCH": Meaning.OURS_TO_MEND,
        "NOT_ENOUGH": Meaning.NO_FUNDS,
        "NOTENOUGH": Meaning.NO_FUNDS,
        "ORDERPAID": Meaning.PAID,
        "ORDER_PAID": Meaning.PAID,
        "ORDER_CLOSED": Meaning.CLOSED,
        "ORDERCLOSED": Meaning.CLOSED,
        "OUT_TRADE_NO_USED": Meaning.CLOSED,
        "ORDER_NOT_EXIST": Meaning.ABSENT,
        "ORDERNOTEXIST": Meaning.ABSENT,
        "RESOURCE_NOT_EXISTS": Meaning.ABSENT,
        "STATEMENT_CREATING": Meaning.NOT_READY,
        "NO_STATEMENT_EXIST": Meaning.NOTHING_THERE,
        "INVALID_REQUEST": Meaning.FINAL,
        "PARAM_ERROR": Meaning.FINAL,
        "USER_ACCOUNT_ABNORMAL": Meaning.FINAL,
        "TRADE_ERROR": Meaning.FINAL,
        "ACCOUNTERROR": Meaning.FINAL,
        "OPENID_MISMATCH": Meaning.FINAL,
    }
)
"""Codes of both generations of WeChat's pages: JSAPI prepay, query, close, refund, bills."""


def meaning_of(status: int, code: str) -> Meaning:
    """A code that is not in the table is judged by its HTTP status. An answer without a code is any proxy's: what became
    of the request behind it, nobody knows."""
    if known := MEANINGS.get(code):
        return known
    if status >= 500 or (not code and status not in {401, 429}):
        return Meaning.ASK_FIRST
    return {401: Meaning.OURS_TO_MEND, 429: Meaning.LATER}.get(status, Meaning.FINAL)


class WechatError(Exception):
    """Any failure of a call to WeChat."""


class Ambiguous(WechatError):
    """A time-out, a broken connection, SYSTEM_ERROR, or an answer whose signature does not verify."""


class Refused(WechatError):
    """WeChat said no. `status` is HTTP's, `code` and `message` are from the body (may be empty)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message
        self.meaning = meaning_of(status, code)


class Busy(Refused):
    """Too many requests, or WeChat's service is down for the moment: nothing was done."""


class InvalidNotification(Exception):
    """`reason` is a short word for the metric and the log; never the content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadBill(Exception):
    """What was downloaded is not the bill that was announced, or not a bill as WeChat describes it."""


def of_answer(status: int, code: str, message: str) -> WechatError:
    """The error that an answer of 4xx or 5xx means."""
    meaning = meaning_of(status, code)
    if meaning is Meaning.ASK_FIRST:
        return Ambiguous(f"{status} {code} {message}")
    if meaning is Meaning.LATER:
        return Busy(status, code, message)
    return Refused(status, code, message)
