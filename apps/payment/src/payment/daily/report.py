"""Reports a day's reconciliation as text, CSV or JSON, streamed from the database."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from payment.daily import reconciliation_repository as repository
from payment.models import Reconciliation, ReconciliationDifference
from servicekit.db import Database

PAGE = 1000
COLUMNS = (
    "bill_date",
    "subject",
    "kind",
    "number",
    "payment_sn",
    "ours_state",
    "theirs_state",
    "ours_fen",
    "theirs_fen",
    "repair",
    "outcome",
    "found_at",
    "ended_at",
)
KIND_LABELS = {
    "missing_here": "on the bill, not in our books",
    "missing_there": "in our books, not on the bill",
    "amount": "another amount",
    "state": "another state",
    "unreadable": "could not be read",
}
FIGURES = (
    "payments",
    "payments_fen",
    "refunds",
    "refunds_fen",
    "fee_yuan",
    "not_ours_payments",
    "not_ours_payments_fen",
    "not_ours_refunds",
    "not_ours_refunds_fen",
    "not_ours_fee_yuan",
    "of_other_days",
    "unreadable",
)


@dataclass(kw_only=True, eq=False)
class Report:
    db: Database

    async def text(self, day: date) -> AsyncIterator[str]:
        run, counts = await self._head(day)
        yield f"Reconciliation of {day}\n"
        if run is None or run.state != "done":
            yield "not through yet" + (f": {run.problem}\n" if run and run.problem else "\n")
        elif not run.has_bill:
            yield "WeChat has no bill of that day: no transactions\n"
        else:
            for part in _figures(run):
                yield part
        yield f"differences: {sum(each[3] for each in counts)}\n"
        for subject, kind, outcome, count in counts:
            yield f"  {count:>7}  {subject} {KIND_LABELS[kind]}: {outcome}\n"
        async for row in self._rows(day):
            if row.kind == "unreadable":
                yield f"unreadable    {row.number}  {(row.line or {}).get('why')}"
                yield f"  → {row.repair or 'open'}: {row.outcome}\n"
                continue
            ours, theirs = (
                f"{state or 'nothing'} {yuan(fen) if fen is not None else ''}".strip()
                for state, fen in ((row.ours_state, row.ours_fen), (row.theirs_state, row.theirs_fen))
            )
            yield f"{row.kind:<13} {row.subject:<7} {row.number}  ours: {ours}  theirs: {theirs}"
            yield f"  → {row.repair or 'open'}: {row.outcome}\n"

    async def csv(self, day: date) -> AsyncIterator[str]:
        yield _line(COLUMNS)
        async for row in self._rows(day):
            yield _line([_plain(getattr(row, name)) for name in COLUMNS])

    async def json(self, day: date) -> AsyncIterator[str]:
        run, counts = await self._head(day)
        head = {
            "date": str(day),
            "state": run.state if run else None,
            "problem": run.problem if run else None,
            "bill": {name: _plain(getattr(run, name)) for name in FIGURES} if run and run.has_bill else None,
            "counts": [dict(zip(("subject", "kind", "outcome", "count"), each, strict=True)) for each in counts],
        }
        yield json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}") + ',\n "differences": ['
        between = "\n  "
        async for row in self._rows(day):
            yield between + json.dumps({name: _plain(getattr(row, name)) for name in COLUMNS}, ensure_ascii=False)
            between = ",\n  "
        yield "\n ]\n}\n" if between != "\n  " else "]\n}\n"

    async def _head(self, day: date) -> tuple[Reconciliation | None, Any]:
        async with self.db.read() as session:
            return await repository.run(session, day), await repository.counts(session, day)

    async def _rows(self, day: date) -> AsyncIterator[ReconciliationDifference]:
        last = 0
        while True:
            async with self.db.read() as session:
                page = await repository.of_day(session, day, above=last, size=PAGE)
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            last = page[-1].id


def _figures(run: Reconciliation) -> Iterator[str]:
    """The totals of the bill, and which part of them is ours."""
    fee, foreign_fee = run.fee_yuan or Decimal(0), run.not_ours_fee_yuan or Decimal(0)
    whole = (run.payments or 0, run.payments_fen or 0, run.refunds or 0, run.refunds_fen or 0)
    foreign = (
        run.not_ours_payments or 0,
        run.not_ours_payments_fen or 0,
        run.not_ours_refunds or 0,
        run.not_ours_refunds_fen or 0,
    )
    yield _sums("on the bill", whole, fee)
    if any(foreign):
        yield _sums(
            "  ours", tuple(all_ - theirs for all_, theirs in zip(whole, foreign, strict=True)), fee - foreign_fee
        )
        yield _sums("  not ours", foreign, foreign_fee)
    if run.of_other_days:
        yield f"of other days: {run.of_other_days} payments\n"
    if run.unreadable:
        yield f"could not be read, so in no sum: {run.unreadable}\n"


def _sums(what: str, figures: Sequence[int], fee: Decimal) -> str:
    payments, payments_fen, refunds, refunds_fen = figures
    return (
        f"{what}: {payments} payments, {yuan(payments_fen)}; {refunds} refunds, {yuan(refunds_fen)}; fee ¥{fee:.5f}\n"
    )


def yuan(fen: int | None) -> str:
    fen = fen or 0
    return f"¥{fen // 100}.{fen % 100:02d}"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:.5f}"
    return value if value is None or isinstance(value, (int, str)) else str(value)


def _line(cells: Any) -> str:
    """A CSV line; cells that a spreadsheet would take for a formula are quoted."""
    out = io.StringIO()
    safe = ["'" + cell if isinstance(cell, str) and cell[:1] in "=+-@" else cell for cell in cells]
    csv.writer(out, lineterminator="\r\n").writerow(safe)
    return out.getvalue()
