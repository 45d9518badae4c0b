"""Templates of the console that each browser test looks at; `test_console_pages.py` compares them with all there are."""

SEARCH_AND_PAYMENT = {"signin", "find", "payment", "act", "not_operator", "arriving"} | {
    f"problem:{kind}" for kind in ("absent", "refused", "unavailable", "forged")
}
SECOND_FACTOR = {"signin", "second_factor"}
MONEY = {
    "money",
    "payment_list",
    "refunds",
    "failed_refunds",
    "approvals",
    "reviews",
    "closings",
    "reconciliation",
    "reconciliation_day",
    "payouts",
    "payout_records",
    "charts",
    "act",
}
OPERATIONS = {"letters", "letter", "queues", "messages", "message", "hosts", "audit", "act", "system"}

ALL = SEARCH_AND_PAYMENT | SECOND_FACTOR | MONEY | OPERATIONS
