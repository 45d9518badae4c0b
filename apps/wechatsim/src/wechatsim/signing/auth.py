"""Authentication: the Authorization header over the raw target and body (wechat-pay-v3.md §1.1).

The order of the checks is the live host's: header form, type, merchant, five-minute window, serial, signature.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from wechatsim.errors import PayError
from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S = 300
_PAIR = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*(?:,|$)')
_FIELDS = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}
_MAX_NONCE = 32
# The error shows only the first eight bytes of the body, as observed on the live host.
_BODY_SHOWN = 8
_MALFORMED = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"


def _sign_error(message: str) -> PayError:
    return PayError(HTTPStatus.UNAUTHORIZED, "SIGN_ERROR", message)


def _fields(text: str, malformed: PayError) -> dict[str, str]:
    fields: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None or pair[1] in fields:
            raise malformed
        fields[pair[1]] = pair[2]
        at = pair.end()
    if set(fields) != _FIELDS or not fields["timestamp"].isdecimal() or not fields["timestamp"].isascii():
        raise malformed
    if not 1 <= len(fields["nonce_str"]) <= _MAX_NONCE or len(fields["timestamp"]) > len("9999999999"):
        raise malformed
    return fields


def authenticate(
    merchants: Mapping[str, Merchant], method: str, target: bytes, authorization: str, body: bytes, *, now: float
) -> Merchant:
    """The merchant who signed this request. Raises PayError 401 SIGN_ERROR (400 or 404 for an unknown mchid).

    `target` is path and query as they were on the request line, `body` the bytes as received, `now` real time in seconds.
    """
    payments = target.startswith(b"/v3/pay/transactions")
    malformed = _sign_error("签名信息错误，验签失败" if payments else _MALFORMED)
    scheme, _, rest = authorization.strip().partition(" ")
    if not rest:
        raise malformed
    if scheme != SCHEME:
        raise _sign_error("HTTP头Authorization认证类型不正确")
    fields = _fields(rest.strip(), malformed)
    merchant = merchants.get(fields["mchid"])
    if merchant is None:
        status = HTTPStatus.NOT_FOUND if target.startswith(b"/v3/refund") else HTTPStatus.BAD_REQUEST
        raise PayError(status, "MCH_NOT_EXISTS", "商户号不存在")
    if abs(now - int(fields["timestamp"])) > WINDOW_S:
        raise _sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    # Some SDKs write the serial in lower case, and WeChat accepts it.
    if fields["serial_no"].upper() != merchant.serial:
        raise _sign_error("商户证书序列号有误。请使用签名私钥匹配的证书序列号")
    message = crypto.request_message(method, target, fields["timestamp"], fields["nonce_str"], body)
    if not crypto.verify(merchant.public_key, message, fields["signature"]):
        raise _mismatch(method, target, message, body)
    return merchant


def _mismatch(method: str, target: bytes, message: bytes, body: bytes) -> PayError:
    shown = message[: len(message) - len(body) - 1] + body[:_BODY_SHOWN] + b"\n"
    return PayError(
        HTTPStatus.UNAUTHORIZED,
        "SIGN_ERROR",
        "签名错误，请检查后再试",
        {
            "detail": {"issue": "sign not match"},
            "field": "signature",
            "location": "authorization",
            "sign_information": {
                "method": method,
                "sign_message_length": len(message),
                "truncated_sign_message": shown.decode(errors="replace"),
                "url": target.decode("latin-1"),
            },
        },
    )
