"""Moves a purchase of now, in WeChat's books and in ours, to a day that is over: a test cannot wait for tomorrow, and the
sandbox's clock is shared by all tests."""

import sqlite3
from pathlib import Path
from typing import Any

from tests.support.orders import WAIT_USE
from tests.support.refunding import book_ahead, pay, refunds
from tests.support.system import System
from tests.support.waiting import eventually


def in_wechats_books(system: System, statement: str, *parameters: Any) -> None:
    store = sqlite3.connect(Path(system.environment["RUN_DIR"]) / "wechatsim" / "store.db", timeout=20)
    with store:
        assert store.execute(statement, parameters).rowcount > 0
    store.close()


def let_days_pass(system: System, number: str, days: int) -> None:
    """For one payment and its refunds, in both books."""
    seconds = days * 86400
    moved = "update payment_order set created_at = created_at - ?, success_at = success_at - ? where out_trade_no = ?"
    in_wechats_books(system, moved, seconds, seconds, number)
    in_wechats_books(system, "update ledger set at = at - ? where out_trade_no = ?", seconds, number)
    moved = "update third_payment set pay_time = pay_time - make_interval(days => %s) where sn = %s"
    system.rows("payment", moved, days, number)
    if refunds(system, number):
        moved = "update refund set created_at = created_at - ?, success_at = success_at - ? where out_trade_no = ?"
        in_wechats_books(system, moved, seconds, seconds, number)
        system.rows(
            "payment",
            "update refund set created_at = created_at - make_interval(days => %s),"
            " success_time = success_time - make_interval(days => %s) where payment_sn = %s",
            days,
            days,
            number,
        )


def purchase(system: System) -> tuple[str, str]:
    """A stay of some days ahead, paid: its order number and the number of its payment."""
    order_sn = book_ahead(system)
    number = pay(system, order_sn)
    eventually(lambda: system.order(order_sn)["tradeState"] == WAIT_USE, what="the order is paid")
    return order_sn, number
