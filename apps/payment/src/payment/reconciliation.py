"""The daily bill against the ledger: every difference once, each with its repair.

WeChat's line becomes a verdict and goes through the same door as a callback: nothing here changes a payment by itself.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import structlog
from prometheus_client import Counter

from payment import reconciliation_repository as books
from payment import refund_repository, repository
from payment.bill_comparison import AlreadyRunning, AnotherDaysBill, Sums, comparison
from payment.daily import tell_oldest
from payment.errors import NoSuchBill, NotReconciled
from payment.models import Reconciliation, ReconciliationDifference
from payment.refund_settlement import RefundSettlement
from payment.settlement import Applied, Settlement
from payment.wechat.bills import BillNotReady, Bills, NoBill, TradeLine, parse_trades
from payment.wechat.errors import BadBill, WechatError
from payment.wechat.verdicts import RefundVerdict, Verdict
from servicekit import acts
from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database

log = structlog.get_logger()
DIFFERENCES = Counter(
    "payment_reconciliation_differences_total", "Differences by kind and outcome", ["kind", "outcome"]
)

WHILE_NOT_READY = timedelta(minutes=30)
AFTER_TROUBLE = timedelta(minutes=5)
KEPT_DAYS = 90
PAGE = 200
REFUND_WORDS = {"SUCCESS": "SUCCESS", "PROCESSING": "PROCESSING", "CHANGE": "ABNORMAL"}
OUTCOMES = {Applied.SETTLED: "settled", Applied.CLOSED: "settled", Applied.UNCHANGED: "mended"}
Progress = Callable[[str, int, int], None]
"""Phase, how much is done, of how much (0 where that is not known)."""


def _silent(_phase: str, _done: int, _of: int) -> None:
    return None


@dataclass(frozen=True)
class Reconciling:
    """`run` for one day, by cron, by an operator or by hand; a second run of the same bill changes nothing."""

    db: Database
    clock: Clock
    bills: Bills | None
    settlement: Settlement
    refund_settlement: RefundSettlement

    def yesterday(self) -> date:
        return self.clock().astimezone(SHANGHAI).date() - timedelta(days=1)

    async def want(self, day: date, *, operator_id: int) -> Reconciliation:
        """Remember that the day is to be reconciled, again if it was already. Raises NoSuchBill."""
        age = (self.yesterday() - day).days
        if not -1 <= age < KEPT_DAYS:
            raise NoSuchBill(f"WeChat has bills of the last {KEPT_DAYS} days", field="date")
        async with self.db.transaction() as tx:
            await acts.record(tx, self.clock(), operator_id, "reconcile", f"day:{day}")
            return await books.want(tx, day, self.clock())

    async def find(self, day: date) -> Reconciliation:
        """Raises NotReconciled for a day that nobody has asked for."""
        async with self.db.read() as session:
            if (run := await books.run(session, day)) is None:
                raise NotReconciled(f"{day} was not reconciled")
            return run

    async def page(
        self, *, last_id: int, size: int, day: date | None, kind: str | None
    ) -> Sequence[ReconciliationDifference]:
        """Newest first."""
        async with self.db.read() as session:
            return await books.page(session, below=last_id, size=size, day=day, kind=kind)

    async def want_days_due(self) -> int:
        """Yesterday, and what was missed of the last 31 days. Answers how many days were added."""
        async with self.db.transaction() as tx:
            return await books.want_missed(tx, self.yesterday(), self.clock())

    async def measure(self) -> None:
        async with self.db.read() as session:
            tell_oldest("reconciliation", await books.unfinished_days(session, self.yesterday()), self.clock())

    async def run_wanted(self) -> None:
        """Carry out what is wanted and due; what is not through says why, and comes again."""
        async with self.db.read() as session:
            days = await books.wanted(session, self.clock())
        for day in days:
            try:
                await self.run(day)
            except AlreadyRunning:
                continue
            except BillNotReady as error:
                await self._later(day, WHILE_NOT_READY, f"not ready: {error}")
            except (AnotherDaysBill, BadBill, WechatError) as error:
                await self._later(day, AFTER_TROUBLE, f"{type(error).__name__}: {error}")
            except Exception as error:  # noqa: BLE001 - a full disk or a fault of ours must not stop the other days
                await self._later(day, AFTER_TROUBLE, f"{type(error).__name__}: {error}", unforeseen=error)

    async def _later(self, day: date, pause: timedelta, problem: str, *, unforeseen: Exception | None = None) -> None:
        log.warning("reconciliation must wait", day=str(day), reason=problem, exc_info=unforeseen)
        async with self.db.transaction() as tx:
            await books.put_off(tx, day, self.clock() + pause, problem[:500])

    async def run(self, day: date, *, bill: Path | None = None, progress: Progress = _silent) -> None:
        """Raises BillNotReady, BadBill, AnotherDaysBill, AlreadyRunning, WechatError."""
        with tempfile.TemporaryDirectory(prefix="bill-") as folder:
            file = bill or await self._download(day, Path(folder) / "trade.csv", progress)
            async with comparison(self.db, day) as compared:
                await compared.stage(_lines(file, progress))
                progress("compare", 0, 0)
                sums = await compared.sums()
                await compared.record(self.clock())
        await self._repair(day, progress)
        async with self.db.transaction() as tx:
            await books.finish(tx, day, sums, self.clock(), has_bill=file is not None)
        self._tell(day, sums)

    async def _download(self, day: date, target: Path, progress: Progress) -> Path | None:
        progress("download", 0, 0)
        if self.bills is None:
            raise BadBill("no bill was given")
        try:
            await self.bills.trade(day, target)
        except NoBill:
            return None
        return target

    async def _repair(self, day: date, progress: Progress) -> None:
        """One difference a transaction; what a crash leaves open is taken on by the next run."""
        done = 0
        while True:
            async with self.db.read() as session:
                page, left = await books.open_differences(session, day, PAGE)
            if not page:
                return
            for difference in page:
                repair, outcome = await self._mend(difference)
                async with self.db.transaction() as tx:
                    await books.end(tx, difference.id, repair, outcome, self.clock())
                DIFFERENCES.labels(difference.kind, outcome).inc()
                done += 1
                progress("repair", done, done + left - page.index(difference) - 1)

    async def _mend(self, found: ReconciliationDifference) -> tuple[str, str]:
        """What is done about it, and what came of that."""
        if found.line is None:
            return "note", await self._call_a_person(found, "not_on_bill", "our books have it, the day's bill does not")
        if found.subject == "payment":
            if found.theirs_state != "SUCCESS":
                return "note", await self._call_a_person(found, "bill_state", f"the bill says {found.theirs_state}")
            applied = await self.settlement.apply(_payment_verdict(found, found.line))
            was_closed = applied is Applied.SETTLED and found.ours_state == "closed"
            return _repair_of(
                applied, "settle; the order asks for its refund" if was_closed else "settle"
            ), OUTCOMES.get(applied, "review")
        if found.theirs_state == "FAIL" and found.ours_state in {"requested", "accepted", "abnormal"}:
            async with self.db.transaction() as tx:
                await refund_repository.ask_again(tx, found.payment_sn, self.clock())
            return "ask WeChat", "asked"
        word = REFUND_WORDS.get(found.theirs_state or "")
        if word is None or (word, found.ours_state) == ("PROCESSING", "closed"):  # we closed what WeChat had taken
            reason = "refund_contradiction" if word else "refund_bill_state"
            detail = f"the bill says {found.theirs_state}, we say {found.ours_state}"
            return "note", await self._call_a_person(found, reason, detail)
        applied = await self.refund_settlement.apply(_refund_verdict(found, found.line, word))
        return _repair_of(applied, "settle"), OUTCOMES.get(applied, "review")

    async def _call_a_person(self, found: ReconciliationDifference, reason: str, detail: str) -> str:
        async with self.db.transaction() as tx:
            await repository.needs_review(
                tx,
                out_trade_no=found.payment_sn,
                out_refund_no=found.number if found.subject == "refund" else None,
                reason=reason,
                detail=f"{found.bill_date}: {detail}",
                source="bill",
                total_fen=found.ours_fen,
                again=True,  # another day's difference
            )
        return "review"

    def _tell(self, day: date, sums: Sums) -> None:
        log.info("reconciled", day=str(day), payments=sums.payments, refunds=sums.refunds)


def _repair_of(applied: Applied, settled: str) -> str:
    return settled if applied in OUTCOMES else "note"


def _payment_verdict(found: ReconciliationDifference, line: dict[str, str]) -> Verdict:
    return Verdict(
        source="bill",
        mchid=line["mchid"],
        appid=line["appid"],
        out_trade_no=found.number,
        trade_state="SUCCESS",
        total_fen=found.theirs_fen,
        transaction_id=line["transaction_id"],
        success_time=datetime.fromisoformat(line["at"]),
    )


def _refund_verdict(found: ReconciliationDifference, line: dict[str, str], word: str) -> RefundVerdict:
    """A refund's line does not tell the payment's total: ours stands in for it."""
    fen = found.theirs_fen or 0
    return RefundVerdict(
        source="bill",
        mchid=line["mchid"],
        out_refund_no=found.number,
        refund_id=line["refund_id"],
        status=word,
        refund_fen=fen,
        total_fen=int(line["total_fen"] or fen),
        out_trade_no=found.payment_sn,
        transaction_id=line["transaction_id"],
    )


def _lines(file: Path | None, progress: Progress) -> Iterator[TradeLine]:
    if file is not None:
        yield from parse_trades(_text(file, progress))


def _text(file: Path, progress: Progress) -> Iterator[str]:
    size, done = file.stat().st_size, 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines):
            done += len(line)
            if number % 5000 == 0:
                progress("read", done, size)
            yield line.decode("utf-8")
    progress("read", size, size)
