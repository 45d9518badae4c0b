"""Problems that payment reports to callers. Their texts are in `messages.toml`, by slug."""

from servicekit.errors import Conflict, Forbidden, InvalidInput, NotFound, Problem, Unavailable


class UnknownServiceType(InvalidInput):
    code, slug = 104001, "unknown-service-type"


class OrderNotFound(NotFound):
    code, slug = 104002, "order-not-found"


class OrderNotPayable(Conflict):
    code, slug = 104003, "order-not-payable"


class OrderAlreadyPaid(Conflict):
    code, slug = 104004, "order-already-paid"


class WechatNotLinked(Conflict):
    code, slug = 104005, "wechat-not-linked"


class PaymentNotFound(NotFound):
    code, slug = 104006, "payment-not-found"


class WechatUnavailable(Unavailable):
    """No trustworthy response from WeChat: the operation may have happened. Safe to retry with the same number."""

    code, slug = 104007, "wechat-unavailable"


class WechatRefused(Problem):
    """WeChat refused permanently, because of our settings or merchant account: the buyer can do nothing."""

    status, code, slug = 502, 104008, "wechat-refused"


class WechatRefusedAct(Conflict):
    """WeChat refused what an operator asked of it; nothing was changed. No 502: the gateway's sidecar repeats those."""

    code, slug = 104023, "wechat-refused-act"


class NotRefundable(Conflict):
    code, slug = 104009, "payment-not-refundable"


class RefundExceedsPayment(Conflict):
    """More than what remains of the payment after all its refunds, pending ones included."""

    code, slug = 104010, "refund-exceeds-payment"


class TooManyRefunds(Conflict):
    code, slug = 104011, "too-many-refunds"


class RefundMismatch(Conflict):
    """The request number is already used by a different refund."""

    code, slug = 104012, "refund-mismatch"


class RefundNotFound(NotFound):
    code, slug = 104013, "refund-not-found"


class RefundIsNotAbnormal(Conflict):
    code, slug = 104019, "refund-is-not-abnormal"


class RefundSentElsewhere(Conflict):
    """The refund was rerouted, and WeChat has not reported the result yet."""

    code, slug = 104020, "refund-sent-elsewhere"


class ApprovalNotFound(NotFound):
    code, slug = 104030, "refund-approval-not-found"


class OwnRequest(Forbidden):
    """Four eyes: another operator has to approve it."""

    code, slug = 104031, "second-operator-needed"


class ApprovalEnded(Conflict):
    """Approved, declined or expired before."""

    code, slug = 104032, "refund-approval-ended"


class ApprovalWaits(Conflict):
    """A request for this refund waits already: approve or decline it first."""

    code, slug = 104033, "refund-approval-waits"


class RefundNotEnded(Conflict):
    code, slug = 104021, "refund-not-ended"


class BuyerAsksAgain(Conflict):
    """A buyer's or a host's own refund: order was told that it failed, so only they may request it again."""

    code, slug = 104022, "buyer-asks-again"


class NoticeNotFound(NotFound):
    code, slug = 104014, "notice-not-found"


class NoticeResolved(Conflict):
    code, slug = 104015, "notice-resolved"


class NotReconciled(NotFound):
    code, slug = 104016, "not-reconciled"


class DayNotOver(InvalidInput):
    code, slug = 104017, "day-not-over"


class NoSuchBill(InvalidInput):
    code, slug = 104018, "no-such-bill"


class NoSuchPayout(NotFound):
    code, slug = 104081, "no-such-payout"


class PeriodTooLong(InvalidInput):
    """Too many days, or too many orders for one table."""

    code, slug = 104082, "period-too-long"
