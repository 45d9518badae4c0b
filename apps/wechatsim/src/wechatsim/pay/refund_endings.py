"""Ends refunds when they become due on the sandbox clock (`refunds.finish_time` says when)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wechatsim.pay import orders, refund_views, refunds
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

ENDINGS = ("SUCCESS", "ABNORMAL", "CLOSED")


async def run(sim: Sim) -> None:
    """Finish refunds as they become due, until cancelled."""
    while True:
        sim.refunds_due.clear()
        finish_due(sim)
        row = sim.store.one("SELECT MIN(finish_at) AS at FROM refund WHERE finish_at IS NOT NULL")
        wait = None if row is None or row["at"] is None else max(0.05, row["at"] - sim.clock.now())
        try:
            async with asyncio.timeout(wait):
                await sim.refunds_due.wait()
        except TimeoutError:
            continue


def finish_at_once(sim: Sim, merchant: Merchant, accepted: dict[str, Any]) -> dict[str, Any]:
    """The response to a refund request, `accepted`; under `refund-at-once` after the refund has ended."""
    subject = f"{accepted['out_trade_no']} {accepted['out_refund_no']}"
    refund = refunds.find(sim, merchant, accepted["out_refund_no"])
    if refund is None or refund["status"] != "PROCESSING":
        return accepted
    if sim.faults.consume("refund-at-once", subject, accepted["amount"]["total"]) is None:
        return accepted
    finish(sim, refund, refund["outcome"])
    order = orders.by_number_of(sim, merchant.mchid, refund["out_trade_no"])
    return refund_views.response(order, refunds.find(sim, merchant, refund["out_refund_no"]) or refund)


def finish_due(sim: Sim) -> None:
    """End every refund that is due."""
    for row in sim.store.all("SELECT * FROM refund WHERE finish_at <= ?", sim.clock.now()):
        if row["mchid"] in sim.merchants:
            finish(sim, row, row["outcome"])
        else:
            # The store may have refunds of a merchant that is not loaded; without its key there is no notification.
            sim.store.run(
                "UPDATE refund SET finish_at = NULL WHERE mchid = ? AND out_refund_no = ?",
                row["mchid"],
                row["out_refund_no"],
            )


def finish(sim: Sim, refund: Row, ending: str) -> None:
    """End `refund` as SUCCESS, ABNORMAL or CLOSED: status, ledger and notification in one transaction."""
    merchant = sim.merchants[refund["mchid"]]
    now = sim.clock.now()
    with sim.store.transaction():
        changed = sim.store.run(
            "UPDATE refund SET status = ?, success_at = ?, finish_at = NULL"
            " WHERE mchid = ? AND out_refund_no = ? AND status IN ('PROCESSING', 'ABNORMAL')",
            ending,
            now if ending == "SUCCESS" else None,
            refund["mchid"],
            refund["out_refund_no"],
        )
        if not changed:
            return
        order = orders.by_number_of(sim, refund["mchid"], refund["out_trade_no"])
        ended = refunds.find(sim, merchant, refund["out_refund_no"])
        if ended is None:
            return
        if ending == "SUCCESS":
            sim.store.insert(
                "ledger",
                at=now,
                mchid=refund["mchid"],
                kind="REFUND",
                out_trade_no=refund["out_trade_no"],
                out_refund_no=refund["out_refund_no"],
                amount=refund["amount"],
            )
        elif ending == "CLOSED" and not refunds.reserved(sim, order):
            sim.store.run(
                "UPDATE payment_order SET state = 'SUCCESS' WHERE mchid = ? AND out_trade_no = ?",
                refund["mchid"],
                refund["out_trade_no"],
            )
        if refund["notify_url"]:
            sim.notifier.enqueue(
                merchant,
                f"REFUND.{ending}",
                refund["notify_url"],
                refund_views.notification(order, ended),
                out_trade_no=refund["out_trade_no"],
                out_refund_no=refund["out_refund_no"],
                total=order["total"],
                callback_faults=json.loads(refund["tamper"]) if refund["tamper"] else None,
            )
    sim.notifier.wake()
