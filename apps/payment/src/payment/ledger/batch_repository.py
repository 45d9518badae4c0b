"""The statements of a batch: each locks or writes for many payments at once, from arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from payment.ledger.payment_states import PayStatus
from payment.wechat.verdicts import Verdict
from servicekit import outbox
from servicekit.arrays import ArrayTransaction
from servicekit.db import mark_outbox


class LockedPayment(NamedTuple):
    """The columns that settling needs. The row is locked in this transaction."""

    id: int
    sn: str
    order_sn: str
    service_type: str
    trade_type: str
    total_fen: int
    refunded_fen: int
    pay_status: int
    version: int
    transaction_id: str | None
    pay_time: datetime | None
    request: str
    traceparent: str | None
    tracestate: str | None


@dataclass(frozen=True)
class NewlyPaid:
    """A locked payment that becomes PAID: `version` is the new one, `before` the previous status."""

    id: int
    version: int
    before: PayStatus
    verdict: Verdict


_LOCK = """
select p.id, p.sn, p.order_sn, p.service_type, p.trade_type, p.total_fen, p.refunded_fen, p.pay_status, p.version,
       p.transaction_id, p.pay_time, p.request, p.traceparent, p.tracestate,
       (select o.id from third_payment o where o.transaction_id = v.transaction_id) as owner
  from unnest($1::text[], $2::text[]) as v(sn, transaction_id) join third_payment p on p.sn = v.sn
 order by p.id for update of p skip locked
"""
_WRITE_PAID = f"""
with v as (
  select * from unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[]) as v(id, version, before, source, trade_state, transaction_id, bank_type, pay_time)),
paid as (
  update third_payment p set pay_status = 1, version = v.version, trade_state = v.trade_state,
         transaction_id = v.transaction_id, bank_type = v.bank_type, pay_time = v.pay_time, updated_at = now()
    from v where p.id = v.id),
told as ({outbox.insertion(9)})
insert into payment_transition (payment_id, seq, from_status, to_status, source)
select id, version, before, 1, source from v
"""  # noqa: S608 - made of constants


async def lock(
    tx: ArrayTransaction, numbers: Sequence[str], transaction_ids: Sequence[str | None]
) -> tuple[dict[str, LockedPayment], dict[str, int]]:
    """Lock the payments of these numbers in id order, those that no other transaction has locked. Returns them by number,
    and the ids of the payments that the transactions of WeChat have settled, by transaction. The two lists belong
    together, and no number is twice in them."""
    rows = await tx.fetch(_LOCK, numbers, transaction_ids)
    transaction_of = dict(zip(numbers, transaction_ids, strict=True))
    owners = {transaction_of[row["sn"]] or "": row["owner"] for row in rows if row["owner"] is not None}
    return {row["sn"]: LockedPayment(*tuple(row)[:-1]) for row in rows}, owners


async def write_paid(tx: ArrayTransaction, paid: Sequence[NewlyPaid], facts: Sequence[outbox.OutgoingEvent]) -> None:
    """Set locked payments to PAID, log the transitions, and write the events that tell of it. Raises one of REFUSED_VALUES
    where a transaction number belongs to another payment."""
    verdicts = [each.verdict for each in paid]
    await tx.execute(
        _WRITE_PAID,
        [each.id for each in paid],
        [each.version for each in paid],
        [int(each.before) for each in paid],
        [verdict.source for verdict in verdicts],
        [verdict.trade_state for verdict in verdicts],
        [verdict.transaction_id for verdict in verdicts],
        [verdict.bank_type for verdict in verdicts],
        [verdict.success_time for verdict in verdicts],
        *outbox.columns_of(facts),
    )
    mark_outbox(tx)
