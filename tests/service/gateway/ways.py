"""What the services tell of one order whose callback was lost, in the shapes of their operators' API."""

from typing import Any

from tests.service.gateway.operators import Operations

SN, PAYMENT_SN = "HSO2026112309302612345678", "PMT2026112309310087654321"
TRANSACTION = "4200002026112300001234567890"
MOBILE, USER_ID = "13800000001", 7
EMPTY = {"number": "", "before": None, "after": None, "source": None, "detail": None, "fen": None}
PREPAY_TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def order(**changes: Any) -> dict[str, Any]:
    return {
        "sn": SN, "userId": USER_ID, "homestayId": 1, "homestayBusinessId": 1, "title": "洱海边的白族小院", "tradeState": 0,
        "closing": False, "refundState": "none", "orderTotalFen": 74_051, "refundedFen": 0, "liveStartDate": "2026-11-27",
        "liveEndDate": "2026-11-29", "paymentSn": "", "createdAt": "2026-11-23T01:30:26.100Z",
        "closeAt": "2026-11-23T02:00:26Z", "paidAt": None, "version": 1,
    } | changes  # fmt: skip


def order_state(**changes: Any) -> dict[str, Any]:
    """After an act upon an order; by itself that its refund was requested again."""
    return {"sn": SN, "tradeState": 1, "closing": False, "refundOpen": True, "refundState": "agreed"} | changes


def payment(**changes: Any) -> dict[str, Any]:
    return {
        "sn": PAYMENT_SN, "orderSn": SN, "serviceType": "homestayOrder", "userId": USER_ID, "payStatus": 0,
        "tradeState": "NOTPAY", "totalFen": 74_051, "refundedFen": 0, "transactionId": None,
        "createdAt": "2026-11-23T01:31:00Z", "expiresAt": "2026-11-23T02:00:26Z", "payTime": None, "askedAt": None,
        "nextQueryAt": "2026-11-23T01:31:30Z", "traceId": PREPAY_TRACE, "version": 1,
    } | changes  # fmt: skip


def event(event_id: str, topic: str, source: str, created_at: str, published_at: str | None) -> dict[str, Any]:
    return {
        "source": source, "eventId": event_id, "topic": topic, "type": "t", "subject": SN, "createdAt": created_at,
        "publishedAt": published_at, "attempts": 0 if published_at else 3, "traceId": TRACE,
        "lastError": None if published_at else "PeerUnavailable: sidecar: ConnectError",
    }  # fmt: skip


def letter(letter_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": letter_id, "topic": "payment-update-paystatus-topic", "source": "minsu/payment", "eventId": "e-1",
        "state": "poison", "reason": "cannot be read", "note": None, "attempts": 3, "receivedAt": "2026-11-23T01:45:01Z",
        "nextAttemptAt": None, "endedAt": None,
    } | changes  # fmt: skip


def step(at: str, what: str, **more: Any) -> dict[str, Any]:
    return EMPTY | {"at": at, "what": what} | more


def lost_callback(services: Operations) -> None:
    """The order waits; the guest has paid at WeChat, and its callback never came."""
    services.data(
        "/usercenter/v1/ops/accountDetail",
        {
            "id": USER_ID, "mobile": MOBILE, "nickname": "小安", "roles": ["buyer"], "registeredAt": "2026-10-01T00:00:00Z",
            "mobileProvenAt": None, "mobileProvenBy": None, "hasPassword": True, "wechat": [], "acts": [],
        },
    )  # fmt: skip
    services.data("/order/v1/ops/orderFind", {"list": [order()]})
    services.data("/payment/v1/ops/paymentFind", {"list": []})
    created = step("2026-11-23T01:30:26.100Z", "order_state", number=SN, after="0", source="created")
    services.data("/order/v1/ops/orderSteps", {"order": order(), "steps": [created]})
    services.data(
        "/payment/v1/ops/paymentSteps",
        {
            "payments": [payment()], "refunds": [], "notices": [], "payout": [],
            "steps": [
                step("2026-11-23T01:31:00Z", "payment_created", number=PAYMENT_SN, fen=74_051),
                step("2026-11-23T01:31:00.210Z", "prepaid", number=PAYMENT_SN),
            ],
        },
    )  # fmt: skip
    services.data("/notification/v1/ops/messageSteps", {"tasks": [], "steps": []})
    for service in ("order", "payment"):
        services.data(f"/{service}/v1/ops/publishedEvents", {"list": [], "keepDays": 7})
    for service in ("order", "payment", "notification", "travel"):
        services.data(f"/{service}/v1/ops/receivedEvents", {"taken": [], "letters": []})
        services.data(f"/{service}/v1/ops/deadLetterList", {"list": []})
    services.data("/payment/v1/ops/paymentQuery", payment(payStatus=1, tradeState="SUCCESS"))


def settled(services: Operations) -> None:
    """As it is after WeChat was queried: paid, confirmed, told to the guest."""
    confirmed = order(tradeState=1, paymentSn=PAYMENT_SN, paidAt="2026-11-23T01:31:20Z", version=2)
    services.data("/order/v1/ops/orderFind", {"list": [confirmed]})
    services.data(
        "/order/v1/ops/orderSteps",
        {
            "order": confirmed,
            "steps": [
                step("2026-11-23T01:30:26.100Z", "order_state", number=SN, after="0", source="created"),
                step("2026-11-23T01:45:00.420Z", "order_state", number=SN, before="0", after="1", source="paid"),
            ],
        },
    )
    services.data(
        "/payment/v1/ops/paymentSteps",
        {
            "payments": [
                payment(payStatus=1, tradeState="SUCCESS", transactionId=TRANSACTION, nextQueryAt=None, version=2)
            ],
            "refunds": [], "notices": [],
            "payout": [],
            "steps": [
                step("2026-11-23T01:31:00Z", "payment_created", number=PAYMENT_SN, fen=74_051),
                step("2026-11-23T01:31:00.210Z", "prepaid", number=PAYMENT_SN),
                step("2026-11-23T01:31:20Z", "paid_at_wechat", number=PAYMENT_SN, detail=TRANSACTION, source="wechat"),
                step("2026-11-23T01:45:00.100Z", "act", number=f"payment:{PAYMENT_SN}", after="query-payment",
                     source="operator:7", detail="买家来电"),
                step("2026-11-23T01:45:00.300Z", "payment_status", number=PAYMENT_SN, before="0", after="1",
                     source="query"),
            ],
        },
    )  # fmt: skip
    told = event("e-1", "payment-update-paystatus-topic", "minsu/payment", "2026-11-23T01:45:00.300Z",
                 "2026-11-23T01:45:00.340Z")  # fmt: skip
    services.data("/payment/v1/ops/publishedEvents", {"list": [told], "keepDays": 7})
    taken = {"source": "minsu/payment", "eventId": "e-1", "receivedAt": "2026-11-23T01:45:00.420Z"}
    services.data("/order/v1/ops/receivedEvents", {"taken": [taken], "letters": []})
    services.data(
        "/notification/v1/ops/messageSteps",
        {
            "tasks": [message()],
            "steps": [
                step("2026-11-23T01:45:00.500Z", "message_planned", number="paid:5"),
                step("2026-11-23T01:45:00.700Z", "message_tried", number="paid:5", after="sent", source="attempt:1"),
            ],
        },
    )


def troubles(services: Operations) -> None:
    """A refund that is abnormal, flagged, and failed for order; a message that the guest refuses; a payout to come."""
    settled(services)
    refund = {
        "sn": "RFD2026112309350000000001", "requestSn": "RFR2026112309340000000001", "attempt": 1, "orderSn": SN,
        "paymentSn": PAYMENT_SN, "refundFen": 74_051, "cause": "buyer", "reason": "改期", "state": "abnormal",
        "refundId": "50300", "successTime": None, "problem": "the card is closed", "id": 3,
        "createdAt": "2026-11-23T01:50:00Z", "sentElsewhereAt": None,
    }  # fmt: skip
    notice = {
        "id": 4, "outTradeNo": PAYMENT_SN, "transactionId": None, "outRefundNo": refund["sn"], "refundCause": "buyer",
        "reason": "refund_abnormal", "detail": "CHANGE", "source": "request", "totalFen": 74_051, "seen": 1, "note": None,
        "state": "needs_review", "createdAt": "2026-11-23T01:51:00Z", "resolvedBy": None, "resolvedAt": None,
    }  # fmt: skip
    entry = {
        "kind": "stay", "number": SN, "homestayBusinessId": 1, "day": "2026-11-27", "amountFen": 74_051, "feeFen": 444,
        "recordId": None,
    }  # fmt: skip
    records = {
        "payments": [payment(payStatus=1)],
        "refunds": [refund],
        "notices": [notice],
        "payout": [entry],
        "steps": [],
    }
    services.data("/payment/v1/ops/paymentSteps", records)
    failed = order(tradeState=1, refundState="failed", paymentSn=PAYMENT_SN, paidAt="2026-11-23T01:31:20Z")
    services.data("/order/v1/ops/orderSteps", {"order": failed, "steps": []})
    refused = message(state="refused", reason="43101 user refuse to accept the msg", cause="user-refused", sentAt=None)
    services.data("/notification/v1/ops/messageSteps", {"tasks": [refused], "steps": []})


def lost_records(services: Operations) -> None:
    """An old payment: order no longer knows its order, its events are forgotten, and a dead letter of one is left."""
    lost_callback(services)
    services.refuse("/order/v1/ops/orderSteps", "order-not-found")
    old = {
        "payments": [payment(createdAt="2026-01-01T00:00:00Z")],
        "refunds": [],
        "notices": [],
        "payout": [],
        "steps": [],
    }
    services.data("/payment/v1/ops/paymentSteps", old)
    services.data("/order/v1/ops/deadLetterList", {"list": [letter(9)]})


def message(**changes: Any) -> dict[str, Any]:
    return {
        "id": 5, "orderSn": SN, "kind": "paid", "state": "sent", "reason": None, "cause": None, "attempts": 1,
        "nextAttemptAt": None, "sentAt": "2026-11-23T01:45:00.700Z", "createdAt": "2026-11-23T01:45:00.500Z",
        "updatedAt": "2026-11-23T01:45:00.700Z", "version": 2,
    } | changes  # fmt: skip
