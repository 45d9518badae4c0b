"""Check-in: the merchant enters the guest's code, the order goes from WAIT_USE to USED. Unknown codes and codes of
other merchants get the same answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from order import codes, lifecycle, repository
from order.errors import CodeSpent, RefundOpen, StayNotBegun, StayOver, TooManyWrongCodes, UnknownCheckinCode
from order.models import HomestayOrder
from order.pricing import Stay
from order.states import TradeState
from servicekit.clock import Clock
from servicekit.db import Database, Transaction


@dataclass(kw_only=True, eq=False)
class CheckIn:
    db: Database
    clock: Clock
    misses: int
    window: timedelta

    async def verify(self, merchant_id: int, typed: str) -> HomestayOrder:
        """Check in the merchant's order with this code; returns it. Wrong codes are counted per merchant, refused
        attempts at their own orders are not. Raises UnknownCheckinCode, TooManyWrongCodes, CodeSpent, RefundOpen,
        StayNotBegun, StayOver; InvalidInput for a text that cannot be a code."""
        code = codes.normalise(typed)
        async with self.db.transaction() as tx:
            await repository.lock_checkins_of(tx, merchant_id)
            now = self.clock()
            await self._require_attempts_left(tx, merchant_id, now)
            order = await repository.lock_by_code(tx, code, merchant_id)
            if order is None:
                await repository.add_miss(tx, merchant_id, now)
            else:
                _require_usable(order, now)
                detail = f"merchant {merchant_id}"
                await lifecycle.move(tx, order, TradeState.USED, cause="checked-in", now=now, detail=detail)
        if order is None:  # after the commit: the wrong attempt must be recorded
            raise UnknownCheckinCode("no order of yours has this code", field="tradeCode")
        return order

    async def _require_attempts_left(self, tx: Transaction, merchant_id: int, now: datetime) -> None:
        missed, oldest = await repository.misses_since(tx, merchant_id, now - self.window)
        if oldest is not None and missed >= self.misses:
            seconds = int((oldest + self.window - now).total_seconds()) + 1
            raise TooManyWrongCodes(f"{missed} wrong codes", retry_after=seconds)


def _require_usable(order: HomestayOrder, now: datetime) -> None:
    stay = Stay(order.live_start_date, order.live_end_date)
    if order.trade_state != TradeState.WAIT_USE:
        raise CodeSpent(f"the trade state is {order.trade_state}")
    if order.refund_opened_at is not None:
        raise RefundOpen("a refund is open")
    if now < stay.begins_at:
        raise StayNotBegun(f"begins {stay.start}", first=stay.start.isoformat())
    if now >= stay.ends_at:
        raise StayOver(f"ended {stay.ends_at.isoformat()}")
