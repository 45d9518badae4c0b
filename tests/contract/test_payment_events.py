"""What payment publishes and takes, held against the schemas that both sides share."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from payment import events
from payment.events import RefundRequested
from payment.models import Refund, ThirdPayment

EVENTS = Path(__file__).resolve().parents[2] / "contracts" / "events"


def schema(name):
    return Draft202012Validator(json.loads((EVENTS / f"{name}.schema.json").read_text()))


def example(name):
    return json.loads((EVENTS / "examples" / f"{name}.json").read_text())


def part_refunded():
    return ThirdPayment(
        sn="PMT2026112309310087654321",
        order_sn="HSO2026112309302612345678",
        service_type="homestayOrder",
        pay_status=1,
        total_fen=19900,
        refunded_fen=9950,
        pay_time=datetime(2026, 11, 23, 1, 31, 20, tzinfo=UTC),
        version=3,
    )


def test_what_is_published_is_the_contracts_example_to_the_letter():
    event = events.pay_status_updated(part_refunded(), lambda: datetime.now(UTC))

    schema("paystatus-updated.v2").validate(event.data)
    assert event.data == example("paystatus-updated.v2")
    assert (event.topic, event.type) == ("payment-update-paystatus-topic", "minsu.payment.paystatus-updated.v2")


def test_a_consumer_that_knows_only_v1_reads_v2():
    """Nothing of v1 is missing or means something else: a part that went back is one more version of a paid payment."""
    v1, v2 = schema("paystatus-updated.v1"), schema("paystatus-updated.v2")

    v1.validate(example("paystatus-updated.v2"))
    assert set(v2.schema["required"]) - set(v1.schema["required"]) == {"refundedFen"}
    for name, member in v1.schema["properties"].items():
        assert _without_text(v2.schema["properties"][name]) == _without_text(member)
    assert not v2.is_valid(example("paystatus-updated.v1"))


def _without_text(member):
    return {name: value for name, value in member.items() if name != "description"}


def test_the_order_sn_is_the_orders_and_the_key():
    """The source system put the payment's number here, and no order ever turned paid."""
    event = events.pay_status_updated(part_refunded(), lambda: datetime.now(UTC))

    assert event.data["orderSn"] == event.key == "HSO2026112309302612345678"
    assert not schema("paystatus-updated.v2").is_valid(event.data | {"orderSn": part_refunded().sn})


def test_a_refund_that_failed_is_told_in_the_contracts_words():
    example_of = example("refund-failed.v1")
    refund = Refund(
        request_sn=example_of["requestSn"],
        order_sn=example_of["orderSn"],
        payment_sn=example_of["paymentSn"],
        refund_fen=19900,
    )

    event = events.refund_failed(refund, "homestayOrder", lambda: datetime(2026, 11, 23, 1, 43, 30, tzinfo=UTC))

    assert event.data == example_of
    assert (event.topic, event.type) == ("payment-refund-failed-topic", "minsu.payment.refund-failed.v1")
    assert event.key == example_of["orderSn"]


def test_a_payment_that_was_never_paid_has_nothing_to_tell():
    unpaid = part_refunded()
    unpaid.pay_time = None
    with pytest.raises(ValueError, match="never paid"):
        events.pay_status_updated(unpaid, lambda: datetime.now(UTC))


def test_a_refund_request_is_read_and_more_than_we_know_is_tolerated():
    data = example("refund-requested.v1")
    schema("refund-requested.v1").validate(data)

    read = RefundRequested.model_validate(data | {"newMember": 1})

    assert (read.request_sn, read.payment_sn, read.refund_fen) == (data["requestSn"], data["paymentSn"], 19900)


@pytest.mark.parametrize("member", ["requestSn", "orderSn", "paymentSn", "refundFen", "cause", "reason"])
def test_a_refund_request_without_a_required_member_is_not_read(member):
    data = example("refund-requested.v1")
    del data[member]

    assert not schema("refund-requested.v1").is_valid(data)
    with pytest.raises(ValidationError):
        RefundRequested.model_validate(data)


@pytest.mark.parametrize(
    "name", ["paystatus-updated.v1", "tradestate-updated.v1", "refund-requested.v1", "refund-failed.v1"]
)
def test_every_schema_is_a_schema_and_takes_its_example(name):
    Draft202012Validator.check_schema(schema(name).schema)
    schema(name).validate(example(name))


@pytest.mark.parametrize(("order_sn", "is_valid"), [("SHP2026112309302612345678", True), (part_refunded().sn, False)])
def test_a_refund_is_requested_for_the_order_of_any_business_and_never_for_a_payments_number(order_sn, is_valid):
    data = example("refund-requested.v1") | {"orderSn": order_sn}

    assert schema("refund-requested.v1").is_valid(data) == is_valid
