"""What the checker of chaos says of messages to merchants, for what their tasks and attempts say."""

import json

import pytest

from tests.chaos import messages
from tests.chaos.books import Books
from tests.chaos.findings import DOUBLED, LOST

SN = "HSO2026113002095290303698"


def books(state, outcomes, came):
    notification = {
        "notification_task": [{"id": 7, "kind": "refund_asked", "order_sn": SN, "state": state}],
        "delivery_attempt": [{"task_id": 7, "outcome": outcome} for outcome in outcomes],
    }
    order = {"homestay_order": [{"id": 1, "sn": SN, "trade_state": 3, "refund_fen": 0}]}
    tables = {"order_transition", "order_payment", "outbox"}
    said = json.dumps({"character_string1": SN, "amount3": "¥1.00"})
    return Books(
        {
            "notification": notification,
            "payment": {"third_payment": []},
            "order": order | {table: [] for table in tables},
        },
        {
            "payment_order": [],
            "ledger": [],
            "message": [{"openid": "m", "title": messages.TO_THE_MERCHANT, "data": said}] * came,
        },
    )


@pytest.mark.parametrize(
    ("state", "outcomes", "came", "found"),
    [
        ("sent", ["ok"], 1, []),
        ("sent", ["unknown", "ok"], 1, []),
        ("sent", ["ok"], 0, [LOST]),
        ("sent", ["unknown", "ok"], 2, [DOUBLED]),
        ("cancelled", [], 0, []),
        ("cancelled", [], 1, [DOUBLED]),
        ("cancelled", ["retry"], 1, [DOUBLED]),
        ("cancelled", ["unknown"], 0, []),
        ("cancelled", ["unknown"], 1, []),
        ("cancelled", ["unknown"], 2, [DOUBLED]),
    ],
)
def test_one_called_off_after_an_unknown_outcome_may_have_come_once(state, outcomes, came, found):
    assert [each.kind for each in messages.find(books(state, outcomes, came))] == found
