"""Refund requests and queries (wechat-pay-v3.md §5).

A refund is accepted as PROCESSING and ends later, on the sandbox clock. The ledger records it when it ends as
SUCCESS; until then its amount is reserved, so that an order is never refunded beyond its total.
"""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from typing import Any

from wechatsim import errors
from wechatsim.clock import beijing
from wechatsim.errors import PayError, param_error
from wechatsim.pay import fields, notify_url, orders, refund_views
from wechatsim.pay.fields import Field, array, integer, members, one_of, text
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

MAX_REFUNDS = 50
_PAUSE_S = 60
_YEAR_S = 365 * 86400
_DIFFERENT = "订单金额或退款金额与之前请求不一致，请核实后再试"
_FROM = {
    "account": Field("出资账户类型", one_of("AVAILABLE", "UNAVAILABLE"), required=True),
    "amount": Field("出资金额", integer(1), required=True),
}
_AMOUNT = {
    "refund": Field("退款金额", integer(1), required=True),
    "from": Field("退款出资账户及金额", array(members(_FROM))),
    "total": Field("原订单金额", integer(1), required=True),
    "currency": Field("退款币种", one_of("CNY"), required=True),
}
_GOODS = {
    "merchant_goods_id": Field("商户侧商品编码", text(32), required=True),
    "wechatpay_goods_id": Field("微信支付商品编码", text(32)),
    "goods_name": Field("商品名称", text(256)),
    "unit_price": Field("商品单价", integer(0), required=True),
    "refund_amount": Field("商品退款金额", integer(0), required=True),
    "refund_quantity": Field("商品退货数量", integer(1), required=True),
}
BODY = {
    "transaction_id": Field("微信支付订单号", text(32)),
    "out_trade_no": Field("商户订单号", text(32, 6, orders.OUT_TRADE_NO)),
    "out_refund_no": Field("商户退款单号", text(64, 1, r"[0-9A-Za-z_\-|*@]{1,64}"), required=True),
    "reason": Field("退款原因", text(80)),
    "notify_url": Field("退款结果回调url", text(256)),
    "funds_account": Field("退款资金来源", one_of("AVAILABLE", "UNSETTLED")),
    "amount": Field("金额信息", members(_AMOUNT), required=True),
    "goods_detail": Field("退款商品", array(members(_GOODS))),
}


def apply(sim: Sim, merchant: Merchant, body: bytes) -> dict[str, Any]:
    """Accept a refund, or return the existing one of the same number. Raises PayError; then nothing changed."""
    return accept(sim, merchant, fields.parse(body, BODY))


def accept(
    sim: Sim,
    merchant: Merchant,
    content: dict[str, Any],
    *,
    outcome: str = "",
    callback_faults: dict[str, float] | None = None,
) -> dict[str, Any]:
    """As `apply`, for validated content.

    `outcome` (SUCCESS, ABNORMAL, CLOSED) overrides the refund faults, `callback_faults` those of its callback.
    """
    _check_url(sim, content.get("notify_url", ""))
    with sim.store.transaction():
        order = _order(sim, merchant, content)
        existing = find(sim, merchant, content["out_refund_no"])
        if existing is not None:
            if existing["request"] != _fixed_part(content, order):
                raise errors.invalid_request(_DIFFERENT)
            return refund_views.response(order, existing)
        _check(sim, order, content)
        _create(sim, order, content, outcome, callback_faults)
        created = find(sim, merchant, content["out_refund_no"])
        if created is None:
            raise LookupError(content["out_refund_no"])
        response = refund_views.response(order, created)
    sim.wake()
    return response


def _check_url(sim: Sim, url: str) -> None:
    refused = notify_url.problem(url, allow_local=sim.settings.allow_local_notify) if url else ""
    if refused:
        message = f"输入源“/body/notify_url”映射到字符串字段“退款结果回调url”规则校验失败，{refused}"
        raise param_error("/notify_url", refused, message, url)


def _order(sim: Sim, merchant: Merchant, content: dict[str, Any]) -> Row:
    number, transaction_id = content.get("out_trade_no"), content.get("transaction_id")
    if not number and not transaction_id:
        message = "输入源“/body/transaction_id”映射到字段“微信支付订单号”规则校验失败，与商户订单号二选一必填"
        raise param_error("/transaction_id", "one of transaction_id and out_trade_no is required", message)
    orders.expire(sim)
    row = sim.store.one(
        "SELECT * FROM payment_order WHERE mchid = ? AND state <> 'BURNED'"
        " AND (? IS NULL OR out_trade_no = ?) AND (? IS NULL OR transaction_id = ?)",
        merchant.mchid,
        number,
        number,
        transaction_id,
        transaction_id,
    )
    if row is None:
        raise PayError(HTTPStatus.NOT_FOUND, "RESOURCE_NOT_EXISTS", "订单不存在")
    return row


def find(sim: Sim, merchant: Merchant, out_refund_no: str) -> Row | None:
    return sim.store.one("SELECT * FROM refund WHERE mchid = ? AND out_refund_no = ?", merchant.mchid, out_refund_no)


def _fixed_part(content: dict[str, Any], order: Row) -> str:
    # A repeated request may name the order by its other number; order and amounts must not change.
    kept = {"out_trade_no": order["out_trade_no"], "amount": content["amount"]}
    return json.dumps(kept, sort_keys=True)


def reserved(sim: Sim, order: Row) -> int:
    """Fen of this order that are refunded or still may be."""
    row = sim.store.one(
        "SELECT COALESCE(SUM(amount), 0) AS n FROM refund WHERE mchid = ? AND out_trade_no = ? AND status <> 'CLOSED'",
        order["mchid"],
        order["out_trade_no"],
    )
    return int(row["n"]) if row else 0


def _check(sim: Sim, order: Row, content: dict[str, Any]) -> None:
    amount, now = content["amount"], sim.clock.now()
    if not order["transaction_id"]:
        raise errors.invalid_request("订单未支付，不能退款")
    if amount["total"] != order["total"]:
        raise errors.invalid_request(_DIFFERENT)
    if amount["refund"] > order["total"] - reserved(sim, order):
        raise errors.invalid_request("申请退款金额大于可退金额，请核实后再试")
    if "from" in amount and sum(part["amount"] for part in amount["from"]) != amount["refund"]:
        raise errors.invalid_request("出资金额之和与退款金额不一致")
    if now - order["success_at"] > _YEAR_S:
        raise errors.invalid_request("订单已超过退款期限")
    earlier = sim.store.all(
        "SELECT created_at FROM refund WHERE mchid = ? AND out_trade_no = ?",
        order["mchid"],
        order["out_trade_no"],
    )
    if len(earlier) >= MAX_REFUNDS:
        raise errors.invalid_request("部分退款次数超过限制")
    if sim.settings.strict and any(now - row["created_at"] < _PAUSE_S for row in earlier):
        raise PayError(HTTPStatus.TOO_MANY_REQUESTS, "FREQUENCY_LIMITED", "同一订单的退款需间隔1分钟")
    subject = f"{order['out_trade_no']} {content['out_refund_no']}"
    if sim.faults.consume("refund-not-enough", subject, order["total"]) is not None:
        raise PayError(HTTPStatus.FORBIDDEN, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    if sim.faults.consume("refund-refused", subject, order["total"]) is not None:
        raise PayError(HTTPStatus.FORBIDDEN, "USER_ACCOUNT_ABNORMAL", "用户账户异常，退款失败")


def finish_time(sim: Sim, order: Row, out_refund_no: str, *, magic: bool = False) -> float | None:
    """When a refund that becomes PROCESSING now succeeds (sandbox seconds); None while `refund-processing` applies.
    With `magic` the faults that the order's amount stands for (`faults.FAULT_BY_AMOUNT`) apply as well."""
    subject, total = f"{order['out_trade_no']} {out_refund_no}", order["total"] if magic else 0
    late = sim.faults.consume("refund-late", subject, total) or 0.0
    held = sim.faults.consume("refund-processing", subject, total) is not None
    return None if held else sim.clock.now() + late


def _outcome(sim: Sim, order: Row, out_refund_no: str) -> tuple[str, float | None]:
    subject, total = f"{order['out_trade_no']} {out_refund_no}", order["total"]
    for name, outcome in (("refund-abnormal", "ABNORMAL"), ("refund-closed", "CLOSED")):
        if sim.faults.consume(name, subject, total) is not None:
            return outcome, sim.clock.now() + (sim.faults.consume("refund-late", subject, total) or 0.0)
    return "SUCCESS", finish_time(sim, order, out_refund_no, magic=True)


def _create(
    sim: Sim, order: Row, content: dict[str, Any], outcome: str, callback_faults: dict[str, float] | None
) -> None:
    now, amount = sim.clock.now(), content["amount"]["refund"]
    ending, finish_at = (outcome, now) if outcome else _outcome(sim, order, content["out_refund_no"])
    subject = f"{order['out_trade_no']} {content['out_refund_no']}"
    available = sim.faults.consume("refund-available", subject, order["total"]) is not None
    sim.store.insert(
        "refund",
        mchid=order["mchid"],
        out_refund_no=content["out_refund_no"],
        refund_id=f"5030{secrets.randbelow(10**6):06d}{beijing(now):%Y%m%d}{secrets.randbelow(10**11):011d}",
        out_trade_no=order["out_trade_no"],
        amount=amount,
        payer_refund=_payer_part(sim, order, amount),
        request=_fixed_part(content, order),
        reason=content.get("reason", ""),
        notify_url=content.get("notify_url", ""),
        funds_account="AVAILABLE" if available else content.get("funds_account", "UNSETTLED"),
        channel="ORIGINAL",
        received_account="支付用户零钱",
        status="PROCESSING",
        created_at=now,
        finish_at=finish_at,
        outcome=ending,
        tamper="" if callback_faults is None else json.dumps(callback_faults),
    )
    sim.store.run(
        "UPDATE payment_order SET state = 'REFUND' WHERE mchid = ? AND out_trade_no = ?",
        order["mchid"],
        order["out_trade_no"],
    )


def _payer_part(sim: Sim, order: Row, amount: int) -> int:
    """The part of `amount` (fen) that goes back to the payer; the rest is the coupon's. All parts add up exactly."""
    before = reserved(sim, order)
    share = order["payer_total"]
    return int((before + amount) * share // order["total"] - before * share // order["total"])
