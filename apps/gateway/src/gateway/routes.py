"""The public API as data: exact path → service → who may call it. A path that is not listed does not exist.

A service still verifies the token and the role itself; `SIGNED_IN` only spares it requests that carry no token at all.
"""

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    WECHAT = "wechat"


@dataclass(frozen=True, slots=True)
class PublicRoute:
    path: str
    app_id: str
    who: Who
    is_catalogue: bool = False
    """A read that is the same for all who ask: neither token nor address changes it, and it may be some seconds old."""


def _routes(app_id: str, prefix: str, who: Who, *names: str, is_catalogue: bool = False) -> tuple[PublicRoute, ...]:
    return tuple(PublicRoute(f"/{app_id}/v1/{prefix}/{name}", app_id, who, is_catalogue) for name in names)


AUDIT = ("actList", "auditVerify")
"""What operators did, in every service that keeps state."""
DELIVERY = ("deadLetterList", "deadLetterDetail", "deadLetterReplay", "deadLetterDiscard", "receivedEvents", *AUDIT)
"""What operators may do with the events of every service that consumes some."""
OUTBOX = ("outboxStatus", "publishedEvents")
"""What operators see of the events of every service that publishes some."""

SYSTEM = "system"
"""How a service runs. Each has it; the gateway's own is served by itself."""

PERSONAL_DATA = ("personalDataExport", "personalDataErase")
REFUNDS = (
    "refundList",
    "refundSendElsewhere",
    "refundApprovalList",
    "refundApprove",
    "refundDecline",
    "refundBeginAgain",
)
FOLLOWING = ("paymentFind", "paymentSteps", "paymentQuery")
BOOKS = (
    "reconcile",
    "reconciliationRun",
    "reconciliationRunList",
    "reconciliationList",
    "payout",
    "payoutList",
    "payoutDayList",
)
OVERVIEW = ("paymentList", "unfinishedStatus", "paymentStatistics")

HOST = (
    "shopDetail",
    "shopEdit",
    "homestayList",
    "homestayDetail",
    "homestayCreate",
    "homestayEdit",
    "homestaySetSale",
    "calendar",
    "setDates",
    "changeList",
    "addPhoto",
    "orderPhotos",
    "removePhoto",
    "calendarLinks",
    "renewExport",
    "addImport",
    "removeImport",
    "conflicts",
)
"""What a host may do with the own shop and homestays."""

SESSION = ("logout", "sessionList", "sessionEnd", "changePassword")

# The spelling of paths is the source system's: its front ends keep working.
PUBLIC: tuple[PublicRoute, ...] = (
    *_routes("usercenter", "user", Who.ANYONE, "register", "login", "sendMobileCode", "wxMiniAuth", "refreshToken"),
    *_routes("usercenter", "user", Who.SIGNED_IN, "detail", *SESSION, "exportData"),
    *_routes("usercenter", "user", Who.SIGNED_IN, "reauthenticate", "totpEnrol", "totpConfirm"),
    *_routes(
        "travel",
        "homestay",
        Who.ANYONE,
        "homestayList",
        "businessList",
        "guessList",
        "homestayDetail",
        "search",
        "cityList",
        "homestayCalendar",
        is_catalogue=True,
    ),
    *_routes(
        "travel",
        "homestayBussiness",
        Who.ANYONE,
        "goodBoss",
        "homestayBussinessList",
        "homestayBussinessDetail",
        is_catalogue=True,
    ),
    # No catalogue: an author looks for the comment just written.
    *_routes("travel", "homestayComment", Who.ANYONE, "commentList"),
    *_routes("travel", "homestayComment", Who.SIGNED_IN, "addComment"),
    *_routes("travel", "host", Who.SIGNED_IN, "apply", "application", *HOST),
    *_routes("travel", "ops", Who.SIGNED_IN, SYSTEM, "hostList", "hostApprove", "hostRefuse", *DELIVERY),
    *_routes("order", "homestayOrder", Who.ANYONE, "quoteHomestayOrder"),
    *_routes(
        "order",
        "homestayOrder",
        Who.SIGNED_IN,
        "createHomestayOrder",
        "userHomestayOrderList",
        "userHomestayOrderDetail",
        "cancelHomestayOrder",
        "refundHomestayOrder",
        "quoteCancel",
    ),
    *_routes(
        "order", "merchant", Who.SIGNED_IN, "orderList", "arrivals", "verifyTradeCode", "refundDecision", "refundMore"
    ),
    *_routes("payment", "thirdPayment", Who.SIGNED_IN, "thirdPaymentWxPay", "thirdPaymentStatus"),
    *_routes("payment", "host", Who.SIGNED_IN, "payoutList", "payoutOrders", "payoutCsv"),
    *_routes("payment", "thirdPayment", Who.WECHAT, "thirdPaymentWxPayCallback", "thirdPaymentWxRefundCallback"),
    *_routes(
        "order",
        "ops",
        Who.SIGNED_IN,
        SYSTEM,
        *DELIVERY,
        *OUTBOX,
        "orderFind",
        "orderSteps",
        "closingList",
        "closingRetry",
        "failedRefundList",
        "refundAskAgain",
        "confirmationStatistics",
    ),
    *_routes(
        "payment",
        "ops",
        Who.SIGNED_IN,
        SYSTEM,
        *DELIVERY,
        *OUTBOX,
        *FOLLOWING,
        "noticeList",
        "noticeResolve",
        *REFUNDS,
        *BOOKS,
        *OVERVIEW,
    ),
    *_routes("usercenter", "ops", Who.SIGNED_IN, SYSTEM, "accountDetail", "accountRelease", *AUDIT, *PERSONAL_DATA),
    *_routes(
        "notification",
        "ops",
        Who.SIGNED_IN,
        SYSTEM,
        *DELIVERY,
        "messageSteps",
        "taskList",
        "taskDetail",
        "taskResend",
        "taskResendAll",
    ),
)

CALLBACKS = tuple(route.path for route in PUBLIC if route.who is Who.WECHAT)
CHECKOUT = ("/order/v1/homestayOrder/createHomestayOrder", "/payment/v1/thirdPayment/thirdPaymentWxPay")
"""What a buyer needs to book and pay: an objective of docs/slo.md is that these succeed."""
