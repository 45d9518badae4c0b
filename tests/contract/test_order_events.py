"""What order publishes and consumes, held to contracts/events: the wire's words, not order's own idea of them."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from order import events
from order.events import PayStatusUpdated, RefundFailed
from order.models import NightState
from order.states import MOVES, RefundCause, RefundUpdate, TradeState
from servicekit.numbers import business_number

CONTRACTS = Path(__file__).parents[2] / "contracts"
MOMENT = datetime(2026, 11, 23, 1, 31, 20, 120000, tzinfo=UTC)
ORDER_SN, PAYMENT_SN = business_number("HSO", MOMENT), business_number("PMT", MOMENT)


def schema(name: str) -> Draft202012Validator:
    document = json.loads((CONTRACTS / "events" / f"{name}.schema.json").read_text("utf-8"))
    return Draft202012Validator(document, format_checker=FormatChecker())


def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text("utf-8"))
    return document


@pytest.mark.parametrize(("was", "now_is"), [(was, to) for was, targets in MOVES.items() for to in targets])
def test_every_move_is_told_in_the_contracts_words(was: TradeState, now_is: TradeState) -> None:
    event = events.trade_state_updated(ORDER_SN, was, now_is, version=2, changed_at=MOMENT)

    schema("tradestate-updated.v1").validate(event.data)
    assert (event.key, event.subject) == (ORDER_SN, ORDER_SN)


@pytest.mark.parametrize("news", RefundUpdate)
@pytest.mark.parametrize("cause", [*RefundCause, None])
def test_what_became_of_a_refund_is_told_in_the_contracts_words(news: RefundUpdate, cause: RefundCause | None) -> None:
    event = events.refund_updated(
        ORDER_SN, news, payment_sn=PAYMENT_SN, refund_fen=19900, cause=cause, changed_at=MOMENT
    )

    schema("refund-updated.v1").validate(event.data)
    assert (event.key, event.subject) == (ORDER_SN, ORDER_SN)


@pytest.mark.parametrize("cause", RefundCause)
@pytest.mark.parametrize("reason", ["", "行程有变", "长" * 200])
def test_every_refund_is_asked_in_the_contracts_words(cause: RefundCause, reason: str) -> None:
    event = events.refund_requested(
        ORDER_SN,
        request_sn=business_number("RFR", MOMENT),
        payment_sn=PAYMENT_SN,
        refund_fen=19900,
        cause=cause,
        reason=reason,
        requested_at=MOMENT,
    )

    schema("refund-requested.v1").validate(event.data)
    assert event.key == ORDER_SN


def test_changed_nights_are_told_in_the_contracts_words() -> None:
    nights = [NightState(date(2026, 12, 5), 1, 2, 3), NightState(date(2026, 12, 6), 0, 2, 1)]
    event = events.nights_updated(ORDER_SN, 7, nights, changed_at=MOMENT)

    schema("nights-updated.v1").validate(event.data)
    assert (event.key, event.subject, event.data["homestayId"]) == (ORDER_SN, "7", "7")
    assert event.data["nights"][0] == {"night": "2026-12-05", "taken": 1, "stock": 2, "version": 3}


def test_the_contract_knows_no_cause_that_order_does_not() -> None:
    document = schema("refund-requested.v1").schema

    assert isinstance(document, dict)
    assert set(document["properties"]["cause"]["enum"]) == {cause.value for cause in RefundCause}


def test_topics_and_types_are_those_of_the_contract() -> None:
    document = asyncapi()
    told = {channel["address"] for channel in document["channels"].values()}
    types = {message["name"] for message in document["components"]["messages"].values()}

    assert {events.REFUND_UPDATED_TOPIC, f"{events.REFUND_UPDATED_TOPIC}.notification.dlq"} <= told
    assert {
        events.TRADE_STATE_TOPIC,
        events.REFUND_REQUESTED_TOPIC,
        events.PAYMENT_STATUS_TOPIC,
        events.REFUND_FAILED_TOPIC,
    } <= told
    assert {f"{events.PAYMENT_STATUS_TOPIC}.order.dlq", f"{events.REFUND_FAILED_TOPIC}.order.dlq"} <= told
    assert {events.NIGHTS_TOPIC, f"{events.NIGHTS_TOPIC}.travel.dlq"} <= told
    assert {events.TRADE_STATE_TYPE, events.REFUND_REQUESTED_TYPE, events.REFUND_UPDATED_TYPE} <= types
    assert events.NIGHTS_TYPE in types


def test_order_reads_the_contracts_example_of_a_payment() -> None:
    example = json.loads((CONTRACTS / "events/examples/paystatus-updated.v1.json").read_text("utf-8"))

    data = PayStatusUpdated.model_validate(example | {"addedLater": [1, 2]})

    assert (data.order_sn, data.payment_sn) == (example["orderSn"], example["paymentSn"])
    assert (data.pay_status, data.total_fen, data.version) == (1, 19900, 2)
    assert data.pay_time == datetime(2026, 11, 23, 1, 31, 20, tzinfo=UTC)


def test_order_reads_both_versions_of_a_payments_event() -> None:
    v1, v2 = (
        PayStatusUpdated.model_validate_json(
            (CONTRACTS / f"events/examples/paystatus-updated.{name}.json").read_bytes()
        )
        for name in ("v1", "v2")
    )

    assert (v1.pay_status, v1.refunded_fen, v1.version) == (1, 0, 2)
    assert (v2.pay_status, v2.refunded_fen, v2.version) == (1, 9950, 3)
    with pytest.raises(ValidationError, match="more was refunded than paid"):
        PayStatusUpdated.model_validate_json(
            v2.model_copy(update={"refunded_fen": 19901}).model_dump_json(by_alias=True)
        )


def test_order_reads_the_contracts_example_of_a_refund_that_failed() -> None:
    example = json.loads((CONTRACTS / "events/examples/refund-failed.v1.json").read_text("utf-8"))

    data = RefundFailed.model_validate(example | {"addedLater": [1, 2]})

    assert (data.order_sn, data.payment_sn, data.request_sn) == (
        example["orderSn"],
        example["paymentSn"],
        example["requestSn"],
    )
    assert schema("refund-failed.v1").is_valid(example)
    needed = {field.alias for field in RefundFailed.model_fields.values() if field.is_required()}
    assert needed <= set(schema("refund-failed.v1").schema["required"])


def test_order_needs_nothing_of_a_payment_that_the_contract_does_not_promise() -> None:
    document = schema("paystatus-updated.v1").schema
    needed = {field.alias or "" for field in PayStatusUpdated.model_fields.values() if field.is_required()}

    assert isinstance(document, dict)
    assert needed <= set(document["required"])


def test_the_contract_holds_the_event_to_the_orders_number() -> None:
    example = json.loads((CONTRACTS / "events/examples/paystatus-updated.v1.json").read_text("utf-8"))
    wrong = example | {"orderSn": example["paymentSn"]}

    assert re.match(r"HSO", example["orderSn"])
    assert not schema("paystatus-updated.v1").is_valid(wrong)
