"""What operators do with a refund that cannot complete by itself: reroute it, or issue it again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from payment.errors import (
    BuyerAsksAgain,
    RefundExceedsPayment,
    RefundIsNotAbnormal,
    RefundMismatch,
    RefundNotEnded,
    RefundNotFound,
    RefundSentElsewhere,
    TooManyRefunds,
    WechatRefusedAct,
    WechatUnavailable,
)
from payment.ledger import payment_repository, refund_repository
from payment.ledger.approval_repository import SENT_ALONE, SUBJECT
from payment.ledger.refund_states import RefundState
from payment.ledger.refunds import RefundSettlement, new_refund
from payment.ledger.reviews import RESOLVED_BY_NEW_NUMBER, resolve_flags
from payment.models import Refund, RefundApproval
from payment.refunding.approvals import Approvals
from payment.refunding.requests import MAX_REFUNDS
from payment.refunding.submission import REROUTE_GRACE
from payment.wechat.client import WechatPay
from payment.wechat.errors import Meaning, Refused, WechatError
from payment.wechat.requests import BankCard, Reroute
from servicekit import acts, security_log
from servicekit.clock import Clock
from servicekit.db import Database, Transaction

ASKED_AGAIN_BY_ORDER = {"buyer", "goodwill"}
"""Causes of refunds that a buyer or a host requests again: order is told that the first one failed."""


@dataclass(kw_only=True, eq=False)
class RefundRescue:
    """`wake` is called after a refund that can be carried out is committed."""

    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: RefundSettlement
    approvals: Approvals
    wake: Callable[[], None]

    async def page(
        self, *, last_id: int, size: int, state: str | None, older_than: timedelta | None
    ) -> Sequence[Refund]:
        """Newest first; with `older_than` those that were requested at least so long ago."""
        until = None if older_than is None else self.clock() - older_than
        async with self.db.read() as session:
            return await refund_repository.page(session, below=last_id, size=size, state=state, until=until)

    async def reroute(
        self, operator_id: int, sn: str, card: BankCard | None, *, note: str
    ) -> tuple[Refund, RefundApproval | None]:
        """Reroute an abnormal refund (发起异常退款) to `card` of the buyer, or with None to the merchant's own account,
        from which the buyer is paid by hand. The row is marked before the call; the card is never stored as text.
        Above the limit (with what the operator has sent alone within a day) nothing is sent: the second value is the
        request that waits for a second operator.

        Raises RefundNotFound, RefundIsNotAbnormal, RefundSentElsewhere (already rerouted), ApprovalWaits, WechatRefusedAct
        (nothing was done), WechatUnavailable (the result is unknown; submission.py queries it within minutes).
        """
        try:
            request = await self.wechat.reroute_request(sn, card)
        except WechatError as error:
            raise WechatUnavailable(str(error)) from error
        async with self.db.transaction() as tx:
            refund = await self._locked(tx, sn)
            _require_abnormal(refund)
            if await self.approvals.needs(tx, operator_id, refund):
                return refund, await self.approvals.want(tx, operator_id, refund, card, reroute=request, note=note)
            await self._mark_rerouted(tx, operator_id, refund, card, note)
        return await self._send(refund, request), None

    async def approve(self, operator_id: int, approval_id: int, note: str) -> Refund:
        """Send a refund elsewhere that another operator has asked for, exactly as it was asked for. Raises
        ApprovalNotFound, OwnRequest, ApprovalEnded, RefundMismatch (of another amount by now), and as `reroute`; when
        WeChat refuses, the approval is used up all the same."""
        wanted = await self.approvals.find(approval_id)
        async with self.db.transaction() as tx:
            refund = await self._locked(tx, wanted.refund_sn)
            if refund.refund_fen != wanted.refund_fen:
                raise RefundMismatch(f"{wanted.refund_fen} fen were asked for, the refund is of {refund.refund_fen}")
            request = await self.approvals.approve(tx, operator_id, approval_id, note)
            _require_abnormal(refund)
            self._mark(refund)
            await tx.flush()
        security_log.event("approval_given", user_id=operator_id, refund_sn=refund.sn)
        return await self._send(refund, request)

    async def _send(self, refund: Refund, request: Reroute) -> Refund:
        sn = refund.sn
        try:
            verdict = await self.wechat.apply_abnormal_refund(refund.refund_id or "", sn, request)
        except Refused as error:
            await self._unmark_rerouted(sn)
            if error.meaning is Meaning.LATER:
                raise WechatUnavailable(str(error)) from error
            raise WechatRefusedAct(str(error)) from error
        except WechatError as error:
            raise WechatUnavailable(str(error)) from error
        await self.settlement.apply(verdict)
        return await self._find(sn)

    async def reissue(self, operator_id: int, sn: str, *, note: str) -> Refund:
        """Issue a request whose last number is closed again, under a new number. Only buyers and hosts may request
        theirs again: order was told that the refund failed.

        Raises RefundNotFound, RefundNotEnded, BuyerAsksAgain, RefundExceedsPayment, TooManyRefunds.
        """
        now = self.clock()
        async with self.db.transaction() as tx:
            ended = await self._locked(tx, sn)
            newest = await refund_repository.newest_of_request(tx, ended.request_sn)
            if newest is None or newest.id != ended.id or ended.state != RefundState.CLOSED:
                raise RefundNotEnded(f"refund {sn} continues as {newest.sn if newest else sn}")
            if ended.cause in ASKED_AGAIN_BY_ORDER:
                raise BuyerAsksAgain(f"order {ended.order_sn} was notified that refund {sn} failed")
            payment = await payment_repository.by_sn(tx, ended.payment_sn)
            held_fen, count = await refund_repository.held(tx, ended.payment_sn)
            if payment is None or held_fen + ended.refund_fen > payment.total_fen:
                raise RefundExceedsPayment(f"{held_fen} fen of {ended.payment_sn} are refunded or pending")
            if count >= MAX_REFUNDS:
                raise TooManyRefunds(f"payment {ended.payment_sn} has had {count} refunds")
            again = new_refund(ended, now, attempt=ended.attempt + 1, due_at=now)
            tx.add(again)
            await resolve_flags(tx, sn, RESOLVED_BY_NEW_NUMBER)
            await acts.record(tx, now, operator_id, "begin-refund-again", _subject(sn), _subject(again.sn), note=note)
            await tx.flush()
        self.wake()
        return await self._find(again.sn)

    async def _mark_rerouted(
        self, tx: Transaction, operator_id: int, refund: Refund, card: BankCard | None, note: str
    ) -> None:
        self._mark(refund)
        where = "the merchant's account" if card is None else f"a card of {card.bank_type}"
        subject = _subject(refund.sn)
        await acts.record(tx, self.clock(), operator_id, SENT_ALONE, subject, note=f"{where}: {note}")
        await tx.flush()

    def _mark(self, refund: Refund) -> None:
        refund.sent_elsewhere_at = now = self.clock()
        refund.release(now + REROUTE_GRACE)
        refund.tries = 0

    async def _unmark_rerouted(self, sn: str) -> None:
        async with self.db.transaction() as tx:
            refund = await self._locked(tx, sn)
            if refund.state == RefundState.ABNORMAL:
                refund.sent_elsewhere_at = None

    async def _locked(self, tx: Transaction, sn: str) -> Refund:
        """Lock payment first, then refund, as everywhere. Raises RefundNotFound."""
        known = await refund_repository.by_sn(tx, sn)
        if known is None:
            raise RefundNotFound(f"no refund {sn}", field="refundSn")
        await payment_repository.lock_by_sn(tx, known.payment_sn)
        await tx.refresh(known, with_for_update=True)
        return known

    async def _find(self, sn: str) -> Refund:
        async with self.db.read() as session:
            refund = await refund_repository.by_sn(session, sn)
        if refund is None:
            raise RefundNotFound(f"no refund {sn}")
        return refund


def _require_abnormal(refund: Refund) -> None:
    if refund.state != RefundState.ABNORMAL or refund.refund_id is None:
        raise RefundIsNotAbnormal(f"refund {refund.sn} is {refund.state}")
    if refund.sent_elsewhere_at is not None:
        raise RefundSentElsewhere(f"refund {refund.sn} was rerouted at {refund.sent_elsewhere_at.isoformat()}")


def _subject(sn: str) -> str:
    return f"{SUBJECT}{sn}"
