"""Money on its way back. Here a request is written down, once; carrying it out at WeChat is the next step's."""

from dataclasses import dataclass

from payment import repository
from payment.schemas import RefundRequested
from servicekit import inbox
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import Poison
from servicekit.events import CloudEvent
from servicekit.numbers import business_number


@dataclass(frozen=True)
class Refunds:
    db: Database
    clock: Clock

    async def request(self, event: CloudEvent, wanted: RefundRequested) -> None:
        """Keep the request in the inbox's transaction. Raises Poison for a payment that is not known here."""
        async with self.db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            payment = await repository.lock_by_sn(tx, wanted.payment_sn)
            if payment is None or payment.order_sn != wanted.order_sn:
                raise Poison(f"refund of {wanted.payment_sn}: no such payment of order {wanted.order_sn}")
            if not 0 < wanted.refund_fen <= payment.total_fen - payment.refunded_fen:
                raise Poison(f"refund of {wanted.refund_fen} fen: payment {payment.sn} holds less")
            await repository.add_refund(
                tx,
                {
                    "sn": business_number("RFD", self.clock()),
                    "request_sn": wanted.request_sn,
                    "payment_sn": payment.sn,
                    "order_sn": payment.order_sn,
                    "refund_fen": wanted.refund_fen,
                    "cause": wanted.cause,
                    "reason": wanted.reason,
                },
            )
