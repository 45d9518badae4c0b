"""Finds orders for operators, and tells how one came to its state."""

from collections.abc import Sequence
from dataclasses import dataclass

from order import refund_repository, repository
from order.errors import OrderNotFound
from order.models import HomestayOrder, OrderRefund, OrderTransition
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.steps import Step, in_order

MOST_FOUND = 50


@dataclass(kw_only=True, eq=False)
class Inspection:
    """Searches by user or check-in code are in the audit with `note`, the reason; an order number names no user."""

    db: Database
    clock: Clock

    async def of_user(self, operator_id: int, user_id: int, note: str | None) -> Sequence[HomestayOrder]:
        """The newest orders of a buyer, at most MOST_FOUND."""
        async with self.db.transaction() as tx:
            found = await repository.newest_of(tx, HomestayOrder.user_id == user_id, limit=MOST_FOUND)
            await acts.record(tx, self.clock(), operator_id, "orders-read", f"user:{user_id}", note=note)
        return found

    async def by_checkin_code(self, operator_id: int, code: str, note: str | None) -> Sequence[HomestayOrder]:
        """The orders that have or had the code, newest first; a code may be used again after a stay."""
        async with self.db.transaction() as tx:
            found = await repository.newest_of(tx, HomestayOrder.checkin_code == code, limit=MOST_FOUND)
            subjects = [f"order:{order.sn}" for order in found]
            await acts.record(tx, self.clock(), operator_id, "orders-read", *subjects, note=note)
        return found

    async def by_sn(self, sn: str) -> Sequence[HomestayOrder]:
        async with self.db.read() as session:
            return await repository.newest_of(session, HomestayOrder.sn == sn, limit=1)

    async def history(self, sn: str) -> tuple[HomestayOrder, list[Step]]:
        """The order, and its changes of state, its refund requests and operators' acts, oldest first. Raises
        OrderNotFound."""
        async with self.db.read() as session:
            order = await repository.by_sn(session, sn)
            if order is None:
                raise OrderNotFound(f"order {sn}", field="sn")
            changes = await repository.transitions(session, order.id)
            refunds = await refund_repository.of_order(session, order.id)
            done = await acts.of_subjects(session, [f"order:{sn}"])
        steps = [_change(sn, each) for each in changes]
        steps += [step for each in refunds for step in _refund(each)]
        if order.closing_at is not None:
            steps.append(Step(at=order.closing_at, what="order_closing", number=sn, source=order.close_cause))
        return order, in_order([*steps, *map(Step.of_act, done)])


def _change(sn: str, change: OrderTransition) -> Step:
    before = None if change.from_state is None else str(change.from_state)
    return Step(
        at=change.created_at,
        what="order_state",
        number=sn,
        before=before,
        after=str(change.to_state),
        source=change.cause,
        detail=change.detail,
    )


def _refund(refund: OrderRefund) -> list[Step]:
    number, fen = refund.request_sn, refund.refund_fen
    asked = Step(at=refund.requested_at, what="refund_asked", number=number, source=refund.cause, fen=fen)
    if refund.ended_at is None:
        return [asked]
    return [asked, Step(at=refund.ended_at, what="refund_ended", number=number, after=refund.state, fen=fen)]
