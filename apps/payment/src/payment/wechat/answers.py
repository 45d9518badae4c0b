"""Table of all calls to WeChat Pay and their documented error responses, shared by the client, the tests and
docs/wechat-pay-v3.md. Each call has one success status; a response that is not in the table is ambiguous.

WeChat spells some codes in two ways (its pages of 2020 and of today), and they disagree on statuses: both spellings are
listed, and a code is read at any 4xx. At 2xx, 3xx and 5xx it counts only where it is documented.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from payment.wechat.errors import Ambiguous, Busy, Meaning, Refused, WechatError

M = Meaning
Row = tuple[int, str, Meaning]
"""HTTP status, code in the body, meaning for this call."""

COMMON: Final[tuple[Row, ...]] = (
    (400, "PARAM_ERROR", M.FINAL),
    (400, "INVALID_REQUEST", M.FINAL),
    (401, "SIGN_ERROR", M.MISCONFIGURED),
    (403, "NO_AUTH", M.MISCONFIGURED),
    (403, "NOAUTH", M.MISCONFIGURED),
    (403, "RULE_LIMIT", M.LATER),
    (403, "RULELIMIT", M.LATER),
    (429, "FREQUENCY_LIMITED", M.LATER),
    (429, "FREQUENCY_LIMIT_EXCEED", M.LATER),
    (429, "RATELIMIT_EXCEEDED", M.LATER),
    (429, "RATELIMIT_EXCEED", M.LATER),
    (500, "SYSTEM_ERROR", M.QUERY_FIRST),
    (500, "SYSTEMERROR", M.QUERY_FIRST),
    (502, "SERVICE_UNAVAILABLE", M.LATER),
    (503, "SERVICE_UNAVAILABLE", M.LATER),
)
"""Error responses of every call."""
MERCHANT: Final[tuple[Row, ...]] = (
    (400, "MCH_NOT_EXISTS", M.MISCONFIGURED),
    (400, "APPID_MCHID_NOT_MATCH", M.MISCONFIGURED),
)
BANK: Final[tuple[Row, ...]] = ((500, "BANK_ERROR", M.QUERY_FIRST), (500, "BANKERROR", M.QUERY_FIRST))


@dataclass(frozen=True)
class Call:
    """One API call: WeChat's name for it, its request line, its success status, and its errors besides `COMMON`."""

    name: str
    request: str
    success: int
    refusals: tuple[Row, ...]

    @property
    def method(self) -> str:
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The template of its path, the name of the call in metrics."""
        return self.request.partition(" ")[2].partition("?")[0]

    @property
    def rows(self) -> Sequence[Row]:
        """All documented errors, the call's own first."""
        return (*self.refusals, *COMMON)

    def meaning(self, status: int, code: str) -> Meaning:
        """The meaning of an error response. A 429 is a rate limit whatever its code; a response without a code may
        come from a proxy, so the outcome is unknown."""
        known = {(at, name): meaning for at, name, meaning in reversed(self.rows)}
        if (meaning := known.get((status, code))) is not None:
            return meaning
        if status == 429:
            return Meaning.LATER
        if 400 <= status < 500:
            return next((meaning for at, name, meaning in self.rows if name == code and 400 <= at < 500), M.QUERY_FIRST)
        return Meaning.QUERY_FIRST

    def error(self, status: int, code: str, message: str) -> WechatError:
        """The exception for an error response."""
        meaning = self.meaning(status, code)
        if meaning is Meaning.QUERY_FIRST:
            return Ambiguous(f"{status} {code} {message}", status)
        kind = Busy if meaning is Meaning.LATER else Refused
        return kind(status, code, message, meaning)


PREPAY: Final = Call(
    "JSAPI下单",
    "POST /v3/pay/transactions/jsapi",
    200,
    (
        *MERCHANT,
        (400, "ORDERPAID", M.PAID),
        (400, "ORDER_PAID", M.PAID),
        (400, "ORDER_CLOSED", M.CLOSED),
        (400, "ORDERCLOSED", M.CLOSED),
        (403, "OUT_TRADE_NO_USED", M.CLOSED),
        (403, "TRADE_ERROR", M.FINAL),
        (403, "ACCOUNT_ERROR", M.FINAL),
        (403, "ACCOUNTERROR", M.FINAL),
        (403, "NOT_ENOUGH", M.FINAL),
        (403, "NOTENOUGH", M.FINAL),
        (500, "OPENID_MISMATCH", M.FINAL),
        *BANK,
    ),
)
QUERY: Final = Call(
    "商户订单号查询订单",
    "GET /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid=",
    200,
    (
        *MERCHANT,
        (404, "ORDER_NOT_EXIST", M.ABSENT),
        (404, "ORDERNOTEXIST", M.ABSENT),
        (404, "RESOURCE_NOT_EXISTS", M.ABSENT),
        *BANK,
    ),
)
CLOSE: Final = Call(
    "关闭订单",
    "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close",
    204,
    (
        (202, "USERPAYING", M.PAYING),
        (202, "USER_PAYING", M.PAYING),
        *MERCHANT,
        (400, "ORDERPAID", M.PAID),
        (400, "ORDER_PAID", M.PAID),
        (400, "ORDER_CLOSED", M.CLOSED),
        (400, "ORDERCLOSED", M.CLOSED),
        (403, "OUT_TRADE_NO_USED", M.FINAL),
        (403, "TRADE_ERROR", M.FINAL),
        (404, "ORDER_NOT_EXIST", M.ABSENT),
        (404, "ORDERNOTEXIST", M.ABSENT),
        (404, "RESOURCE_NOT_EXISTS", M.ABSENT),
        *BANK,
    ),
)
REFUND: Final = Call(
    "申请退款",
    "POST /v3/refund/domestic/refunds",
    200,
    (
        (403, "NOT_ENOUGH", M.NO_FUNDS),
        (403, "NOTENOUGH", M.NO_FUNDS),
        (403, "USER_ACCOUNT_ABNORMAL", M.FINAL),
        (403, "TRADE_ERROR", M.FINAL),
        (404, "MCH_NOT_EXISTS", M.MISCONFIGURED),
        (404, "RESOURCE_NOT_EXISTS", M.ABSENT),
        *BANK,
    ),
)
QUERY_REFUND: Final = Call(
    "查询单笔退款（通过商户退款单号）",
    "GET /v3/refund/domestic/refunds/{out_refund_no}",
    200,
    (
        (404, "MCH_NOT_EXISTS", M.MISCONFIGURED),
        (404, "RESOURCE_NOT_EXISTS", M.ABSENT),
        (404, "REFUND_NOT_EXIST", M.ABSENT),
        (404, "REFUNDNOTEXIST", M.ABSENT),
        *BANK,
    ),
)
ABNORMAL_REFUND: Final = Call(
    "发起异常退款",
    "POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund",
    200,
    (
        (403, "NOT_ENOUGH", M.NO_FUNDS),
        (403, "USER_ACCOUNT_ABNORMAL", M.FINAL),
        (404, "MCH_NOT_EXISTS", M.MISCONFIGURED),
        (404, "RESOURCE_NOT_EXISTS", M.ABSENT),
        *BANK,
    ),
)
CERTIFICATES: Final = Call(
    "下载平台证书",
    "GET /v3/certificates",
    200,
    ((404, "RESOURCE_NOT_EXISTS", M.ABSENT),),
)
_BILL: Final[tuple[Row, ...]] = (
    (400, "NO_STATEMENT_EXIST", M.NOTHING_THERE),
    (400, "STATEMENT_CREATING", M.NOT_READY),
)
TRADE_BILL: Final = Call("申请交易账单", "GET /v3/bill/tradebill?bill_date=&bill_type=&tar_type=", 200, _BILL)
FUND_BILL: Final = Call("申请资金账单", "GET /v3/bill/fundflowbill?bill_date=&account_type=&tar_type=", 200, _BILL)
BILL_FILE: Final = Call("下载账单", "GET /v3/billdownload/file?token=", 200, ())

CALLS: Final = (
    PREPAY,
    QUERY,
    CLOSE,
    REFUND,
    QUERY_REFUND,
    ABNORMAL_REFUND,
    CERTIFICATES,
    TRADE_BILL,
    FUND_BILL,
    BILL_FILE,
)
"""All calls that payment makes."""
