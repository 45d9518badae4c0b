"""An operator and what is stuck, on the real parts: from a poisonous event in the outbox to `minsu ops replay`."""

import json
from uuid import uuid4

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
TOPIC = "payment-update-paystatus-topic"


def ops(system, *arguments):
    return json.loads(system.cli("minsu", "ops", *arguments, "--json").stdout)


def tell_a_wrong_amount(system, order_sn):
    """An event that order can never apply, on its way through the relay, Kafka and the dead letters; its id."""
    event_id = str(uuid4())
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "minsu/payment",
        "type": "minsu.payment.paystatus-updated.v1",
        "subject": order_sn,
        "datacontenttype": "application/json",
        "data": {
            "orderSn": order_sn,
            "paymentSn": f"PMT20261123093100{uuid4().int % 10**8:08d}",
            "payStatus": 1,
            "totalFen": 1,
            "payTime": "2026-11-23T01:31:20Z",
            "version": 2,
        },
    }
    insert = "insert into outbox (event_id, topic, partition_key, event) values (%s, %s, %s, %s)"
    system.rows("payment", insert, event_id, TOPIC, order_sn, json.dumps(event))
    return event_id


def stuck(system, event_id):
    poison = "select 1 from dead_letter where event_id = %s and state = 'poison'"
    eventually(lambda: system.rows("order", poison, event_id), seconds=60, what="the event to be poison")
    letters = ops(system, "dead-letters", "--service", "order", "--state", "poison")
    [letter] = [each for each in letters if each["eventId"] == event_id]
    return letter


def test_a_stuck_event_is_seen_repaired_and_replayed_once(system):
    order_sn = system.book()
    letter = stuck(system, tell_a_wrong_amount(system, order_sn))
    assert letter["topic"] == TOPIC
    assert "took 1 fen" in letter["reason"]
    assert ops(system, "replay", letter["id"], "--note", "why")["state"] == "poison"
    assert system.order(order_sn)["tradeState"] == 0

    system.rows(
        "order",
        "update homestay_order set order_total_fen = 1, homestay_total_fen = 1, food_total_fen = 0 where sn = %s",
        order_sn,
    )
    for _ in range(2):
        assert ops(system, "replay", letter["id"], "--note", "why")["state"] == "applied"
    assert system.order(order_sn)["tradeState"] == 1

    shown = ops(system, "dead-letter", letter["id"])
    assert json.loads(shown["body"])["data"]["orderSn"] == order_sn
    assert [act["act"] for act in shown["acts"]] == ["replay", "replay"]


def test_a_stuck_event_is_given_up_with_a_note(system):
    letter = stuck(system, tell_a_wrong_amount(system, system.book()))
    assert ops(system, "discard", letter["id"], "--note", "no payment of ours")["state"] == "discarded"

    again = system.cli("minsu", "ops", "replay", letter["id"], "--note", "why", "--json", check=False)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("error: ")
    newest = ops(system, "acts", "--service", "order", "--count", "1")[0]
    assert (newest["act"], newest["note"]) == ("discard", "no payment of ours")


def test_outboxes_are_empty_when_all_is_well_and_say_so(system):
    eventually(lambda: all(each["waiting"] == 0 for each in ops(system, "outbox")), what="both outboxes to be empty")
    assert [each["service"] for each in ops(system, "outbox")] == ["order", "payment"]


@pytest.mark.parametrize(
    "command",
    [
        "dead-letters",
        "notices",
        "tasks",
        "closing",
        "acts",
        "outbox",
        "payments",
        "unfinished",
        "reconciliations",
        "payout-days",
    ],
)
def test_every_list_has_a_shape_for_people(system, command):
    done = system.cli("minsu", "ops", command)
    rows = ops(system, command)
    assert len(done.stdout.splitlines()) >= len(rows)


def test_a_merchant_is_no_operator(system):
    answer = system.post("/order/v1/ops/deadLetterReplay", {"all": True, "note": "why"}, "MERCHANT")
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
