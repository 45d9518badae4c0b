"""What a host gives back of an order that is over, beyond what they had to."""

from dataclasses import dataclass

from order import refund_repository, repository
from order.errors import NothingKept, OrderNotFound, RefundOutOfRange, RefundUnderWay
from order.models import HomestayOrder
from order.refunds import Refunds
from order.states import RefundCause, TradeState
from servicekit.db import Database
from servicekit.idempotency import IdempotencyMismatch

OVER = {TradeState.USED, TradeState.REFUNDED, TradeState.EXPIRED}


@dataclass(kw_only=True, eq=False)
class Goodwill:
    db: Database
    refunds: Refunds

    async def give(
        self, merchant_id: int, sn: str, fen: int, *, note: str, request_key: str | None = None
    ) -> HomestayOrder:
        """Refund `fen` more of one of the merchant's orders, out of what was kept; the trade state stays. `note` is shown
        on WeChat's refund notice. The same `request_key` gives once; without one, the same amount is given once while it is
        under way. Raises OrderNotFound, NothingKept, RefundOutOfRange, RefundUnderWay (one at a time), IdempotencyMismatch
        (the key was used for another amount)."""
        async with self.db.transaction() as tx:
            order = await repository.lock(tx, sn)
            if order is None or order.homestay_user_id != merchant_id:
                raise OrderNotFound(f"order {sn}")
            given = await refund_repository.by_key(tx, order.id, request_key) if request_key else None
            if given is not None:
                if given.refund_fen != fen:
                    raise IdempotencyMismatch("the key was used with another amount", field="Idempotency-Key")
                return order
            kept = order.order_total_fen - order.refunded_fen
            payment = await repository.payment(tx, order.payment_sn or "")
            if order.trade_state not in OVER or payment is None or kept == 0:
                raise NothingKept(f"the trade state is {order.trade_state}, {kept} fen are kept")
            under_way = await refund_repository.under_way(tx, payment.payment_sn)
            if under_way is not None:
                if request_key is None and (under_way.cause, under_way.refund_fen) == (RefundCause.GOODWILL, fen):
                    return order
                raise RefundUnderWay(f"{under_way.refund_fen} fen are on their way")
            if not 1 <= fen <= kept:
                raise RefundOutOfRange(f"{fen} of {kept} fen", field="refundFen", least=1, most=kept)
            await self.refunds.ask(tx, order, payment, RefundCause.GOODWILL, fen, reason=note, request_key=request_key)
            return order
