"""Database rows as JSON, for the control API, the CLI and the console."""

from __future__ import annotations

import json
from typing import Any

from wechatsim.clock import rfc3339
from wechatsim.sim import Sim
from wechatsim.store import Row

_NEWEST = 200


def order(row: Row) -> dict[str, Any]:
    return {
        "out_trade_no": row["out_trade_no"],
        "transaction_id": row["transaction_id"],
        "mchid": row["mchid"],
        "appid": row["appid"],
        "openid": row["openid"],
        "total": row["total"],
        "payer_total": row["payer_total"],
        "description": row["description"],
        "attach": row["attach"],
        "notify_url": row["notify_url"],
        "state": row["state"],
        "created_at": rfc3339(row["created_at"]),
        "time_expire": rfc3339(row["time_expire"]),
        "success_time": rfc3339(row["success_at"]) if row["success_at"] else None,
    }


def orders(sim: Sim, limit: int = _NEWEST) -> list[dict[str, Any]]:
    """Orders, newest first, each with its latest prepay_id."""
    rows = sim.store.all(
        "SELECT o.*, (SELECT prepay_id FROM prepay p WHERE p.mchid = o.mchid AND p.out_trade_no = o.out_trade_no"
        " ORDER BY created_at DESC LIMIT 1) AS prepay_id"
        " FROM payment_order o WHERE state <> 'BURNED' ORDER BY created_at DESC LIMIT ?",
        limit,
    )
    return [order(row) | {"prepay_id": row["prepay_id"]} for row in rows]


def books(sim: Sim, out_trade_no: str = "") -> list[dict[str, Any]]:
    """Per order what was paid, refunded and is held, in fen, computed from the append-only ledger."""
    rows = sim.store.all(
        "SELECT o.mchid, o.out_trade_no, o.total, o.state, o.transaction_id,"
        " COALESCE(SUM(CASE l.kind WHEN 'PAY' THEN l.amount END), 0) AS paid,"
        " COALESCE(SUM(CASE l.kind WHEN 'REFUND' THEN l.amount END), 0)"
        " AS refunded"
        " FROM payment_order o LEFT JOIN ledger l ON l.mchid = o.mchid AND l.out_trade_no = o.out_trade_no"
        " WHERE o.state <> 'BURNED' AND (? = '' OR o.out_trade_no = ?)"
        " GROUP BY o.mchid, o.out_trade_no ORDER BY o.created_at, o.out_trade_no",
        out_trade_no,
        out_trade_no,
    )
    open_sums = {
        (row["mchid"], row["out_trade_no"]): row["n"]
        for row in sim.store.all(
            "SELECT mchid, out_trade_no, SUM(amount) AS n FROM refund"
            " WHERE status IN ('PROCESSING', 'ABNORMAL') AND (? = '' OR out_trade_no = ?)"
            " GROUP BY mchid, out_trade_no",
            out_trade_no,
            out_trade_no,
        )
    }
    return [
        dict(row)
        | {
            "refunding": open_sums.get((row["mchid"], row["out_trade_no"]), 0),
            "held": row["paid"] - row["refunded"],
        }
        for row in rows
    ]


def refunds(sim: Sim, out_trade_no: str = "") -> list[dict[str, Any]]:
    """Refunds, newest first."""
    rows = sim.store.all(
        "SELECT out_refund_no, refund_id, out_trade_no, amount, payer_refund, status, reason, channel, created_at,"
        " success_at FROM refund WHERE ? = '' OR out_trade_no = ? ORDER BY created_at DESC LIMIT ?",
        out_trade_no,
        out_trade_no,
        _NEWEST,
    )
    return [
        dict(row)
        | {
            "created_at": rfc3339(row["created_at"]),
            "success_at": rfc3339(row["success_at"]) if row["success_at"] else None,
        }
        for row in rows
    ]


def notification(sim: Sim, row: Row) -> dict[str, Any]:
    """A notification with its attempts, each with request and response."""
    attempts = sim.store.all("SELECT * FROM attempt WHERE notification_id = ? ORDER BY id", row["id"])
    return {
        "id": row["id"],
        "event_type": row["event_type"],
        "out_trade_no": row["out_trade_no"],
        "out_refund_no": row["out_refund_no"],
        "url": row["url"],
        "state": row["state"],
        "created_at": rfc3339(row["created_at"]),
        "next_at": rfc3339(row["next_at"]) if row["next_at"] else None,
        "plaintext": json.loads(row["plaintext"]),
        "faults": json.loads(row["tamper"]) if row["tamper"] else {},
        "attempts": [attempt(one) for one in attempts],
    }


def attempt(row: Row) -> dict[str, Any]:
    return {
        "n": row["n"],
        "at": rfc3339(row["at"]),
        "real_at": row["real_at"],
        "url": row["url"],
        "fault": row["fault"],
        "status": row["status"],
        "accepted": bool(row["accepted"]),
        "duration_ms": row["duration_ms"],
        "error": row["error"],
        "request_headers": json.loads(row["request_headers"]),
        "request_body": row["request_body"].decode(errors="replace"),
        "response_body": row["response_body"],
    }


def notifications(sim: Sim, out_trade_no: str = "", limit: int = _NEWEST) -> list[dict[str, Any]]:
    """Notifications, newest first."""
    rows = sim.store.all(
        "SELECT * FROM notification WHERE ? = '' OR out_trade_no = ? ORDER BY seq DESC LIMIT ?",
        out_trade_no,
        out_trade_no,
        limit,
    )
    return [notification(sim, row) for row in rows]
