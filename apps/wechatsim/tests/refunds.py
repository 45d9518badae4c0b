"""Paying an order and asking for its refund, as a merchant does."""

from __future__ import annotations

from typing import Any

from .conftest import MerchantClient

REFUNDS = "/v3/refund/domestic/refunds"


async def paid(merchant: MerchantClient, number: str, total: int = 19900) -> None:
    await merchant.prepay(number, amount={"total": total, "currency": "CNY"})
    await merchant.pay(number)


def body(
    merchant: MerchantClient, order: str, number: str, fen: int, total: int = 19900, **more: Any
) -> dict[str, Any]:
    return {
        "out_trade_no": order,
        "out_refund_no": number,
        "amount": {"refund": fen, "total": total, "currency": "CNY"},
        "notify_url": merchant.notify_url,
    } | more


async def status(merchant: MerchantClient, number: str) -> str:
    return str((await merchant.send("GET", f"{REFUNDS}/{number}")).json()["status"])
