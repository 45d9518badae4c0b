"""Repairs the differences between a bill and the ledger.

A bill is an unsigned file, so its lines settle nothing: where it knows more than the ledger, WeChat is queried, and the
signed response is applied as a callback would be. Every other difference is flagged for review.
"""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError

from payment.daily import reconciliation_repository as repository
from payment.daily.bill_flags import NOT_THERE, Flag, flag_of
from payment.ledger.applied import Applied
from payment.ledger.payment_states import PAID_TRADE_STATES
from payment.ledger.payments import Settlement
from payment.ledger.refunds import RefundSettlement
from payment.ledger.reviews import Reason, flag_for_review
from payment.models import ReconciliationDifference as Difference
from payment.wechat.errors import Meaning, Refused, WechatError
from payment.wechat.verdicts import RefundVerdict, Verdict
from servicekit.clock import Clock
from servicekit.db import Database, Transaction

log = structlog.get_logger()
KINDS = ("missing_here", "missing_there", "amount", "state", "unreadable")
DIFFERENCES = Counter(
    "payment_reconciliation_differences_total", "Differences by kind and outcome", ["kind", "outcome"]
)

for _kind, _outcome in itertools.product(KINDS, ("settled", "mended", "review")):
    DIFFERENCES.labels(_kind, _outcome)  # from 0 on: an alert on the increase sees the first one

W = TypeVar("W")
MAX_UNANSWERED = 10
"""Failed queries in a row after which WeChat counts as unavailable: the rest of this run does not query."""
NO_ANSWER = frozenset({Meaning.QUERY_FIRST, Meaning.LATER, Meaning.MISCONFIGURED})
OUTCOMES = {Applied.SETTLED: "settled", Applied.CLOSED: "settled", Applied.UNCHANGED: "mended"}


class Unanswered(WechatError):
    """WeChat could not be queried; the difference stays open."""


class WechatQueries(Protocol):
    """Queries WeChat for the current state of a payment or a refund; raises WechatError."""

    async def query(self, out_trade_no: str) -> Verdict: ...
    async def query_refund(self, out_refund_no: str) -> RefundVerdict: ...


@dataclass
class RepairRun:
    """Progress of one run: `unanswered` differences stay open, `in_a_row` queries failed since the last success."""

    done: int = 0
    unanswered: int = 0
    in_a_row: int = 0


@dataclass(kw_only=True, eq=False)
class BillRepair:
    db: Database
    clock: Clock
    wechat: WechatQueries
    settlement: Settlement
    refund_settlement: RefundSettlement

    async def flag_all(self, page: Sequence[Difference]) -> Sequence[Difference]:
        """Flag those that WeChat need not be queried about, in one transaction; returns the others, all of them when the
        database refuses it: `repair` then takes them one by one, and one that fails harms no other."""
        flags = {found.id: (found, flag) for found in page if (flag := flag_of(found))}
        if not flags:
            return page
        try:
            async with self.db.transaction() as tx:
                still_open = await repository.lock_open(tx, list(flags))
                for found, flag in (flags[each] for each in still_open):
                    await self._add_notice(tx, found, flag)
                await repository.end_all(tx, still_open, "note", "review", self.clock())
        except DBAPIError as error:
            log.warning("a page of differences could not be flagged together", reason=type(error.orig).__name__)
            return page
        for each in still_open:
            DIFFERENCES.labels(flags[each][0].kind, "review").inc()
        return [found for found in page if found.id not in flags]

    async def repair(self, found: Difference, run: RepairRun) -> None:
        """Repair one difference; what a crash leaves open the next run repairs. Raises Unanswered: nothing was done."""
        if flag := flag_of(found):
            await self._flag(found, flag)
        elif found.subject == "payment":
            await self._query_payment(found, found.line or {}, run)
        elif found.line is None:
            await self._query_missing_refund(found, run)
        else:
            await self._query_refund(found, found.line, run)

    async def _query_payment(self, found: Difference, line: dict[str, str], run: RepairRun) -> None:
        verdict = await self._query(lambda: self.wechat.query(found.number), run)
        if verdict is None or verdict.trade_state not in PAID_TRADE_STATES:
            said = verdict.trade_state if verdict else "that it does not know the number"
            await self._flag(found, Flag(Reason.BILL_UNCONFIRMED, f"the bill says paid; WeChat, asked, says {said}"))
            return
        async with self.db.transaction() as tx:
            await repository.billed(tx, found.number, found.bill_date)
        applied = await self.settlement.apply(verdict.model_copy(update={"source": "bill"}))
        if applied is not Applied.NEEDS_REVIEW and (
            (verdict.total_fen, verdict.transaction_id) != (found.theirs_fen, line["transaction_id"])
        ):
            await self._flag(
                found, Flag(Reason.BILL_UNCONFIRMED, "settled as WeChat says, asked; the bill says otherwise")
            )
            return
        was_closed = applied is Applied.SETTLED and found.ours_state == "closed"
        await self._end(found, applied, "settle; the order asks for its refund" if was_closed else "settle")

    async def _query_refund(self, found: Difference, line: dict[str, str], run: RepairRun) -> None:
        """A bill is a snapshot; WeChat's current state counts."""
        verdict = await self._query(lambda: self.wechat.query_refund(found.number), run)
        if verdict is None:
            await self._flag(
                found, Flag(Reason.BILL_UNCONFIRMED, "WeChat, asked, does not know the refund that the bill has")
            )
            return
        applied = await self.refund_settlement.apply(verdict.model_copy(update={"source": "bill"}))
        said = (verdict.refund_fen, verdict.refund_id, verdict.out_trade_no)
        fits = said == (found.theirs_fen, line["refund_id"], found.payment_sn)
        if applied is not Applied.NEEDS_REVIEW and not (
            fits and (found.theirs_state != "SUCCESS" or verdict.status == "SUCCESS")
        ):
            await self._flag(
                found, Flag(Reason.BILL_UNCONFIRMED, f"the bill says {found.theirs_state}; WeChat {verdict.status}")
            )
            return
        await self._end(found, applied, "settle")

    async def _query_missing_refund(self, found: Difference, run: RepairRun) -> None:
        """Refunds paid from the available balance are on no trade bill (交易账单: 不含可用余额退款)."""
        verdict = await self._query(lambda: self.wechat.query_refund(found.number), run)
        if verdict is None or verdict.funds_account != "AVAILABLE":
            await self._flag(found, Flag(Reason.NOT_ON_BILL, NOT_THERE))
            return
        applied = await self.refund_settlement.apply(verdict.model_copy(update={"source": "bill"}))
        await self._end(found, applied, "ask WeChat: paid from the available balance, so on no trade bill")

    async def _query(self, call: Callable[[], Awaitable[W]], run: RepairRun) -> W | None:
        """WeChat's verdict; None when it does not know the number, or refuses permanently. Raises Unanswered."""
        if run.in_a_row >= MAX_UNANSWERED:
            raise Unanswered("WeChat is away")
        try:
            answer = await call()
        except WechatError as error:
            if isinstance(error, Refused) and error.meaning not in NO_ANSWER:
                run.in_a_row = 0
                return None
            run.in_a_row += 1
            log.warning("query about a difference failed", reason=str(error))
            raise Unanswered(str(error)) from error
        run.in_a_row = 0
        return answer

    async def _flag(self, found: Difference, flag: Flag) -> None:
        """Flag the difference and close it, in one transaction; does nothing when another day's bill has resolved it."""
        async with self.db.transaction() as tx:
            if not await repository.lock_open(tx, [found.id]):
                return
            await self._add_notice(tx, found, flag)
            await repository.end(tx, found.id, "note", "review", self.clock())
        DIFFERENCES.labels(found.kind, "review").inc()

    @staticmethod
    async def _add_notice(tx: Transaction, found: Difference, flag: Flag) -> None:
        await flag_for_review(
            tx,
            flag.reason,
            f"{found.bill_date}: {flag.detail}",
            out_trade_no=flag.about or found.payment_sn,
            transaction_id=(found.line or {}).get("transaction_id"),
            out_refund_no=found.number if found.subject == "refund" else None,
            source="bill",
            total_fen=found.ours_fen if found.theirs_fen is None else found.theirs_fen,
            reopen=True,  # another day's difference
        )

    async def _end(self, found: Difference, applied: Applied, repair: str) -> None:
        outcome = OUTCOMES.get(applied, "review")
        async with self.db.transaction() as tx:
            await repository.end(tx, found.id, repair if applied in OUTCOMES else "note", outcome, self.clock())
        DIFFERENCES.labels(found.kind, outcome).inc()
