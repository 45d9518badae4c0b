"""A day's reconciliation for people (text), spreadsheets (CSV) and machines (JSON), written as it is read."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from payment import reconciliation_repository as books
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
WORDS = {
    "missing_here": "on the bill, not in our books",
    "missing_there": "in our books, not on the bill",
    "amount": "another amount",
    "state": "another state",
}
FIGURES = ("payments", "payments_fen", "refunds", "refunds_fen", "fee_yuan")


@dataclass(frozen=True)
class Report:
    db: Database

    async def text(self, day: date) -> AsyncIterator[str]:
        run, counts = await self._head(day)
        yield f"Reconciliation of {day}\n"
        if run is None or run.finished_at is None:
            yield "not through yet" + (f": {run.problem}\n" if run and run.problem else "\n")
        elif not run.has_bill:
            yield "WeChat has no bill of that day: no business there\n"
        else:
            yield f"on the bill: {run.payments} payments, {yuan(run.payments_fen)}; "
            yield f"{run.refunds} refunds, {yuan(run.refunds_fen)}; fee ¥{run.fee_yuan}\n"
        yield f"differences: {sum(each[3] for each in counts)}\n"
        for subject, kind, outcome, count in counts:
            yield f"  {count:>7}  {subject} {WORDS[kind]}: {outcome}\n"
        async for row in self._rows(day):
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
            return await books.run(session, day), await books.counts(session, day)

    async def _rows(self, day: date) -> AsyncIterator[ReconciliationDifference]:
        last = 0
        while True:
            async with self.db.read() as session:
                page = await books.of_day(session, day, above=last, size=PAGE)
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            last = page[-1].id


def yuan(fen: int | None) -> str:
    fen = fen or 0
    return f"¥{fen // 100}.{fen % 100:02d}"


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, str)) else str(value)


def _line(cells: Any) -> str:
    """Spreadsheets take a cell that begins so for a formula."""
    out = io.StringIO()
    safe = ["'" + cell if isinstance(cell, str) and cell[:1] in "=+-@" else cell for cell in cells]
    csv.writer(out, lineterminator="\r\n").writerow(safe)
    return out.getvalue()
