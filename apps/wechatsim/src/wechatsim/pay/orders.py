"""Orders: find, query, close, pay. NOTPAY → SUCCESS → REFUND, NOTPAY → CLOSED (wechat-pay-v3.md §4)."""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from typing import Any

from wechatsim import errors
from wechatsim.clock import beijing, rfc3339
from wechatsim.errors import ControlError, PayError
from wechatsim.mini import message
from wechatsim.pay import fields
from wechatsim.pay.fields import Field, text
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

DESCRIPTIONS = {"SUCCESS": "支付成功", "REFUND": "转入退款", "NOTPAY": "订单未支付", "CLOSED": "订单已关闭"}
_CLOSE_BODY = {"mchid": Field("直连商户号", text(32), required=True)}
COUPON_ID = "109519"
OUT_TRADE_NO = r"[0-9A-Za-z_\-|*@]{6,32}"
_NUMBER = text(32, 6, OUT_TRADE_NO)
PREPAY_LIFE_S = 2 * 3600
"""How long the cashier takes a prepay_id, and a repeated request returns the same one."""


def total_in(body: bytes) -> int:
    """amount.total (fen) of a request that was already accepted; 0 when it has none."""
    content = json.loads(body)
    amount = content.get("amount") if isinstance(content, dict) else None
    total = amount.get("total") if isinstance(amount, dict) else None
    return total if isinstance(total, int) else 0


def expire(sim: Sim) -> None:
    """Close unpaid orders past their expiry; called before every read, so that no overdue order is returned as open."""
    sim.store.run(
        "UPDATE payment_order SET state = 'CLOSED' WHERE state = 'NOTPAY' AND time_expire <= ?", sim.clock.now()
    )


def find(sim: Sim, merchant: Merchant, out_trade_no: str) -> Row | None:
    """The order's row, or None. Includes numbers that were closed without an order (BURNED)."""
    expire(sim)
    return sim.store.one(
        "SELECT * FROM payment_order WHERE mchid = ? AND out_trade_no = ?", merchant.mchid, out_trade_no
    )


def query(merchant: Merchant, row: Row | None) -> dict[str, Any]:
    """The response to both queries; 404 ORDER_NOT_EXIST for an unknown number."""
    if row is None or row["state"] == "BURNED" or row["mchid"] != merchant.mchid:
        raise errors.order_not_exist()
    if row["transaction_id"]:
        return transaction(row)
    return {
        "amount": {"payer_currency": "CNY", "total": row["total"]},
        "appid": row["appid"],
        "mchid": row["mchid"],
        "out_trade_no": row["out_trade_no"],
        "promotion_detail": [],
        "scene_info": {"device_id": ""},
        "trade_state": row["state"],
        "trade_state_desc": DESCRIPTIONS[row["state"]],
    }


def transaction(row: Row) -> dict[str, Any]:
    """A paid order as queries and notifications show it (wechat-pay-v3.md §3)."""
    shown: dict[str, Any] = {
        "mchid": row["mchid"],
        "appid": row["appid"],
        "out_trade_no": row["out_trade_no"],
        "transaction_id": row["transaction_id"],
        "trade_type": "JSAPI",
        "trade_state": row["state"],
        "trade_state_desc": DESCRIPTIONS[row["state"]],
        "bank_type": row["bank_type"],
        "attach": row["attach"],
        "success_time": rfc3339(row["success_at"]),
        "payer": {"openid": row["openid"]},
        "amount": {
            "total": row["total"],
            "payer_total": row["payer_total"],
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }
    device = json.loads(row["request"]).get("scene_info", {}).get("device_id")
    if device:
        shown["scene_info"] = {"device_id": device}
    if row["payer_total"] < row["total"]:
        shown["promotion_detail"] = [
            {
                "coupon_id": COUPON_ID,
                "name": "沙箱代金券",
                "scope": "GLOBAL",
                "type": "CASH",
                "amount": row["total"] - row["payer_total"],
                "wechatpay_contribute": row["total"] - row["payer_total"],
                "merchant_contribute": 0,
                "other_contribute": 0,
                "currency": "CNY",
            }
        ]
    return shown


def close(sim: Sim, merchant: Merchant, out_trade_no: str, body: bytes) -> None:
    """Close an order; idempotent. Closing a number that was never ordered uses it up (BURNED) (wechat-pay-v3.md §4)."""
    content = fields.load(body)
    if isinstance(content, dict) and "mchid" not in content:
        # The live host reports it as a missing URI parameter.
        raise errors.missing("uri_template", "mchid", "直连商户号")
    if fields.parse(body, _CLOSE_BODY)["mchid"] != merchant.mchid:
        raise errors.mchid_mismatch()
    _NUMBER("/out_trade_no", "商户订单号", out_trade_no)
    # Raised after the transaction, not in it: 400 ORDER_CLOSED leaves a closed order.
    with sim.store.transaction():
        error = _close(sim, merchant, out_trade_no)
    if error is not None:
        raise error


def _close(sim: Sim, merchant: Merchant, out_trade_no: str) -> PayError | None:
    row = find(sim, merchant, out_trade_no)
    if row is not None and row["state"] in {"SUCCESS", "REFUND"}:
        return errors.order_paid()
    if sim.faults.consume("close-paying", out_trade_no) is not None:
        return errors.user_paying()
    if sim.faults.consume("close-unknown", out_trade_no) is not None:
        return errors.order_not_exist()
    if row is None:
        _burn(sim, merchant, out_trade_no)
    elif row["state"] == "NOTPAY":
        sim.store.run(
            "UPDATE payment_order SET state = 'CLOSED' WHERE mchid = ? AND out_trade_no = ?",
            merchant.mchid,
            out_trade_no,
        )
    return errors.order_closed() if sim.faults.consume("close-closed", out_trade_no) is not None else None


def _burn(sim: Sim, merchant: Merchant, out_trade_no: str) -> None:
    sim.store.insert(
        "payment_order",
        mchid=merchant.mchid,
        out_trade_no=out_trade_no,
        appid=merchant.appid,
        openid="",
        total=0,
        payer_total=0,
        description="",
        attach="",
        notify_url="",
        request="{}",
        created_at=sim.clock.now(),
        time_expire=sim.clock.now(),
        state="BURNED",
    )


def by_prepay_id(sim: Sim, prepay_id: str) -> Row:
    """The order of a prepay_id. Raises ControlError when it is unknown or two hours old."""
    expire(sim)
    row = sim.store.one(
        "SELECT o.*, p.created_at AS prepay_at FROM prepay p JOIN payment_order o"
        " ON o.mchid = p.mchid AND o.out_trade_no = p.out_trade_no WHERE p.prepay_id = ?",
        prepay_id,
    )
    if row is None:
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_prepay_id", "no such prepay_id")
    if row["prepay_at"] + PREPAY_LIFE_S <= sim.clock.now():
        raise ControlError(HTTPStatus.CONFLICT, "prepay_id_expired", "the prepay_id is older than two hours")
    return row


def by_number(sim: Sim, out_trade_no: str) -> Row:
    """The order of this number, of any merchant. Raises ControlError when there is none."""
    expire(sim)
    row = sim.store.one("SELECT * FROM payment_order WHERE out_trade_no = ? AND state <> 'BURNED'", out_trade_no)
    if row is None:
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_order", f"no order {out_trade_no}")
    return row


def pay(
    sim: Sim, row: Row, openid: str = "", *, subscribe: bool = True, callback_faults: dict[str, float] | None = None
) -> dict[str, Any]:
    """The payer pays: ledger, message quota and notification in one transaction; returns WeChat's transaction object.

    `openid` must be the order's payer when given. `subscribe` grants one message per template. Raises ControlError.
    """
    merchant = sim.merchants[row["mchid"]]
    if openid and openid != row["openid"]:
        raise ControlError(HTTPStatus.CONFLICT, "not_the_payer", "下单账号与支付账号不一致")
    if row["state"] != "NOTPAY":
        raise ControlError(HTTPStatus.CONFLICT, f"order_{row['state'].lower()}", DESCRIPTIONS[row["state"]])
    if sim.faults.consume("pay-cancelled", row["out_trade_no"], row["total"]) is not None:
        raise ControlError(HTTPStatus.CONFLICT, "cancelled", "用户取消了支付")
    coupon = sim.faults.consume("pay-coupon", row["out_trade_no"], row["total"]) or 0.0
    now = sim.clock.now()
    number = f"4200{secrets.randbelow(10**6):06d}{beijing(now):%Y%m%d}{secrets.randbelow(10**10):010d}"
    with sim.store.transaction():
        sim.store.run(
            "UPDATE payment_order SET state = 'SUCCESS', transaction_id = ?, success_at = ?, bank_type = 'OTHERS',"
            " payer_total = ? WHERE mchid = ? AND out_trade_no = ? AND state = 'NOTPAY'",
            number,
            now,
            max(0, row["total"] - int(coupon)),
            row["mchid"],
            row["out_trade_no"],
        )
        sim.store.insert(
            "ledger",
            at=now,
            mchid=row["mchid"],
            kind="PAY",
            out_trade_no=row["out_trade_no"],
            amount=row["total"],
        )
        if subscribe:
            for template_id in merchant.templates:
                message.grant(sim, row["openid"], template_id)
        paid = transaction(by_number_of(sim, row["mchid"], row["out_trade_no"]))
        sim.notifier.enqueue(
            merchant,
            "TRANSACTION.SUCCESS",
            row["notify_url"],
            paid,
            out_trade_no=row["out_trade_no"],
            total=row["total"],
            callback_faults=callback_faults,
        )
    sim.notifier.wake()
    return paid


def by_number_of(sim: Sim, mchid: str, out_trade_no: str) -> Row:
    """The row of an order that is known to exist."""
    row = sim.store.one("SELECT * FROM payment_order WHERE mchid = ? AND out_trade_no = ?", mchid, out_trade_no)
    if row is None:
        raise LookupError(out_trade_no)
    return row
