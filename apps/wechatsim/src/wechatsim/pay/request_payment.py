"""wx.requestPayment: the phone checks paySign before it opens the cashier (wechat-pay-v3.md §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from wechatsim.errors import ControlError
from wechatsim.pay import orders
from wechatsim.signing import crypto
from wechatsim.sim import Sim

_NAMES = ("appId", "timeStamp", "nonceStr", "package", "signType", "paySign")
_PREFIX = "prepay_id="


def request_payment(sim: Sim, parameters: Mapping[str, Any], *, openid: str = "") -> dict[str, Any]:
    """Verify the pay parameters with the merchant's key, then pay; returns the transaction. Raises ControlError."""
    for name in _NAMES:
        if not isinstance(parameters.get(name), str) or not parameters[name]:
            raise ControlError(HTTPStatus.BAD_REQUEST, "missing_parameter", f"{name} must be a non-empty string")
    if parameters["signType"] != "RSA":
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_sign_type", "signType must be RSA")
    if not parameters["package"].startswith(_PREFIX):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_package", "package must be prepay_id=…")
    row = orders.by_prepay_id(sim, parameters["package"].removeprefix(_PREFIX))
    if row["appid"] != parameters["appId"]:
        raise ControlError(HTTPStatus.CONFLICT, "appid_mismatch", "the prepay_id belongs to another appId")
    signed = "\n".join((*(parameters[name] for name in _NAMES[:4]), "")).encode()
    if not crypto.verify(sim.merchants[row["mchid"]].public_key, signed, parameters["paySign"]):
        raise ControlError(HTTPStatus.CONFLICT, "bad_pay_sign", "支付验证签名失败")
    return orders.pay(sim, row, openid)
