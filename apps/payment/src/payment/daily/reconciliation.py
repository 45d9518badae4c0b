"""Reconciles the ledger with WeChat's trade bill of a day: download, compare, repair.

A cron binding starts it; the hour is `schedule` in components/payment-daily-reconciliation.yaml.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import structlog

from payment.daily import reconciliation_repository as repository
from payment.daily.bill_comparison import AlreadyRunning, AnotherDaysBill, Sums, comparison
from payment.daily.bill_repair import BillRepair, RepairRun, Unanswered
from payment.daily.days import report_oldest, yesterday
from payment.errors import NoSuchBill, NotReconciled
from payment.merchant import Merchant
from payment.models import Reconciliation, ReconciliationDifference
from payment.wechat.bills import BillNotReady, Bills, NoBill
from payment.wechat.errors import BadBill, WechatError
from payment.wechat.trade_bill import TradeLine, Unreadable, lines_of, parse_trades, text_of
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.error_texts import error_text

log = structlog.get_logger()

WHILE_NOT_READY = timedelta(minutes=30)
AFTER_TROUBLE = timedelta(minutes=5)
KEPT_DAYS = 90
PAGE = 200
MAX_CONCURRENT = 5
"""Differences repaired concurrently: most of the time goes into waiting for WeChat."""
COMMAND_LINE = 0
"""Operator id of acts from the command line; their note names the user."""
Progress = Callable[[str, int, int], None]
"""Phase, amount done, total (0 when unknown)."""


def _silent(_phase: str, _done: int, _of: int) -> None:
    return None


@dataclass(kw_only=True, eq=False)
class Reconciler:
    """`run` reconciles one day, for cron, an operator or the command line; a second run changes nothing."""

    db: Database
    clock: Clock
    bills: Bills
    repair: BillRepair
    merchant: Merchant

    def yesterday(self) -> date:
        return yesterday(self.clock())

    async def schedule(self, day: date, *, operator_id: int, note: str) -> Reconciliation:
        """Schedule a day, also one that is done. Raises NoSuchBill."""
        age = (self.yesterday() - day).days
        if not -1 <= age < KEPT_DAYS:
            raise NoSuchBill(f"WeChat has bills of the last {KEPT_DAYS} days", field="date")
        async with self.db.transaction() as tx:
            run = await repository.schedule(tx, day, self.clock())
            await acts.record(tx, self.clock(), operator_id, "reconcile", f"day:{day}", note=note)
            return run

    async def find(self, day: date) -> Reconciliation:
        """Raises NotReconciled for a day that was never scheduled."""
        async with self.db.read() as session:
            if (run := await repository.run(session, day)) is None:
                raise NotReconciled(f"{day} was not reconciled")
            return run

    async def runs(self, *, before: date | None, size: int) -> Sequence[tuple[Reconciliation, int, int]]:
        """Newest day first: (run, its differences, those that are open)."""
        async with self.db.read() as session:
            return await repository.runs(session, before=before, size=size)

    async def page(
        self, *, last_id: int, size: int, day: date | None, kind: str | None
    ) -> Sequence[ReconciliationDifference]:
        """Newest first."""
        async with self.db.read() as session:
            return await repository.page(session, below=last_id, size=size, day=day, kind=kind)

    async def schedule_due_days(self) -> int:
        """Schedule yesterday and the missing days of the last 31; returns how many days were added."""
        async with self.db.transaction() as tx:
            return await repository.schedule_missed(tx, self.yesterday(), self.clock())

    async def measure(self) -> None:
        async with self.db.read() as session:
            report_oldest("reconciliation", await repository.unfinished_days(session, self.yesterday()), self.clock())

    async def run_scheduled(self) -> None:
        """Run the scheduled days that are due; a day that fails keeps its problem and is retried."""
        async with self.db.read() as session:
            days = await repository.scheduled(session, self.clock())
        for day in days:
            try:
                await self.run(day)
            except AlreadyRunning:
                continue
            except BillNotReady as error:
                await self._later(day, WHILE_NOT_READY, f"not ready: {error}")
            except (AnotherDaysBill, BadBill, WechatError) as error:
                await self._later(day, AFTER_TROUBLE, f"{type(error).__name__}: {error}")
            except Exception as error:  # noqa: BLE001 - a full disk or a bug must not stop the other days
                await self._later(day, AFTER_TROUBLE, error_text(error), unforeseen=error)

    async def _later(self, day: date, pause: timedelta, problem: str, *, unforeseen: Exception | None = None) -> None:
        log.warning("reconciliation must wait", day=str(day), reason=problem, exc_info=unforeseen)
        async with self.db.transaction() as tx:
            await repository.put_off(tx, day, self.clock() + pause, problem[:500])

    async def run(self, day: date, *, bill: Path | None = None, by: str = "", progress: Progress = _silent) -> None:
        """Compare `bill`, or the bill downloaded from WeChat, with the ledger, and repair the differences. `by`, the
        user of the command line, is recorded with the file's SHA-256 before anything changes.

        Raises BillNotReady, BadBill, AnotherDaysBill, AlreadyRunning, WechatError; Unanswered when everything is compared
        but WeChat could not be queried about some differences: they stay open, and the day stays scheduled.
        """
        with tempfile.TemporaryDirectory(prefix="bill-") as folder:
            copy = Path(folder) / "trade.csv"
            digest = await asyncio.to_thread(_copied, bill, copy) if bill else ""
            if by:
                note = f"{by}: {bill.name} sha256 {digest}" if bill else by
                async with self.db.transaction() as tx:
                    await acts.record(tx, self.clock(), COMMAND_LINE, "reconcile", f"day:{day}", note=note)
            file = copy if bill else await self._download(day, copy, progress)
            async with comparison(self.db, day, self.merchant) as compared:
                await compared.stage(_lines(file, progress))
                progress("compare", 0, 0)
                sums = await compared.sums()
                if bill and sums.of_other_days * 2 > sums.payments:
                    raise AnotherDaysBill(
                        f"{sums.of_other_days} of {sums.payments} payments of the bill are not of {day}"
                    )
                await compared.record(self.clock(), is_wechats=bill is None)
        if unanswered := await self._repair(day, progress):
            async with self.db.transaction() as tx:
                await repository.schedule(tx, day, self.clock())
            raise Unanswered(f"{unanswered} differences stay open: WeChat could not be asked")
        async with self.db.transaction() as tx:
            await repository.finish(tx, day, sums, self.clock(), has_bill=file is not None)
        self._tell(day, sums)

    async def _download(self, day: date, target: Path, progress: Progress) -> Path | None:
        progress("download", 0, 0)
        try:
            await self.bills.trade(day, target)
        except NoBill:
            return None
        return target

    async def _repair(self, day: date, progress: Progress) -> int:
        """Returns how many differences stay open because WeChat could not be queried."""
        run, gate, last = RepairRun(), asyncio.Semaphore(MAX_CONCURRENT), 0

        async def repair(difference: ReconciliationDifference, left: int) -> None:
            async with gate:
                try:
                    await self.repair.repair(difference, run)
                except Unanswered:
                    run.unanswered += 1
            run.done += 1
            progress("repair", run.done, run.done + left)

        while True:
            async with self.db.read() as session:
                page, left = await repository.open_differences(session, day, above=last, limit=PAGE)
            if not page:
                return run.unanswered
            to_query = await self.repair.flag_all(page)
            run.done += len(page) - len(to_query)
            left -= len(page) - len(to_query)
            progress("repair", run.done, run.done + left)
            tasks = (repair(difference, left - index - 1) for index, difference in enumerate(to_query))
            for failure in await asyncio.gather(*tasks, return_exceptions=True):  # waits for all of them
                if failure is not None:
                    raise failure
            last = page[-1].id

    def _tell(self, day: date, sums: Sums) -> None:
        figures = asdict(sums)
        for name in ("fee_yuan", "not_ours_fee_yuan"):
            figures[name] = f"{figures[name]:.5f}"
        log.info("reconciled", day=str(day), **figures)


def _copied(source: Path, target: Path) -> str:
    """Copy the file and return the SHA-256 of the copy, whatever happens to the source meanwhile."""
    digest = hashlib.sha256()
    with source.open("rb") as file, target.open("wb") as copy:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            copy.write(chunk)
    return digest.hexdigest()


def _lines(file: Path | None, progress: Progress) -> Iterator[TradeLine | Unreadable]:
    if file is not None:
        with file.open("rb") as lines:
            yield from parse_trades(text_of(_counted(lines_of(lines), file.stat().st_size, progress)))


def _counted(lines: Iterable[bytes], size: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    for number, line in enumerate(lines):
        done += len(line)
        if number % 5000 == 0:
            progress("read", done, size)
        yield line
    progress("read", size, size)
