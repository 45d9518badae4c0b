"""Why the order service refuses. Numbers 100200–100299 are this service's.

Problem
├── InvalidInput
│   ├── NoNights · StayTooLong        liveEndTime
│   ├── StartInThePast · StartTooFar  liveStartTime
│   └── TooManyPeople                 livePeopleNum
├── NotFound
│   ├── OrderNotFound         also another's order: the two are not to be told apart
│   ├── HomestayNotFound
│   └── UnknownTradeCode      also another's code, as above
├── Conflict
│   ├── NotOnSale · PriceOutOfRange
│   ├── IllegalMove           ├── NotCancellable · AlreadyPaid
│   ├── NotRefundable         └── CodeSpent · StayNotBegun · StayOver · RefundOpen
└── TooManyRequests
    └── TooManyWrongCodes
AmountMismatch (Poison)       a payment of another amount than the order's
"""

from servicekit.errors import Conflict, InvalidInput, NotFound, Poison, TooManyRequests


class NoNights(InvalidInput):
    code, slug = 100201, "no-nights"


class StayTooLong(InvalidInput):
    code, slug = 100202, "stay-too-long"


class StartInThePast(InvalidInput):
    code, slug = 100203, "start-in-the-past"


class StartTooFar(InvalidInput):
    code, slug = 100204, "start-too-far"


class TooManyPeople(InvalidInput):
    code, slug = 100205, "too-many-people"


class OrderNotFound(NotFound):
    code, slug = 100210, "order-not-found"


class HomestayNotFound(NotFound):
    code, slug = 100211, "homestay-not-found"


class UnknownTradeCode(NotFound):
    code, slug = 100212, "unknown-trade-code"


class NotOnSale(Conflict):
    code, slug = 100220, "not-on-sale"


class PriceOutOfRange(Conflict):
    code, slug = 100221, "price-out-of-range"


class IllegalMove(Conflict):
    code, slug = 100222, "illegal-move"


class NotCancellable(Conflict):
    code, slug = 100223, "not-cancellable"


class AlreadyPaid(Conflict):
    code, slug = 100224, "already-paid"


class NotRefundable(Conflict):
    code, slug = 100225, "not-refundable"


class CodeSpent(Conflict):
    code, slug = 100226, "code-spent"


class StayNotBegun(Conflict):
    code, slug = 100227, "stay-not-begun"


class StayOver(Conflict):
    code, slug = 100228, "stay-over"


class RefundOpen(Conflict):
    code, slug = 100229, "refund-open"


class TooManyWrongCodes(TooManyRequests):
    code, slug = 100230, "too-many-wrong-codes"


class AmountMismatch(Poison):
    """Money of another amount than the order's was taken: a person must look, nothing is marked paid."""
