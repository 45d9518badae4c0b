"""Requests for money to go back, by order's event or a peer's call: written down once; `submission` carries them out."""

from collections.abc import Callable
from dataclasses import dataclass

from payment.errors import NotRefundable, PaymentNotFound, RefundExceedsPayment, RefundMismatch, TooManyRefunds
from payment.events import RefundRequested
from payment.ledger import payment_repository, refund_repository
from payment.ledger.payment_states import PayStatus
from payment.ledger.refunds import RefundTerms, new_refund
from payment.models import Refund
from servicekit import inbox
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.errors import Poison, Problem, Unavailable
from servicekit.events import CloudEvent

MAX_REFUNDS = 50
"""WeChat's limit for one payment; numbers that it closed count."""


@dataclass(frozen=True)
class RefundRequests:
    """`wake` is called after a request is committed."""

    db: Database
    clock: Clock
    wake: Callable[[], None]

    async def on_request(self, event: CloudEvent, wanted: RefundRequested) -> None:
        """Keep the request in the inbox's transaction. Raises Poison for one that our books do not allow."""
        try:
            async with self.db.transaction() as tx:
                if not await inbox.first_time(tx, event):
                    return
                await self._record(tx, wanted)
        except Unavailable:
            raise
        except Problem as error:
            raise Poison(f"refund of {wanted.payment_sn}: {error}") from error
        self.wake()

    async def create(self, wanted: RefundTerms) -> Refund:
        """The refund of this request, new or known. Raises PaymentNotFound, NotRefundable, RefundExceedsPayment,
        RefundMismatch (the request's number was used for another refund), TooManyRefunds."""
        async with self.db.transaction() as tx:
            refund = await self._record(tx, wanted)
        self.wake()
        return refund

    async def _record(self, tx: Transaction, wanted: RefundTerms) -> Refund:
        """The lock on the payment keeps the sum of all its refunds within what was paid."""
        payment = await payment_repository.lock_by_sn(tx, wanted.payment_sn)
        if payment is None or payment.order_sn != wanted.order_sn:
            raise PaymentNotFound(f"no payment {wanted.payment_sn} of order {wanted.order_sn}")
        if known := await refund_repository.newest_of_request(tx, wanted.request_sn):
            if (known.payment_sn, known.refund_fen) != (wanted.payment_sn, wanted.refund_fen):
                raise RefundMismatch(f"{wanted.request_sn} is another refund", field="requestSn")
            return known
        if payment.pay_status not in {PayStatus.PAID, PayStatus.REFUNDED}:
            raise NotRefundable(f"payment {payment.sn} was never paid")
        held_fen, count = await refund_repository.held(tx, payment.sn)
        if not 0 < wanted.refund_fen <= payment.total_fen - held_fen:
            raise RefundExceedsPayment(
                f"{wanted.refund_fen} fen: payment {payment.sn} has {payment.total_fen - held_fen} fen left",
                field="refundFen",
            )
        if count >= MAX_REFUNDS:
            raise TooManyRefunds(f"payment {payment.sn} has had {count} refunds")
        now = self.clock()
        refund = new_refund(wanted, now, attempt=1, due_at=now)
        tx.add(refund)
        await tx.flush()
        return refund
