"""The statements of a batch: each locks, reads or writes for many orders at once, from arrays."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from servicekit import outbox
from servicekit.arrays import ArrayTransaction, columns
from servicekit.db import mark_outbox


class Wanted(NamedTuple):
    """An order that an event is about, the event's identity, and its payment."""

    order_sn: str
    source: str
    event_id: str
    payment_sn: str


class LockedOrder(NamedTuple):
    """The columns that the effect of a payment depends on. The row is locked in this transaction. `is_handled`: the event
    is in the inbox, `knows_payment`: the payment is in order_payment."""

    id: int
    sn: str
    trade_state: int
    version: int
    order_total_fen: int
    payment_sn: str | None
    is_handled: bool
    knows_payment: bool


class OwedOrder(NamedTuple):
    """The columns of what a buyer owes for an order."""

    sn: str
    user_id: int
    order_total_fen: int
    trade_state: int
    closing_at: datetime | None
    close_at: datetime
    title: str
    traceparent: str | None
    tracestate: str | None


class ToldOrder(NamedTuple):
    """The columns of an order that other services are told. `refunded_at`: None while it is not refunded."""

    sn: str
    user_id: int
    homestay_id: int
    homestay_user_id: int
    title: str
    trade_state: int
    checkin_code: str | None
    order_total_fen: int
    live_start_date: date
    live_end_date: date
    paid_at: datetime | None
    payment_sn: str | None
    refund_state: str
    refund_opened_at: datetime | None
    refund_fen: int | None
    refund_least_fen: int | None
    version: int
    refunded_at: datetime | None


class NewlyPaid(NamedTuple):
    """A locked order that changes to WAIT_USE, by the event of this identity: `version` is its new version,
    `payment_version` the payment's."""

    id: int
    version: int
    code: str
    payment_sn: str
    payment_version: int
    total_fen: int
    paid_at: datetime
    source: str
    event_id: str


_LOCK = """
select o.id, o.sn, o.trade_state, o.version, o.order_total_fen, o.payment_sn,
       exists (select from inbox i where i.source = v.source and i.event_id = v.event_id) as is_handled,
       exists (select from order_payment p where p.payment_sn = v.payment_sn) as knows_payment
  from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as v(sn, source, event_id, payment_sn)
  join homestay_order o on o.sn = v.sn
 order by o.id for update of o skip locked
"""
_WRITE_PAID = f"""
with v as (
  select * from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::timestamptz[],
    $8::text[], $9::text[])
    as v(id, version, code, payment_sn, payment_version, total_fen, paid_at, source, event_id)),
handled as (insert into inbox (source, event_id) select source, event_id from v),
paid as (
  update homestay_order o set trade_state = 1, version = v.version, payment_sn = v.payment_sn, paid_at = v.paid_at,
         checkin_code = v.code, closing_at = null, leased_until = null, updated_at = now()
    from v where o.id = v.id),
moved as (
  insert into order_transition (order_id, seq, from_state, to_state, cause, detail, created_at)
  select id, version, 0, 1, 'paid', payment_sn, $10 from v),
told as ({outbox.insertion(11)})
insert into order_payment (order_id, payment_sn, version, pay_status, total_fen, paid_at, created_at)
select id, payment_sn, payment_version, 1, total_fen, paid_at, $10 from v
"""  # noqa: S608 - made of constants


OWED = (
    "select sn, user_id, order_total_fen, trade_state, closing_at, close_at, title, traceparent, tracestate"
    " from homestay_order where sn = any($1::text[])"
)
"""The `OwedOrder` of each number that exists."""
TOLD = f"""
select {", ".join(ToldOrder._fields[:-1])}, case when trade_state = 3 then (
         select created_at from order_transition t where t.order_id = o.id and t.to_state = 3 limit 1) end as refunded_at
  from homestay_order o where sn = any($1::text[])
"""  # noqa: S608 - names of columns of ours
"""The `ToldOrder` of each number that exists."""


async def lock(tx: ArrayTransaction, wanted: Sequence[Wanted]) -> dict[str, LockedOrder]:
    """The orders by number, without those that another transaction has locked: this never waits. Of each order one event
    at most. Inbox and order_payment are read before the lock: their unique keys refuse what came in between."""
    return {row["sn"]: LockedOrder(*row) for row in await tx.fetch(_LOCK, *columns(wanted))}


async def write_paid(
    tx: ArrayTransaction, paid: Sequence[NewlyPaid], facts: Sequence[outbox.OutgoingEvent], now: datetime
) -> None:
    """Change locked orders to WAIT_USE, with their inbox, transition and payment rows, and the events that tell of it.
    Raises one of REFUSED_VALUES when a check-in code is in use, or an event or payment was recorded meanwhile."""
    await tx.execute(_WRITE_PAID, *columns(paid), now, *outbox.columns_of(facts))
    mark_outbox(tx)
