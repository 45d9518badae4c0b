"""Errors of calls to WeChat Pay and of its callbacks. Which response means which error: the table in `answers.py`.

WechatError
├── Ambiguous      no trustworthy response: it may have happened; query, or retry with the same number
└── Refused        WeChat's error response; `code` says why, `meaning` what to do
    └── Busy       nothing was done; retry later (refunds query first, as WeChat requires: 查询后再确认)
InvalidNotification  a callback that WeChat did not sign, or not for this merchant
BadBill              a bill that does not match its hash or its columns
"""

from enum import Enum


class Meaning(Enum):
    QUERY_FIRST = "it may have happened: query WeChat first, then retry with the same number"
    LATER = "nothing was done: retry later"
    PAYING = "the buyer is entering the password, nothing was done: retry in a few seconds"
    MISCONFIGURED = (
        "not processed: keys, clock, permissions or account of the merchant are wrong; retry later, and alert"
    )
    NO_FUNDS = "the merchant's balance is too low: retry much later, and alert"
    PAID = "the payment is paid"
    CLOSED = "the number is used up"
    ABSENT = "WeChat does not know the number"
    NOT_READY = "the bill is still being generated: retry in half an hour"
    NOTHING_THERE = "no transactions on that day: an empty bill"
    FINAL = "refused permanently: a retry does not change it"


class WechatError(Exception):
    """Any failure of a call to WeChat."""


class Ambiguous(WechatError):
    """A timeout, a broken connection, SYSTEM_ERROR, a response that is undocumented for the call, or one whose
    signature does not verify. `status` is the HTTP status, 0 without a response of WeChat."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Refused(WechatError):
    """An error response. `status` is the HTTP status, `code` and `message` are from the body, `meaning` is from the
    table."""

    def __init__(self, status: int, code: str, message: str, meaning: Meaning) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message, self.meaning = status, code, message, meaning


class Busy(Refused):
    """Rate limit, or WeChat is temporarily unavailable: nothing was done."""


class InvalidNotification(Exception):
    """`reason` is a short label for metric and log, never the content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadBill(Exception):
    """The download does not match the announced hash, or is no bill in WeChat's documented format."""
