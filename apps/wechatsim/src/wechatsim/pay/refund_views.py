"""A refund as responses (`status`) and notifications (`refund_status`) contain it (wechat-pay-v3.md §5)."""

from __future__ import annotations

import json
from typing import Any

from wechatsim.clock import rfc3339
from wechatsim.pay import orders
from wechatsim.store import Row


def response(order: Row, refund: Row) -> dict[str, Any]:
    """The response to apply, query and apply-abnormal-refund."""
    payer, coupon = refund["payer_refund"], refund["amount"] - refund["payer_refund"]
    response: dict[str, Any] = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "transaction_id": order["transaction_id"],
        "out_trade_no": order["out_trade_no"],
        "channel": refund["channel"],
        "user_received_account": refund["received_account"],
    }
    if refund["success_at"]:
        response["success_time"] = rfc3339(refund["success_at"])
    return response | {
        "create_time": rfc3339(refund["created_at"]),
        "status": refund["status"],
        "funds_account": refund["funds_account"],
        "amount": {
            "total": order["total"],
            "refund": refund["amount"],
            "from": json.loads(refund["request"])["amount"].get("from", []),
            "payer_total": order["payer_total"],
            "payer_refund": payer,
            "settlement_refund": refund["amount"],
            "settlement_total": order["total"],
            "discount_refund": coupon,
            "currency": "CNY",
            "refund_fee": 0,
        },
        "promotion_detail": _promotion(order, coupon) if coupon else [],
    }


def _promotion(order: Row, given_back: int) -> list[dict[str, Any]]:
    """The part of the refund that goes back to the coupon."""
    return [
        {
            "promotion_id": orders.COUPON_ID,
            "scope": "GLOBAL",
            "type": "COUPON",
            "amount": order["total"] - order["payer_total"],
            "refund_amount": given_back,
            "goods_detail": [],
        }
    ]


def notification(order: Row, refund: Row) -> dict[str, Any]:
    """The plaintext of REFUND.SUCCESS, REFUND.ABNORMAL and REFUND.CLOSED."""
    plaintext: dict[str, Any] = {
        "mchid": refund["mchid"],
        "out_trade_no": refund["out_trade_no"],
        "transaction_id": order["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": refund["refund_id"],
        "refund_status": refund["status"],
    }
    if refund["success_at"]:
        plaintext["success_time"] = rfc3339(refund["success_at"])
    return plaintext | {
        "user_received_account": refund["received_account"],
        "amount": {
            "total": order["total"],
            "refund": refund["amount"],
            "payer_total": order["payer_total"],
            "payer_refund": refund["payer_refund"],
        },
    }
