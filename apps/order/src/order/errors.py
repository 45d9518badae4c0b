"""Errors of the order service. Codes 103001–103099 are this service's.

Problem
├── InvalidInput
│   ├── NoNights · StayTooLong        liveEndTime
│   ├── StartInThePast · StartTooFar  liveStartTime
│   ├── TooManyPeople                 livePeopleNum
│   └── RefundOutOfRange              refundFen; `least` and `most`
├── NotFound
│   ├── OrderNotFound         also for another user's order: no difference may show
│   ├── HomestayNotFound
│   └── UnknownCheckinCode      also for another merchant's code
├── Conflict
│   ├── NotOnSale · PriceOutOfRange
│   ├── NightFull · NightClosed    liveStartTime; `night` is the first such date
│   ├── TooManyUnpaid             `most` of one user
│   ├── OwnHomestay
│   ├── IllegalMove · NotCancellable · AlreadyPaid
│   ├── NotRefundable · NoRefundToDecide · NoFailedRefund
│   ├── NothingKept · RefundUnderWay
│   └── CodeSpent · StayNotBegun · StayOver · RefundOpen
└── TooManyRequests
    └── TooManyWrongCodes
AmountMismatch (Poison)       the payment's amount is not the order's
"""

from servicekit.errors import Conflict, InvalidInput, NotFound, Poison, TooManyRequests


class NoNights(InvalidInput):
    code, slug = 103001, "no-nights"


class StayTooLong(InvalidInput):
    code, slug, members = 103002, "stay-too-long", ("max_nights",)


class StartInThePast(InvalidInput):
    code, slug = 103003, "start-in-the-past"


class StartTooFar(InvalidInput):
    code, slug, members = 103004, "start-too-far", ("days_ahead",)


class TooManyPeople(InvalidInput):
    code, slug = 103005, "too-many-people"


class TooFewNights(InvalidInput):
    code, slug, members = 103035, "too-few-nights", ("min_nights",)


class OrderNotFound(NotFound):
    code, slug = 103010, "order-not-found"


class HomestayNotFound(NotFound):
    code, slug = 103011, "homestay-not-found"


class UnknownCheckinCode(NotFound):
    code, slug = 103012, "unknown-trade-code"


class NotOnSale(Conflict):
    code, slug = 103020, "not-on-sale"


class PriceOutOfRange(Conflict):
    code, slug = 103021, "price-out-of-range"


class OwnHomestay(Conflict):
    """A host books the own homestay: who pays, checks in and reviews would be one person."""

    code, slug = 103044, "own-homestay"


class NightFull(Conflict):
    """Too few rooms or beds are left for a night of the stay; `night`: the first such date, ISO 8601, in Asia/Shanghai."""

    code, slug, members = 103034, "night-full", ("night",)


class NightClosed(Conflict):
    """A night of the stay is not sold; `night`: the first such date, ISO 8601, in Asia/Shanghai."""

    code, slug, members = 103036, "night-closed", ("night",)


class TooManyUnpaid(Conflict):
    """The user already has `most` orders that wait for their payment."""

    code, slug, members = 103043, "too-many-unpaid", ("most",)


class IllegalMove(Conflict):
    code, slug = 103022, "illegal-move"


class NotCancellable(Conflict):
    code, slug = 103023, "not-cancellable"


class AlreadyPaid(Conflict):
    code, slug = 103024, "already-paid"


class NotRefundable(Conflict):
    code, slug = 103025, "not-refundable"


class CodeSpent(Conflict):
    code, slug = 103026, "code-spent"


class StayNotBegun(Conflict):
    code, slug = 103027, "stay-not-begun"


class StayOver(Conflict):
    code, slug = 103028, "stay-over"


class RefundOpen(Conflict):
    code, slug = 103029, "refund-open"


class TooManyWrongCodes(TooManyRequests):
    code, slug = 103030, "too-many-wrong-codes"


class NoRefundToDecide(Conflict):
    code, slug = 103031, "no-refund-to-decide"


class NotClosing(Conflict):
    code, slug = 103032, "not-closing"


class NoFailedRefund(Conflict):
    code, slug = 103033, "no-failed-refund"


class RefundOutOfRange(InvalidInput):
    """The amount is less than what must go back (`least`), or more than can (`most`); in fen."""

    code, slug, members = 103040, "refund-out-of-range", ("least", "most")


class NothingKept(Conflict):
    """The order is not over yet, or all of it has gone back: there is nothing that its host could give back."""

    code, slug = 103041, "nothing-kept"


class RefundUnderWay(Conflict):
    code, slug = 103042, "refund-under-way"


class AmountMismatch(Poison):
    """The payment's amount is not the order's: nothing is marked as paid, the event needs manual review."""
