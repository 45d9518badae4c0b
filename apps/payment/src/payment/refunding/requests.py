"""Records refund requests, from order's event or a peer's call, once each; submission.py sends them to WeChat."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from payment import events
from payment.errors import NotRefundable, PaymentNotFound, RefundExceedsPayment, RefundMismatch, TooManyRefunds
from payment.events import RefundRequested
from payment.ledger import payment_repository, refund_repository
from payment.ledger.payment_states import PayStatus
from payment.ledger.refunds import RefundTerms, new_refund
from payment.models import Refund, ThirdPayment
from servicekit import inbox
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.errors import Poison, Problem, Unavailable
from servicekit.events import CloudEvent
from servicekit.outbox import publish_later

log = structlog.get_logger()

MAX_REFUNDS = 50
"""WeChat's limit for one payment; closed numbers count."""


@dataclass(kw_only=True, eq=False)
class RefundRequests:
    """`wake` is called after a request is committed."""

    db: Database
    clock: Clock
    wake: Callable[[], None]

    async def on_request(self, event: CloudEvent, request: RefundRequested) -> None:
        """Consume refund-requested, in the transaction of the inbox. Where too little is left of the payment, or it has
        had all its refunds, refund-failed is published: its requester may continue. Raises Poison for any other
        request that the ledger does not allow."""
        try:
            async with self.db.transaction() as tx:
                if not await inbox.first_time(tx, event):
                    return
                payment = await self._lock_payment(tx, request)
                try:
                    await self._record(tx, payment, request)
                except (RefundExceedsPayment, TooManyRefunds) as error:
                    log.error("refund rejected", request_sn=request.request_sn, reason=str(error))
                    await publish_later(tx, events.refund_failed(request, payment.service_type, self.clock))
        except Unavailable:
            raise
        except Problem as error:
            raise Poison(f"refund of {request.payment_sn}: {error}") from error
        self.wake()

    async def create(self, request: RefundTerms) -> Refund:
        """Return the refund of this request, new or existing. Raises PaymentNotFound, NotRefundable, RefundExceedsPayment,
        RefundMismatch (the request number is used by a different refund), TooManyRefunds."""
        async with self.db.transaction() as tx:
            refund = await self._record(tx, await self._lock_payment(tx, request), request)
        self.wake()
        return refund

    async def _lock_payment(self, tx: Transaction, request: RefundTerms) -> ThirdPayment:
        """The lock keeps the sum of the payment's refunds within the amount paid."""
        payment = await payment_repository.lock_by_sn(tx, request.payment_sn)
        if payment is None or payment.order_sn != request.order_sn:
            raise PaymentNotFound(f"no payment {request.payment_sn} of order {request.order_sn}")
        return payment

    async def _record(self, tx: Transaction, payment: ThirdPayment, request: RefundTerms) -> Refund:
        if known := await refund_repository.newest_of_request(tx, request.request_sn):
            if (known.payment_sn, known.refund_fen) != (request.payment_sn, request.refund_fen):
                raise RefundMismatch(f"{request.request_sn} is another refund", field="requestSn")
            return known
        if payment.pay_status not in {PayStatus.PAID, PayStatus.REFUNDED}:
            raise NotRefundable(f"payment {payment.sn} was never paid")
        held_fen, count = await refund_repository.held(tx, payment.sn)
        if not 0 < request.refund_fen <= payment.total_fen - held_fen:
            raise RefundExceedsPayment(
                f"{request.refund_fen} fen: payment {payment.sn} has {payment.total_fen - held_fen} fen left",
                field="refundFen",
            )
        if count >= MAX_REFUNDS:
            raise TooManyRefunds(f"payment {payment.sn} has had {count} refunds")
        now = self.clock()
        refund = new_refund(request, now, attempt=1, due_at=now)
        tx.add(refund)
        await tx.flush()
        return refund
