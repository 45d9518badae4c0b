"""What payment and order tell the console's pages about money, as their own tests show that they do."""

from tests.service.gateway.operators import Operations

PAYMENT, ORDER = "/payment/v1/ops", "/order/v1/ops"
SN, PMT, RFD = "HSO2026112309302612345678", "PMT2026112309302612345678", "RFD2026112309302612345678"
WHEN = "2026-11-23T01:30:26.120Z"

OPEN = [
    {"subject": "payment", "state": "waiting", "count": 3, "fen": 59700, "oldestAt": WHEN}
    | {"overTenMinutes": 2, "overHour": 1, "overDay": 0},
    *(
        {"subject": subject, "state": state, "count": count, "fen": 0, "oldestAt": WHEN if count else None}
        | {"overTenMinutes": 0, "overHour": 0, "overDay": count}
        for subject, state, count in (
            ("refund", "requested", 0),
            ("refund", "accepted", 0),
            ("refund", "abnormal", 1),
            ("notice", "needs_review", 2),
            ("difference", "open", 0),
        )
    ),
]
PAID = {
    "id": 12,
    "sn": PMT,
    "orderSn": SN,
    "userId": 101,
    "serviceType": "homestayOrder",
    "totalFen": 19900,
    "refundedFen": 900,
    "payStatus": 1,
    "tradeState": "SUCCESS",
    "transactionId": "4200001",
    "createdAt": WHEN,
    "expiresAt": "2026-11-23T02:00:26Z",
    "payTime": "2026-11-23T01:31:00Z",
    "askedAt": None,
}
ABNORMAL = {
    "id": 5,
    "sn": RFD,
    "requestSn": "RFR2026112309302612345678",
    "attempt": 1,
    "paymentSn": PMT,
    "orderSn": SN,
    "refundFen": 900,
    "cause": "buyer",
    "reason": "行程有变",
    "state": "abnormal",
    "refundId": "5000001",
    "successTime": None,
    "problem": "the card is cancelled",
    "createdAt": WHEN,
    "sentElsewhereAt": None,
}
LATE = ABNORMAL | {"id": 4, "sn": "RFD2026112309302600000004", "state": "closed", "cause": "late-payment"}
CLOSED = ABNORMAL | {"id": 3, "sn": "RFD2026112309302600000003", "state": "closed"}
SENT_ELSEWHERE = ABNORMAL | {"sentElsewhereAt": WHEN}
BEGUN_AGAIN = CLOSED | {"id": 8, "sn": "RFD9", "attempt": 2, "state": "requested", "refundId": None, "problem": None}
NOTICE = {
    "id": 7,
    "outTradeNo": PMT,
    "transactionId": "4200001",
    "outRefundNo": None,
    "refundCause": None,
    "reason": "amount",
    "detail": "WeChat says fen 19901, ours is 19900",
    "source": "callback",
    "totalFen": 19901,
    "state": "needs_review",
    "seen": 2,
    "createdAt": WHEN,
    "note": None,
    "resolvedBy": None,
    "resolvedAt": None,
}
REFUND_NOTICE = NOTICE | {
    "id": 6,
    "reason": "refund_abnormal",
    "outRefundNo": RFD,
    "refundCause": "buyer",
    "source": "request",
    "detail": "card",
}
RESOLVED = NOTICE | {
    "id": 3,
    "state": "resolved",
    "note": "商户平台已核对",
    "resolvedBy": 9,
    "resolvedAt": "2026-11-23T02:00:00Z",
}
CLOSING = {
    "id": 4,
    "sn": SN,
    "userId": 101,
    "orderTotalFen": 19900,
    "closeAt": WHEN,
    "closingAt": WHEN,
    "cause": "unpaid",
    "attempts": 3,
    "nextAttemptAt": "2026-11-23T01:40:00Z",
}
RUN = {
    "date": "2026-11-22",
    "state": "done",
    "problem": None,
    "hasBill": True,
    "payments": 10,
    "paymentsFen": 199000,
    "refunds": 1,
    "refundsFen": 900,
    "feeYuan": "11.94000",
    "notOursPayments": 0,
    "notOursPaymentsFen": 0,
    "notOursRefunds": 0,
    "notOursRefundsFen": 0,
    "notOursFeeYuan": "0.00000",
    "ofOtherDays": 0,
    "unreadable": 0,
    "finishedAt": "2026-11-23T02:31:00Z",
}
ORDER_ROW = {
    "sn": SN,
    "userId": 101,
    "homestayId": 5,
    "homestayBusinessId": 7,
    "title": "山里小院",
    "tradeState": 1,
    "closing": False,
    "refundState": "failed",
    "orderTotalFen": 19900,
    "refundedFen": 0,
    "liveStartDate": "2026-11-24",
    "liveEndDate": "2026-11-25",
    "paymentSn": PMT,
    "createdAt": WHEN,
    "closeAt": "2026-11-23T02:00:26Z",
    "paidAt": "2026-11-23T01:31:00Z",
    "version": 4,
}
ORDER_HISTORY = {
    "order": ORDER_ROW,
    "steps": [
        dict.fromkeys(("number", "before", "after", "detail"), None)
        | {"at": WHEN, "what": "refund_asked", "number": "RFR2026112309302612345678", "source": "buyer", "fen": 14900}
    ],
}
INSPECTED = {name: value for name, value in PAID.items() if name != "id"} | {
    "nextQueryAt": None,
    "traceId": "",
    "version": 2,
}
PAYMENT_HISTORY = {"payments": [INSPECTED], "refunds": [ABNORMAL], "notices": [], "payout": [], "steps": []}
FAILED = {
    "id": 3,
    "sn": SN,
    "userId": 101,
    "paymentSn": PMT,
    "refundFen": 14900,
    "reason": "行程有变",
    "failedAt": WHEN,
}
WAITING_RUN = dict.fromkeys(RUN) | {
    "date": "2026-11-23",
    "state": "wanted",
    "problem": "not ready: STATEMENT_CREATING",
}
DIFFERENCE = {
    "id": 2,
    "billDate": "2026-11-22",
    "kind": "state",
    "subject": "payment",
    "number": PMT,
    "paymentSn": PMT,
    "oursState": "waiting",
    "theirsState": "SUCCESS",
    "oursFen": 19900,
    "theirsFen": 19900,
    "line": None,
    "repair": "settle",
    "outcome": "settled",
    "foundAt": "2026-11-23T02:30:00Z",
    "endedAt": "2026-11-23T02:30:02Z",
}
PAYOUT_DAY = {
    "day": "2026-11-22",
    "completedAt": "2026-11-23T03:00:00Z",
    "records": 2,
    "businesses": 2,
    "staysFen": 24900,
    "refundsFen": 900,
    "feeFen": 149,
    "netFen": 23851,
}
RECORD = {
    "id": 8,
    "homestayBusinessId": 3,
    "day": "2026-11-22",
    "seq": 1,
    "stays": 1,
    "staysFen": 19900,
    "refunds": 0,
    "refundsFen": 0,
    "feeFen": 119,
    "netFen": 19781,
    "createdAt": "2026-11-23T03:00:00Z",
    "hostIds": [201],
}
APPROVAL = {
    "id": 4,
    "refundSn": RFD,
    "refundFen": 120000,
    "orderSn": SN,
    "bankType": "ICBC_DEBIT",
    "accountTail": "3445",
    "state": "wanted",
    "requestedBy": 9,
    "requestedAt": WHEN,
    "expiresAt": "2026-11-24T01:30:26.120Z",
    "note": "买家的旧卡已注销",
    "decidedBy": None,
    "decidedAt": None,
    "decisionNote": None,
}
APPROVED = APPROVAL | {
    "id": 3,
    "bankType": None,
    "accountTail": None,
    "state": "approved",
    "note": None,
    "decidedBy": 10,
    "decidedAt": WHEN,
    "decisionNote": "已核对",
}
SPAN = {"since": "2026-11-22T02:00:00Z", "until": "2026-11-23T02:00:00Z"}
PAYMENT_STATISTICS = SPAN | {
    "paid": [
        {
            "at": f"2026-11-22T{hour:02d}:10:00Z",
            "count": hour,
            "fen": hour * 19900,
            "p50Seconds": 0.5,
            "p99Seconds": hour,
        }
        for hour in range(3, 24)
    ],
    "failures": [
        {"kind": "review", "cause": "amount", "count": 4, "lastAt": WHEN},
        {"kind": "without_callback", "cause": "query", "count": 1, "lastAt": WHEN},
    ],
}
ORDER_STATISTICS = SPAN | {
    "confirmed": [
        {"at": f"2026-11-22T{hour:02d}:10:00Z", "count": hour, "p50Seconds": 0.8, "p99Seconds": hour + 0.5}
        for hour in range(3, 24)
    ]
}


def tell_all(services: Operations) -> None:
    """Let every page about money have something to show."""
    services.data(f"{PAYMENT}/unfinishedStatus", {"list": OPEN})
    services.data(f"{PAYMENT}/paymentList", {"list": [PAID, PAID | {"id": 11, "payStatus": 0, "payTime": None}]})
    services.data(f"{PAYMENT}/refundList", {"list": [ABNORMAL, LATE, CLOSED]})
    services.data(f"{PAYMENT}/refundApprovalList", {"list": [APPROVAL, APPROVED]})
    services.data(f"{PAYMENT}/noticeList", {"list": [NOTICE, REFUND_NOTICE, RESOLVED]})
    services.data(f"{ORDER}/closingList", {"list": [CLOSING]})
    services.data(f"{ORDER}/failedRefundList", {"list": [FAILED]})
    services.data(f"{ORDER}/orderSteps", ORDER_HISTORY)
    services.data(f"{PAYMENT}/paymentFind", {"list": [INSPECTED]})
    services.data(f"{PAYMENT}/paymentSteps", PAYMENT_HISTORY)
    counted = {"differences": 2, "openDifferences": 1}
    services.data(f"{PAYMENT}/reconciliationRunList", {"list": [WAITING_RUN | counted, RUN | counted]})
    services.data(f"{PAYMENT}/reconciliationRun", RUN)
    services.data(f"{PAYMENT}/reconciliationList", {"list": [DIFFERENCE, DIFFERENCE | {"outcome": "review"}]})
    services.data(f"{PAYMENT}/payoutDayList", {"list": [PAYOUT_DAY | {"completedAt": None}, PAYOUT_DAY]})
    services.data(f"{PAYMENT}/payoutList", {"list": [RECORD]})
    services.data(f"{PAYMENT}/paymentStatistics", PAYMENT_STATISTICS)
    services.data(f"{ORDER}/confirmationStatistics", ORDER_STATISTICS)
