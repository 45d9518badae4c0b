"""The review queue: what WeChat says that contradicts the ledger, and refunds that cannot complete by themselves. An
operator reviews each entry (a notice) and resolves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog
from prometheus_client import Gauge
from sqlalchemy import RowMapping

from payment.errors import NoticeNotFound, NoticeResolved
from payment.ledger import review_repository
from payment.models import ProviderNotice, Refund
from payment.wechat.verdicts import RefundVerdict, Verdict
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.telemetry import traces

log = structlog.get_logger()
OPEN = Gauge("payment_notices_open", "Notices that need review, by reason", ["reason"])


class Reason(StrEnum):
    """Why something needs review. The values are stored, and part of the operators' API."""

    # A verdict about a payment, or a line of a bill, contradicts the ledger: the field that differs.
    MCHID = "mchid"
    APPID = "appid"
    AMOUNT = "amount"
    CURRENCY = "currency"
    PAYER_CURRENCY = "payer_currency"
    TRADE_TYPE = "trade_type"
    OPENID = "openid"
    ATTACH = "attach"
    TRANSACTION = "transaction"
    INCOMPLETE = "incomplete"
    UNKNOWN_NUMBER = "unknown_number"
    # The same about a refund.
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_MCHID = "refund_mchid"
    REFUND_PAYMENT = "refund_payment"
    REFUND_TRANSACTION = "refund_transaction"
    REFUND_AMOUNT = "refund_amount"
    REFUND_CURRENCY = "refund_currency"
    REFUND_ID = "refund_id"
    REFUND_CONTRADICTION = "refund_contradiction"
    # A refund that cannot complete without an operator.
    REFUND_ABNORMAL = "refund_abnormal"
    REFUND_ABNORMAL_AGAIN = "refund_abnormal_again"
    REFUND_CLOSED = "refund_closed"
    REFUND_REFUSED = "refund_refused"
    REFUND_UNCLEAR = "refund_unclear"
    REFUND_MISCONFIGURED = "refund_ours_to_mend"
    REFUND_NO_FUNDS = "refund_no_funds"
    REFUND_FINAL = "refund_final"
    REFUND_ABSENT = "refund_absent"
    # Only a bill says so.
    NOT_ON_BILL = "not_on_bill"
    UNREADABLE = "unreadable"
    BILL_STATE = "bill_state"
    BILL_UNCONFIRMED = "bill_unconfirmed"
    REFUND_BILL_STATE = "refund_bill_state"


for _reason in Reason:
    OPEN.labels(_reason.value)  # 0 until the queue is read

RESOLVED_BY_SUCCESS: Final = (
    Reason.REFUND_NO_FUNDS,
    Reason.REFUND_MISCONFIGURED,
    Reason.REFUND_UNCLEAR,
    Reason.REFUND_FINAL,
    Reason.REFUND_ABSENT,
    Reason.REFUND_ABNORMAL,
    Reason.REFUND_ABNORMAL_AGAIN,
)
"""What is obsolete once the refund has succeeded. Contradictions stay open for review."""
RESOLVED_BY_NEW_NUMBER: Final = (Reason.REFUND_REFUSED, Reason.REFUND_CLOSED)


async def flag_for_review(
    tx: Transaction,
    reason: Reason,
    detail: str,
    *,
    out_trade_no: str,
    source: str,
    transaction_id: str | None = None,
    out_refund_no: str | None = None,
    total_fen: int | None = None,
    reopen: bool = False,
) -> bool:
    """Add a notice to the queue in this transaction; True when it is new. One notice for each reason, payment, transaction
    and refund, however often it is repeated; with `reopen` a repetition opens a resolved one again."""
    traces.review(reason)
    return await review_repository.add(
        tx,
        out_trade_no=out_trade_no,
        transaction_id=transaction_id,
        out_refund_no=out_refund_no,
        reason=reason,
        detail=detail,
        source=source,
        total_fen=total_fen,
        reopen=reopen,
    )


async def flag_verdict(tx: Transaction, verdict: Verdict | RefundVerdict, reason: Reason, detail: str) -> None:
    """Flag a verdict that contradicts the ledger; log it the first time."""
    out_refund_no = verdict.out_refund_no if isinstance(verdict, RefundVerdict) else None
    if await flag_for_review(
        tx,
        reason,
        detail,
        out_trade_no=verdict.out_trade_no,
        out_refund_no=out_refund_no,
        transaction_id=verdict.transaction_id,
        source=verdict.source,
        total_fen=verdict.total_fen,
    ):
        log.error(
            "verdict needs review",
            reason=reason,
            detail=detail,
            payment_sn=verdict.out_trade_no,
            refund_sn=out_refund_no,
        )


async def flag_refund(tx: Transaction, refund: Refund, reason: Reason, detail: str) -> None:
    """Flag a refund that cannot complete without an operator; log it the first time. A repetition opens it again."""
    if await flag_for_review(
        tx,
        reason,
        detail,
        out_trade_no=refund.payment_sn,
        out_refund_no=refund.sn,
        source="request",
        total_fen=refund.refund_fen,
        reopen=True,
    ):
        log.error("refund needs an operator", reason=reason, detail=detail, refund_sn=refund.sn)


async def resolve_flags(tx: Transaction, refund_sn: str, reasons: Sequence[Reason]) -> None:
    """Resolve a refund's notices of these reasons, without an operator's act."""
    await review_repository.resolve(tx, refund_sn, reasons)


Reviewed = tuple[ProviderNotice, Mapping[str, Any] | None]
"""A notice and the operator's act that resolved it: None while it is open, and when a success resolved it."""


@dataclass(kw_only=True, eq=False)
class ReviewQueue:
    """What operators see of the queue, and do with it."""

    db: Database
    clock: Clock

    async def page(self, *, last_id: int, size: int, state: str | None) -> Sequence[Reviewed]:
        """Newest first; `last_id` 0 begins at the newest."""
        async with self.db.read() as session:
            notices = await review_repository.page(session, below=last_id, size=size, state=state)
            done = await acts.of_subjects(session, [_subject(notice) for notice in notices])
        resolved = {act["subject"]: _plain(act) for act in done}
        return [(notice, resolved.get(_subject(notice)) if notice.state == "resolved" else None) for notice in notices]

    async def measure(self) -> None:
        """Set the gauge of open notices, for every reason that was ever flagged."""
        async with self.db.read() as session:
            counts = await review_repository.open_by_reason(session)
        for reason, count in counts:
            OPEN.labels(reason).set(count)

    async def resolve(self, operator_id: int, notice_id: int, note: str) -> Reviewed:
        """Raises NoticeNotFound, NoticeResolved."""
        now = self.clock()
        async with self.db.transaction() as tx:
            notice = await review_repository.lock(tx, notice_id)
            if notice is None:
                raise NoticeNotFound(f"notice {notice_id}")
            if notice.state == "resolved":
                raise NoticeResolved(f"notice {notice_id} is resolved")
            notice.state = "resolved"
            await acts.record(tx, now, operator_id, "resolve", _subject(notice), note=note)
            await tx.flush()
            act = (await acts.of_subjects(tx, [_subject(notice)]))[-1]
        return notice, _plain(act)


def _subject(notice: ProviderNotice) -> str:
    return f"notice:{notice.id}"


def _plain(act: RowMapping) -> Mapping[str, Any]:
    return {str(name): value for name, value in act.items()}
