"""Multi-step operations of the control API: `wechatsim trigger` and `wechatsim refund`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from wechatsim.control import views
from wechatsim.errors import ControlError, PayError
from wechatsim.faults import FAULT_BY_NAME
from wechatsim.pay import orders, prepay, refund_endings, refund_views, refunds
from wechatsim.signing import crypto
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

# Never called: while `wechatsim listen` runs, notifications go to it whatever their URL.
_TO_LISTENER = "https://listening.example.com/notify"
EVENTS = ("transaction.success", "refund.success", "refund.abnormal", "refund.closed")


def _as_control_error(error: PayError) -> ControlError:
    return ControlError(error.status, error.code.lower(), error.message)


def _number(name: str, value: Any) -> float:
    if name not in FAULT_BY_NAME or not name.startswith("callback-"):
        raise ControlError(HTTPStatus.BAD_REQUEST, "unknown_fault", f"no callback fault {name}")
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", f"the value of {name} must be a number")
    return float(value or FAULT_BY_NAME[name].value or 0)


def trigger(
    sim: Sim,
    event: str,
    *,
    out_trade_no: str = "",
    notify_url: str = "",
    total: int = 100,
    callback_faults: dict[str, Any],
) -> list[dict[str, Any]]:
    """Trigger `event` and notify it under `callback_faults`; returns the order's notifications.

    Without an order number a new order of `total` fen is created and paid first. For an order that is already
    paid, transaction.success is sent again as a new notification. Raises ControlError.
    """
    if event not in EVENTS:
        raise ControlError(HTTPStatus.BAD_REQUEST, "unknown_event", f"event must be one of {', '.join(EVENTS)}")
    callback_faults = {name: _number(name, value) for name, value in callback_faults.items()}
    if not notify_url and sim.notifier.bridge.listening():
        notify_url = _TO_LISTENER
    row = orders.by_number(sim, out_trade_no) if out_trade_no else _new_order(sim, notify_url, total)
    merchant = sim.merchants[row["mchid"]]
    if event == "transaction.success":
        _notify_paid(sim, merchant, row, callback_faults)
    else:
        if row["state"] == "NOTPAY":
            orders.pay(sim, row)
            row = orders.by_number_of(sim, row["mchid"], row["out_trade_no"])
        refund(sim, row, ending=event.partition(".")[2].upper(), notify_url=notify_url, callback_faults=callback_faults)
    sim.wake()
    return views.notifications(sim, row["out_trade_no"])


def _new_order(sim: Sim, notify_url: str, total: int) -> Row:
    if not notify_url:
        raise ControlError(
            HTTPStatus.BAD_REQUEST,
            "missing_parameter",
            "give an order (--order), where to notify (--notify-url), or listen first",
        )
    merchant = next(iter(sim.merchants.values()))
    number = f"SIM{crypto.token(20)}"
    user = sim.store.one("SELECT openid FROM user WHERE appid = ?", merchant.appid)
    order = {
        "appid": merchant.appid,
        "mchid": merchant.mchid,
        "description": "wechatsim trigger",
        "out_trade_no": number,
        "notify_url": notify_url,
        "amount": {"total": total, "currency": "CNY"},
        "payer": {"openid": user["openid"] if user else ""},
    }
    try:
        prepay.prepay(sim, merchant, json.dumps(order).encode())
    except PayError as error:
        raise _as_control_error(error) from error
    return orders.by_number_of(sim, merchant.mchid, number)


def _notify_paid(sim: Sim, merchant: Merchant, row: Row, callback_faults: dict[str, float]) -> None:
    if row["state"] == "NOTPAY":
        orders.pay(sim, row, callback_faults=callback_faults)
        return
    if not row["transaction_id"]:
        raise ControlError(HTTPStatus.CONFLICT, "order_closed", orders.DESCRIPTIONS[row["state"]])
    # The notification says SUCCESS even when the order was refunded since.
    plaintext = orders.transaction(row) | {"trade_state": "SUCCESS", "trade_state_desc": "支付成功"}
    sim.notifier.enqueue(
        merchant,
        "TRANSACTION.SUCCESS",
        row["notify_url"],
        plaintext,
        out_trade_no=row["out_trade_no"],
        callback_faults=callback_faults,
    )


def refund(
    sim: Sim,
    row: Row,
    *,
    amount: int | None = None,
    ending: str = "SUCCESS",
    out_refund_no: str = "",
    notify_url: str = "",
    reason: str = "",
    callback_faults: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Refund `amount` fen of an order, or the remaining amount; returns the refund. Raises ControlError."""
    merchant = sim.merchants[row["mchid"]]
    left = row["total"] - refunds.reserved(sim, row)
    content: dict[str, Any] = {
        "out_trade_no": row["out_trade_no"],
        "out_refund_no": out_refund_no or f"SIMR{crypto.token(20)}",
        "amount": {"refund": left if amount is None else amount, "total": row["total"], "currency": "CNY"},
    }
    if content["amount"]["refund"] < 1:
        raise ControlError(HTTPStatus.CONFLICT, "nothing_left", "nothing is left to refund")
    content |= {name: value for name, value in (("notify_url", notify_url), ("reason", reason)) if value}
    try:
        refunds.accept(sim, merchant, content, outcome=ending, callback_faults=callback_faults)
    except PayError as error:
        raise _as_control_error(error) from error
    refund_endings.finish_due(sim)
    found = refunds.find(sim, merchant, content["out_refund_no"])
    return refund_views.response(orders.by_number_of(sim, row["mchid"], row["out_trade_no"]), found) if found else {}


def finish(sim: Sim, out_refund_no: str, ending: str) -> dict[str, Any]:
    """End a refund that is PROCESSING or ABNORMAL; returns it. Raises ControlError."""
    if ending not in refund_endings.ENDINGS:
        endings = ", ".join(refund_endings.ENDINGS).lower()
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", f"a refund ends as {endings}")
    row = sim.store.one("SELECT * FROM refund WHERE out_refund_no = ?", out_refund_no)
    if row is None:
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_refund", f"no refund {out_refund_no}")
    if row["status"] not in {"PROCESSING", "ABNORMAL"}:
        raise ControlError(HTTPStatus.CONFLICT, "refund_ended", f"the refund has ended: {row['status']}")
    refund_endings.finish(sim, row, ending)
    ended = refunds.find(sim, sim.merchants[row["mchid"]], out_refund_no)
    return refund_views.response(orders.by_number_of(sim, row["mchid"], row["out_trade_no"]), ended or row)
