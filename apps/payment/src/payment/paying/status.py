"""Read access to payments, for buyers and other services."""

from dataclasses import dataclass

from payment.errors import PaymentNotFound
from payment.ledger import payment_repository
from payment.models import ThirdPayment
from payment.paying.return_query import ReturnQuery
from servicekit.db import Database


@dataclass(kw_only=True, eq=False)
class PaymentQueries:
    db: Database
    on_return: ReturnQuery

    async def status(self, user_id: int, order_sn: str) -> ThirdPayment:
        """The buyer's payment of an order. An open one may be queried at WeChat first, in less than two seconds. Raises
        PaymentNotFound, also for another user's order."""
        payment = await self._newest(user_id, order_sn)
        if await self.on_return.ask(payment):
            payment = await self._newest(user_id, order_sn)
        return payment

    async def _newest(self, user_id: int, order_sn: str) -> ThirdPayment:
        async with self.db.read() as session:
            payment = await payment_repository.newest_of_order(session, order_sn, user_id)
        if payment is None:
            raise PaymentNotFound(f"order {order_sn} has no payment of yours")
        return payment

    async def of_order(self, order_sn: str) -> ThirdPayment:
        """The newest paid or refunded payment of the order. Raises PaymentNotFound."""
        async with self.db.read() as session:
            return _found(await payment_repository.paid_of_order(session, order_sn), order_sn)

    async def by_sn(self, sn: str) -> ThirdPayment:
        """Raises PaymentNotFound."""
        async with self.db.read() as session:
            return _found(await payment_repository.by_sn(session, sn), sn)


def _found(payment: ThirdPayment | None, requested: str) -> ThirdPayment:
    if payment is None:
        raise PaymentNotFound(f"no payment for {requested}")
    return payment
