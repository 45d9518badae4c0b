"""How the bill-* faults change a day's trade bill: lines of other apps or days, and cells that are hard to parse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wechatsim.clock import beijing
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

Sale = Row | dict[str, Any]
FOREIGN_APPID, FOREIGN_FEN = "wx9999999999999999", 1000
AWKWARD = ', "sea view"\r\nbreakfast, `early`\nbird'
"""Appended to name and remark: everything that a bill does not escape."""
UNREADABLE = ",`x,`1.00000,`0.60%,`0.01,`0.00,`"
"""Appended to the name: the rest of the line can be parsed in two ways, with two amounts."""
_DAY_S = 86400


def sales(sim: Sim, merchant: Merchant, begin: float, end: float) -> list[Sale]:
    """The payments on the bill of [begin, end): the day's own, and other apps' under the same merchant number.

    `bill-other-day` moves a payment to the bill of the day before.
    """
    rows = sim.store.all(
        "SELECT *, success_at AS at FROM payment_order WHERE mchid = ? AND success_at >= ? AND success_at < ?",
        merchant.mchid,
        begin,
        end + _DAY_S,
    )
    own = [row for row in rows if (row["at"] >= end) == _is_moved(sim, row)]
    day = f"{beijing(begin):%Y%m%d}"
    foreign = int(sim.faults.consume("bill-foreign", f"{beijing(begin):%Y-%m-%d}") or 0)
    return [*own, *(_foreign(merchant, begin + _DAY_S / 2 + n, f"{day}{n:04d}") for n in range(foreign))]


def _is_moved(sim: Sim, row: Row) -> bool:
    return sim.faults.consume("bill-other-day", row["out_trade_no"]) is not None


def _foreign(merchant: Merchant, at: float, number: str) -> Sale:
    return {
        "at": at,
        "appid": FOREIGN_APPID,
        "mchid": merchant.mchid,
        "request": "{}",
        "transaction_id": f"4200999999{number}{0:06d}",
        "out_trade_no": f"COURSE-{number}",
        "openid": "oForeign00000000000000000001",
        "bank_type": "OTHERS",
        "total": FOREIGN_FEN,
        "payer_total": FOREIGN_FEN,
        "description": "课程, 摄影入门",
        "attach": "17,18,19",
    }


def change_cells(sim: Sim, lines: Sequence[list[str]], columns: Sequence[str]) -> None:
    """Change the free-text cells of the lines to which `bill-awkward` and `bill-unreadable` apply."""
    name, remark, number = (columns.index(each) for each in ("商品名称", "费率备注", "商户订单号"))
    for cells in lines:
        if sim.faults.consume("bill-awkward", cells[number]) is not None:
            cells[name] += AWKWARD
            cells[remark] += AWKWARD
        if sim.faults.consume("bill-unreadable", cells[number]) is not None:
            cells[name] += UNREADABLE
