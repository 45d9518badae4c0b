"""Settles many payments in one transaction. Only the plain case: a paid verdict that matches a waiting payment, or repeats
what is known. Everything else (reviews, closings, refunds, late payments) is settled one by one, in payments.py.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from payment import events
from payment.ledger import batch_repository
from payment.ledger.applied import Applied
from payment.ledger.payment_states import PayStatus, next_status
from payment.wechat.verdicts import Verdict
from servicekit.arrays import ArrayTransaction
from servicekit.clock import Clock
from servicekit.telemetry import traces


@dataclass(frozen=True)
class Arrived:
    """A verdict and the context of the span that it arrived in."""

    verdict: Verdict
    context: traces.SpanContext


class Traced(Protocol):
    """What a row says of the trace of its prepay."""

    @property
    def sn(self) -> str: ...
    @property
    def order_sn(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...
    @property
    def tracestate(self) -> str | None: ...


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
            facts.append(events.pay_status_updated(paid, clock, trace=settled_in(payment, arrived[place].context)))
            done[place] = Applied.SETTLED
    if settled:
        await batch_repository.write_paid(tx, settled, facts)
    return done


def settled_in(payment: Traced, arrived: traces.SpanContext, *, refund_sn: str | None = None) -> traces.TraceContext:
    """The context of what follows from settling a payment, or a refund of it: a mark in the trace of its prepay, which is
    the booking's, with links to what settled it. Of a payment without one, `arrived`."""
    if payment.traceparent and not traces.is_on():  # reading and writing it again would be all that happens
        return traces.TraceContext(payment.traceparent, payment.tracestate or "")
    prepay = traces.parsed(payment.traceparent, payment.tracestate)
    if not prepay.is_valid:
        return traces.written(arrived)
    numbers = {"minsu.payment_sn": payment.sn, "minsu.order_sn": payment.order_sn}
    if refund_sn is not None:
        numbers["minsu.refund_sn"] = refund_sn
    name = "settle payment" if refund_sn is None else "settle refund"
    here = traces.current_context()
    links = [arrived] if here == arrived else [arrived, here]
    mark = traces.begin(name, prepay, links=links, attributes=numbers)
    mark.end()
    return traces.written(mark.get_span_context())
