"""Errors with WeChat's own codes and messages.

PayError: API v3, an HTTP status and {"code","message"[,"detail"]} (wechat-pay-v3.md §4).
MiniError: the mini-program APIs, HTTP 200 with errcode and errmsg (wechat-pay-v3.md §7).
ControlError: the sandbox's own control API, not WeChat's.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

NUMBERS = {
    "ORDER_NOT_EXIST": 268512771,
    "ORDERPAID": 268449538,
    "ORDER_CLOSED": 268447914,
    "PARAM_ERROR": 268435461,
    "APPID_MCHID_NOT_MATCH": 268445527,
    "SIGN_ERROR": 268443699,
    "FREQUENCY_LIMITED": 268447840,
}
"""The error numbers that WeChat publishes, by code (wechat-pay-v3.md §9)."""
OUT_OF_RANGE = 268435464
UNLISTED_MEMBER = 270924358
OTHER_CONTENT = 268498688


class PayError(Exception):
    """An API v3 error: `status`, `code`, Chinese `message`, optional `detail`. `number` ends its Request-ID; by default
    that of the code, None where WeChat publishes none."""

    def __init__(
        self, status: int, code: str, message: str, detail: dict[str, Any] | None = None, *, number: int | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.number = NUMBERS.get(code) if number is None else number

    def body(self) -> dict[str, Any]:
        """The JSON object of the response body."""
        content: dict[str, Any] = {"code": self.code}
        if self.detail is not None:
            content["detail"] = self.detail
        return content | {"message": self.message}


class MiniError(Exception):
    """A mini-program error; the endpoint appends the rid to `errmsg`."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(f"{errcode} {errmsg}")
        self.errcode = errcode
        self.errmsg = errmsg


class ControlError(Exception):
    """An error of the control API: `status`, a stable `code`, a `message` for humans."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def param_error(field: str, issue: str, message: str, value: Any = None, *, number: int | None = None) -> PayError:
    """400 PARAM_ERROR with the detail object of wechat-pay-v3.md §2.1; `field` is a JSON pointer into the body."""
    detail: dict[str, Any] = {"location": "body", "field": field}
    if value is not None:
        detail["value"] = value
    detail["issue"] = issue
    return PayError(HTTPStatus.BAD_REQUEST, "PARAM_ERROR", message, detail, number=number)


def invalid_request(message: str, *, number: int | None = None) -> PayError:
    return PayError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", message, number=number)


def order_paid() -> PayError:
    return PayError(HTTPStatus.BAD_REQUEST, "ORDERPAID", "该订单已支付")


def order_closed() -> PayError:
    return PayError(HTTPStatus.BAD_REQUEST, "ORDER_CLOSED", "订单已关闭，请更换商户订单号后重新下单")


def user_paying() -> PayError:
    """A 2xx that is no success: the order is unchanged (wechat-pay-v3.md §4)."""
    return PayError(HTTPStatus.ACCEPTED, "USERPAYING", "用户支付中，需要输入密码")


def order_not_exist() -> PayError:
    return PayError(HTTPStatus.NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在")


def missing(location: str, name: str, label: str) -> PayError:
    """A required parameter outside the body is missing. The live host returns no `field` for these."""
    message = f"输入源“/{location}/{name}”映射到字段“{label}”必填性规则校验失败，此字段为必填项"
    return PayError(HTTPStatus.BAD_REQUEST, "PARAM_ERROR", message, {"location": location, "value": ""})


def mchid_mismatch() -> PayError:
    return param_error("/mchid", "mchid mismatch", "http header中的mchid与post payload中的mchid不匹配")
