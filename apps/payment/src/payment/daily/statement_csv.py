"""A payout statement as CSV (RFC 4180) that a spreadsheet opens as it is: UTF-8 with a byte order mark, amounts in yuan,
text that would be a formula made plain."""

import csv
import io
from collections.abc import Iterable, Sequence

from payment.daily.statement_repository import OrderLine

BYTE_ORDER_MARK = "\ufeff"
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def written(lines: Iterable[OrderLine], header: Sequence[str], total: str) -> str:
    """`header` has a cell for each column; `total` is the first cell of the last row, which sums up all others."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(header)
    sums = [0, 0, 0, 0, 0]
    for each in lines:
        amounts = [each.total_fen, each.refunded_fen, each.kept_fen, each.fee_fen, each.payable_fen]
        sums = [before + fen for before, fen in zip(sums, amounts, strict=True)]
        table.writerow([each.day.isoformat(), plain(each.title), each.order_sn, *map(_yuan, amounts)])
    table.writerow([total, "", "", *map(_yuan, sums)])
    return BYTE_ORDER_MARK + out.getvalue()


def plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe stands before what looks like one."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def _yuan(fen: int) -> str:
    """Exact, with two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"
