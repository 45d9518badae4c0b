"""What can go wrong with WeChat, as errors; which answer is which error is said by one table, `answers.py`.

WechatError
├── Ambiguous      no answer that can be trusted: it may have happened; ask, or repeat with the same number
└── Refused        WeChat's own error; `code` says why, `meaning` what to do
    └── Busy       nothing was done; repeat later (a refund asks first, as WeChat wants: 查询后再确认)
InvalidNotification  a callback that is not WeChat's, or is not for us
BadBill              a bill that is not what its hash or its columns promise
"""

from enum import Enum


class Meaning(Enum):
    ASK_FIRST = "it may have happened: ask WeChat before anything else, then repeat with the same number"
    LATER = "nothing was done: the same again, later"
    PAYING = "the buyer is typing the password: nothing was done; the same again in a few seconds"
    MISCONFIGURED = (
        "it was not even looked at: keys, clock, rights or account of the merchant are wrong; later, and alert"
    )
    NO_FUNDS = "the merchant's account is too low: long after, and alert"
    PAID = "somebody has paid"
    CLOSED = "the number is used up"
    ABSENT = "WeChat does not know the number"
    NOT_READY = "the bill is still being made: half an hour later"
    NOTHING_THERE = "there was no business on that day: an empty bill"
    FINAL = "no, and no repetition changes it"


class WechatError(Exception):
    """Any failure of a call to WeChat."""


class Ambiguous(WechatError):
    """A time-out, a broken connection, SYSTEM_ERROR, an answer that WeChat does not document for the call, or one whose
    signature does not verify. `status` is HTTP's; 0 where nothing came that is of WeChat."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Refused(WechatError):
    """WeChat said no. `status` is HTTP's, `code` and `message` are from the body; `meaning` is the table's for the call."""

    def __init__(self, status: int, code: str, message: str, meaning: Meaning) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message, self.meaning = status, code, message, meaning


class Busy(Refused):
    """Too many requests, or WeChat's service is down for the moment: nothing was done."""


class InvalidNotification(Exception):
    """`reason` is a short word for the metric and the log; never the content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadBill(Exception):
    """What was downloaded is not the bill that was announced, or not a bill as WeChat describes it."""
