"""The statements of prepays, each for those that come together: new payments, and the prepay_id that WeChat returned."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from servicekit.arrays import ArrayTransaction, columns


class NewPayment(NamedTuple):
    """The values of a payment that is to be opened; amounts in fen, times UTC. `request` is what WeChat is sent."""

    sn: str
    order_sn: str
    user_id: int
    service_type: str
    total_fen: int
    request: str
    expires_at: datetime
    due_at: datetime
    traceparent: str | None
    tracestate: str | None


class Prepaid(NamedTuple):
    sn: str
    prepay_id: str
    prepay_at: datetime


_LOCK_ORDERS = (
    "select order_sn from (select distinct order_sn from unnest($1::text[]) as order_sn) as wanted"
    " where pg_try_advisory_xact_lock(hashtextextended(order_sn, 0))"
)
"""Those that no other transaction holds: the others would hold up all that came with them."""
# A statement of its own, after the locks: it has to see what those who held them wrote.
_OPEN = """
insert into third_payment (sn, order_sn, user_id, service_type, total_fen, request, expires_at, due_at, traceparent,
                           tracestate, pay_mode, trade_type, refunded_fen, pay_status, version, trade_state, tries)
select n.*, 'WECHAT_PAY', 'JSAPI', 0, 0, 1, 'NOTPAY', 0
  from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[],
              $8::timestamptz[], $9::text[], $10::text[])
       as n(sn, order_sn, user_id, service_type, total_fen, request, expires_at, due_at, traceparent, tracestate)
 where not exists (select from order_closure c where c.order_sn = n.order_sn)
   and not exists (select from third_payment p where p.order_sn = n.order_sn and p.pay_status in (0, 1, 2))
    on conflict do nothing returning sn
"""
ATTACH = """
with open as (
  select p.id, n.prepay_id, n.prepay_at
    from unnest($1::text[], $2::text[], $3::timestamptz[]) as n(sn, prepay_id, prepay_at)
    join third_payment p on p.sn = n.sn where p.pay_status = 0 order by p.id for update of p)
update third_payment p set prepay_id = open.prepay_id, prepay_at = open.prepay_at, updated_at = now()
  from open where p.id = open.id returning p.sn
"""
"""Store the prepay_id of each payment (columns of `Prepaid`); returns the `sn` of those that are open still."""


async def open_payments(tx: ArrayTransaction, new: Sequence[NewPayment]) -> set[str]:
    """Insert a payment for each order that may have one: not closed, not paid, without an open one, and not held by another
    transaction. Locks the orders until the end of the transaction, as `payment_repository.lock_order` does. Returns the
    numbers of those inserted."""
    locked = {row["order_sn"] for row in await tx.fetch(_LOCK_ORDERS, [each.order_sn for each in new])}
    mine = [each for each in new if each.order_sn in locked]
    return {row["sn"] for row in await tx.fetch(_OPEN, *columns(mine))} if mine else set()
