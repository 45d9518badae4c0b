"""Settles many payments in one transaction. Only the plain case: a paid verdict that matches a waiting payment, or repeats
what is known. Everything else (reviews, closings, refunds, late payments) is settled one by one, in payments.py.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from payment import events
from payment.ledger import batch_repository
from payment.ledger.applied import Applied
from payment.ledger.payment_states import PayStatus, next_status
from payment.wechat.verdicts import Verdict
from servicekit.arrays import ArrayTransaction
from servicekit.clock import Clock
from servicekit.outbox import publish_later


@dataclass(frozen=True)
class Arrived:
    """A verdict and the trace context that it arrived in."""

    verdict: Verdict
    traceparent: str


FindMismatch = Callable[[batch_repository.LockedPayment, Verdict], object]
"""Returns a true value when the verdict contradicts the payment."""


async def settle_plain(
    tx: ArrayTransaction, arrived: Sequence[Arrived], find_mismatch: FindMismatch, clock: Clock
) -> dict[int, Applied]:
    """Settle the plain verdicts: lock the rows in id order, decide, write each table with one statement.

    Returns what was done by position in `arrived`; a position that is missing changed nothing and must be settled alone:
    so must a payment whose row another transaction has locked, for which nothing here waits. Raises one of REFUSED_VALUES
    where another payment is being settled by the same transaction number at this moment: nothing is written then.
    """
    times = Counter(each.verdict.out_trade_no for each in arrived)
    plain = [
        place
        for place, each in enumerate(arrived)
        if each.verdict.trade_state == "SUCCESS" and times[each.verdict.out_trade_no] == 1
    ]
    if not plain:
        return {}
    locked, owners = await batch_repository.lock(
        tx,
        [arrived[place].verdict.out_trade_no for place in plain],
        [arrived[place].verdict.transaction_id for place in plain],
    )
    done: dict[int, Applied] = {}
    settled: list[batch_repository.NewlyPaid] = []
    facts = []
    for place in plain:
        verdict = arrived[place].verdict
        payment = locked.get(verdict.out_trade_no)
        if payment is None or find_mismatch(payment, verdict):
            continue
        if owners.setdefault(verdict.transaction_id or "", payment.id) != payment.id:
            continue  # the transaction has settled another payment, or another one of this batch
        current = PayStatus(payment.pay_status)
        following = next_status(current, verdict.trade_state)
        if following is current:
            done[place] = Applied.UNCHANGED
        elif (current, following) == (PayStatus.WAITING, PayStatus.PAID):
            paid = payment._replace(pay_status=following, version=payment.version + 1, pay_time=verdict.success_time)
            settled.append(batch_repository.NewlyPaid(paid.id, paid.version, current, verdict))
            facts.append(events.paystatus_updated(paid, clock, traceparent=arrived[place].traceparent))
            done[place] = Applied.SETTLED
    if settled:
        await batch_repository.write_paid(tx, settled)
        await publish_later(tx, *facts)
    return done
