"""Opens payments, and stores what WeChat returned for them. What comes together is one transaction: while one is under
way, the next one gathers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from payment.ledger import prepay_repository
from payment.ledger.prepay_repository import NewPayment, Prepaid
from servicekit.arrays import REFUSED_VALUES, columns
from servicekit.collector import Collector
from servicekit.db import Database

LONGEST_WAIT_SECONDS = 3.0


@dataclass(kw_only=True, eq=False)
class Reservations:
    """Both raise DatabaseUnavailable, and Unavailable when too many wait."""

    db: Database
    _opened: Collector[NewPayment, bool] = field(init=False, repr=False)
    _attached: Collector[Prepaid, bool] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._opened = Collector(self._open, name="open payments", longest_seconds=LONGEST_WAIT_SECONDS)
        self._attached = Collector(self._attach, name="store prepay ids", longest_seconds=LONGEST_WAIT_SECONDS)

    async def open(self, payment: NewPayment) -> bool:
        """Store a new payment. False when it was not stored: its order has one, is closed or held by another
        transaction, its number is taken, or a value is refused. Why is for the caller to find out, in a transaction of
        its own."""
        return await self._opened.submit(payment)

    async def attach(self, prepaid: Prepaid) -> bool:
        """Store a payment's prepay_id. False when the payment is not open any more: its prepay must not be handed out."""
        return await self._attached.submit(prepaid)

    async def _open(self, new: Sequence[NewPayment]) -> list[bool]:
        try:
            async with self.db.arrays() as tx:
                opened = await prepay_repository.open_payments(tx, new)
        except REFUSED_VALUES:  # a value of one is at fault: alone, each shows which
            return [False] * len(new)
        return [each.sn in opened for each in new]

    async def _attach(self, prepaid: Sequence[Prepaid]) -> list[bool]:
        rows = await self.db.run_alone(prepay_repository.ATTACH, *columns(prepaid))
        attached = {row["sn"] for row in rows}
        return [each.sn in attached for each in prepaid]
