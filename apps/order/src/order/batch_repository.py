"""The statements of a batch: each locks, reads or writes for many orders at once, from arrays."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from servicekit.arrays import ArrayTransaction


class LockedOrder(NamedTuple):
    """The columns that the effect of a payment depends on. The row is locked in this transaction."""

    id: int
    sn: str
    trade_state: int
    version: int
    order_total_fen: int
    payment_sn: str | None


class OwedOrder(NamedTuple):
    """The columns of what a buyer owes for an order."""

    sn: str
    user_id: int
    order_total_fen: int
    trade_state: int
    closing_at: datetime | None
    close_at: datetime
    title: str


class NewlyPaid(NamedTuple):
    """A locked order that changes to WAIT_USE: `version` is its new version, `payment_version` the payment's."""

    id: int
    sn: str
    version: int
    code: str
    payment_sn: str
    payment_version: int
    total_fen: int
    paid_at: datetime


_LOCK = """
select id, sn, trade_state, version, order_total_fen, payment_sn from homestay_order where sn = any($1::text[])
 order by id for update skip locked
"""
_KNOWN_PAYMENTS = "select payment_sn from order_payment where payment_sn = any($1::text[])"
_WRITE_PAID = """
with v as (
  select * from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::timestamptz[])
    as v(id, version, code, payment_sn, payment_version, total_fen, paid_at)),
paid as (
  update homestay_order o set trade_state = 1, version = v.version, payment_sn = v.payment_sn, paid_at = v.paid_at,
         checkin_code = v.code, closing_at = null, leased_until = null, updated_at = now()
    from v where o.id = v.id),
moved as (
  insert into order_transition (order_id, seq, from_state, to_state, cause, detail, created_at)
  select id, version, 0, 1, 'paid', payment_sn, $8 from v)
insert into order_payment (order_id, payment_sn, version, pay_status, total_fen, paid_at, created_at)
select id, payment_sn, payment_version, 1, total_fen, paid_at, $8 from v
"""


OWED = (
    "select sn, user_id, order_total_fen, trade_state, closing_at, close_at, title from homestay_order"
    " where sn = any($1::text[])"
)
"""The `OwedOrder` of each number that exists."""


async def lock(tx: ArrayTransaction, sns: Sequence[str]) -> dict[str, LockedOrder]:
    """The orders by number, without those that another transaction has locked: this never waits."""
    return {row["sn"]: LockedOrder(*row) for row in await tx.fetch(_LOCK, sns)}


async def known_payments(tx: ArrayTransaction, sns: Sequence[str]) -> set[str]:
    """Those of the payment numbers that have a row in order_payment."""
    return {row["payment_sn"] for row in await tx.fetch(_KNOWN_PAYMENTS, sns)}


async def write_paid(tx: ArrayTransaction, paid: Sequence[NewlyPaid], now: datetime) -> None:
    """Change locked orders to WAIT_USE, with their transition and payment rows. Raises one of REFUSED_VALUES when a
    check-in code is in use."""
    await tx.execute(
        _WRITE_PAID,
        [each.id for each in paid],
        [each.version for each in paid],
        [each.code for each in paid],
        [each.payment_sn for each in paid],
        [each.payment_version for each in paid],
        [each.total_fen for each in paid],
        [each.paid_at for each in paid],
        now,
    )
