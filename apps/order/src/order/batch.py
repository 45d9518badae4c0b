"""Marks many orders as paid in one transaction. Only the simple case: the first event of a payment, of the right
amount, for an order in WAIT_PAY. All other events (late, duplicate, refunded, unknown order) are left to be handled
one by one. Deliveries of several partitions that arrive while a transaction is under way share the next one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from order import batch_repository, codes, events, states
from order.fulfilment import PAID, PaymentFact, count_confirmed
from order.states import Effect, TradeState
from servicekit.arrays import ArrayTransaction
from servicekit.clock import Clock
from servicekit.collector import Collector
from servicekit.db import Database
from servicekit.events import CloudEvent

DELIVERIES_TOGETHER = 8


@dataclass(frozen=True)
class PaymentEvent:
    """One paystatus event: the number of its order, and the payment's status."""

    event: CloudEvent
    order_sn: str
    fact: PaymentFact

    @property
    def wanted(self) -> batch_repository.Wanted:
        return batch_repository.Wanted(self.order_sn, self.event.source, self.event.id, self.fact.payment_sn)


@dataclass(kw_only=True, eq=False)
class Batch:
    db: Database
    clock: Clock
    _collector: Collector[Sequence[PaymentEvent], set[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._collector = Collector(self._take_deliveries, name="mark orders as paid", batch=DELIVERIES_TOGETHER)

    async def take(self, received: Sequence[PaymentEvent]) -> set[int]:
        """Handle the simple cases of one delivery. Returns the positions of those that are done (paid now, or handled
        before). Does not wait for an order that another transaction has locked. Raises Unavailable, and one of
        REFUSED_VALUES when a check-in code is in use, or another transaction handles one of them: nothing is written."""
        return await self._collector.submit(received)

    async def _take_deliveries(self, deliveries: Sequence[Sequence[PaymentEvent]]) -> list[set[int]]:
        """The done positions of each delivery. Of several events of one order, the first alone is handled here."""
        places: dict[str, tuple[int, int]] = {}
        for number, delivery in enumerate(deliveries):
            for place, each in enumerate(delivery):
                places.setdefault(each.order_sn, (number, place))
        chosen = list(places.values())
        done: list[set[int]] = [set() for _ in deliveries]
        for position in await self._take_together([deliveries[number][place] for number, place in chosen]):
            number, place = chosen[position]
            done[number].add(place)
        return done

    async def _take_together(self, received: Sequence[PaymentEvent]) -> set[int]:
        now = self.clock()
        async with self.db.arrays() as tx:
            orders = await batch_repository.lock(tx, [each.wanted for each in received])
            done = {
                place
                for place, each in enumerate(received)
                if each.order_sn in orders and orders[each.order_sn].is_handled
            }
            times = Counter(each.fact.payment_sn for each in received)
            plain = [
                place
                for place, each in enumerate(received)
                if place not in done
                and times[each.fact.payment_sn] == 1
                and _is_plain(orders.get(each.order_sn), each.fact)
            ]
            if plain:
                paid = [(received[place], orders[received[place].order_sn]) for place in plain]
                await self._write(tx, paid, now)
        count_confirmed([received[place].fact for place in plain], now)
        return done.union(plain)

    async def _write(
        self, tx: ArrayTransaction, plain: Sequence[tuple[PaymentEvent, batch_repository.LockedOrder]], now: datetime
    ) -> None:
        facts = [
            events.trade_state_updated(
                order.sn,
                TradeState.WAIT_PAY,
                TradeState.WAIT_USE,
                version=order.version + 1,
                changed_at=now,
                trace=each.event.trace,
            )
            for each, order in plain
        ]
        await batch_repository.write_paid(tx, [_paid(order, each) for each, order in plain], facts, now)


def _is_plain(order: batch_repository.LockedOrder | None, fact: PaymentFact) -> bool:
    if order is None or order.knows_payment or fact.total_fen != order.order_total_fen:
        return False
    if fact.pay_status != PAID or fact.refunded_fen:
        return False
    state = TradeState(order.trade_state)
    return states.effect_of_paid(state, order.payment_sn, fact.payment_sn) is Effect.PAY


def _paid(order: batch_repository.LockedOrder, received: PaymentEvent) -> batch_repository.NewlyPaid:
    fact = received.fact
    return batch_repository.NewlyPaid(
        id=order.id,
        version=order.version + 1,
        code=codes.new_code(),
        payment_sn=fact.payment_sn,
        payment_version=fact.version,
        total_fen=fact.total_fen,
        paid_at=fact.paid_at,
        source=received.event.source,
        event_id=received.event.id,
    )
