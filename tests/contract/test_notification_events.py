"""notification's own model of an order's event against the contract that order publishes by."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from notification.events import REFUND_UPDATED_TOPIC, TRADE_STATE_TOPIC, RefundUpdated, TradeStateUpdated
from notification.states import KIND_BY_REFUND_STATE
from notification.subscriptions import on_refund_updated, on_trade_state_updated
from servicekit.errors import Poison
from servicekit.events import CloudEvent, Consumer, Received

CONTRACTS = Path(__file__).parents[2] / "contracts"
SCHEMA = json.loads((CONTRACTS / "events/tradestate-updated.v1.schema.json").read_text("utf-8"))
EXAMPLE = json.loads((CONTRACTS / "events/examples/tradestate-updated.v1.json").read_text("utf-8"))
REFUND_SCHEMA = json.loads((CONTRACTS / "events/refund-updated.v1.schema.json").read_text("utf-8"))
REFUND_EXAMPLE = json.loads((CONTRACTS / "events/examples/refund-updated.v1.json").read_text("utf-8"))
READ = {"orderSn", "tradeState"}

by_contract = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
by_refund_contract = Draft202012Validator(REFUND_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
events = st.fixed_dictionaries(
    {
        "orderSn": st.from_regex(r"\AHSO[0-9]{22}\Z"),
        "tradeState": st.sampled_from([-1, 1, 2, 3, 4]),
        "fromState": st.sampled_from([0, 1]),
        "changedAt": st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z"),
        "version": st.integers(1, 2**31 - 1),
    }
)


class Heard:
    """Stands where Planning stands, and remembers."""

    def __init__(self) -> None:
        self.facts: list[tuple[CloudEvent, TradeStateUpdated]] = []

    async def on_trade_state_updated(self, event: CloudEvent, order: TradeStateUpdated) -> None:
        self.facts.append((event, order))

    async def on_trade_states_updated(self, received: Sequence[Received[TradeStateUpdated]]) -> set[int]:
        raise AssertionError(f"{len(received)} events, and one was delivered")


async def taken(data: Any) -> TradeStateUpdated:
    """What the consumer hands on of an event with this data. Raises Poison."""
    heard = Heard()
    consumer: Consumer[TradeStateUpdated] = on_trade_state_updated(heard)  # type: ignore[arg-type]  # a stand-in for Planning
    await consumer.apply({"specversion": "1.0", "id": "e-1", "source": "minsu/order", "type": "t", "data": data})
    [(_, order)] = heard.facts
    return order


async def test_the_contracts_example_is_taken() -> None:
    by_contract.validate(EXAMPLE)
    order = await taken(EXAMPLE)
    assert (order.order_sn, order.trade_state) == ("HSO2026112309302612345678", 1)


@given(events)
async def test_everything_that_the_contract_allows_is_taken(data: dict[str, Any]) -> None:
    by_contract.validate(data)
    order = await taken(data)
    assert (order.order_sn, order.trade_state) == (data["orderSn"], data["tradeState"])


async def test_unknown_members_are_tolerated() -> None:
    more = {**EXAMPLE, "channel": {"deep": [1, None]}, "trade_state": 3}
    by_contract.validate(more)
    assert await taken(more) == await taken(EXAMPLE)


async def test_numbers_survive_being_encoded_anew() -> None:
    assert await taken({**EXAMPLE, "tradeState": 1.0, "version": 2.0}) == await taken(EXAMPLE)


@pytest.mark.parametrize("member", SCHEMA["required"])
async def test_a_member_that_is_missing_is_missed_only_if_it_is_read(member: str) -> None:
    less = {name: value for name, value in EXAMPLE.items() if name != member}
    assert not by_contract.is_valid(less)
    if member in READ:
        with pytest.raises(Poison):
            await taken(less)
    else:
        assert await taken(less) == await taken(EXAMPLE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"orderSn": "PMT2026112309310087654321"},
        {"orderSn": "HSO202611230930261234567"},
        {"orderSn": 2026112309302612345678},
        {"orderSn": None},
        {"tradeState": 0},
        {"tradeState": 5},
        {"tradeState": "1"},
        {"tradeState": True},
        {"tradeState": 1.5},
        {"tradeState": None},
    ],
    ids=str,
)
async def test_what_the_contract_forbids_in_what_is_read_is_poison(wrong: dict[str, Any]) -> None:
    assert not by_contract.is_valid(EXAMPLE | wrong)
    with pytest.raises(Poison):
        await taken(EXAMPLE | wrong)


@pytest.mark.parametrize("data", [None, [], "HSO", 1])
async def test_data_that_is_no_object_is_poison(data: Any) -> None:
    with pytest.raises(Poison):
        await taken(data)


async def test_the_contracts_example_of_a_refund_is_taken_whatever_is_added_later() -> None:
    heard: list[RefundUpdated] = []

    class Hears:
        async def on_refund_updated(self, _: CloudEvent, refund: RefundUpdated) -> None:
            heard.append(refund)

    consumer: Consumer[RefundUpdated] = on_refund_updated(Hears())  # type: ignore[arg-type]  # a stand-in for Planning
    refunds = (REFUND_EXAMPLE, REFUND_EXAMPLE | {"addedLater": [1]}, REFUND_EXAMPLE | {"refundFen": 19900.0})
    for data in refunds:
        await consumer.apply({"specversion": "1.0", "id": "e-1", "source": "minsu/order", "type": "t", "data": data})
    assert heard == [heard[0]] * 3
    assert (heard[0].order_sn, heard[0].refund_state) == (REFUND_EXAMPLE["orderSn"], "returned")
    by_refund_contract.validate(REFUND_EXAMPLE)
    needed = {field.alias or name for name, field in RefundUpdated.model_fields.items() if field.is_required()}
    assert needed <= set(REFUND_SCHEMA["required"])
    assert set(KIND_BY_REFUND_STATE) == set(REFUND_SCHEMA["properties"]["refundState"]["enum"])


def test_the_topic_and_its_dead_letters_are_those_of_the_contract() -> None:
    document = (CONTRACTS / "asyncapi.yaml").read_text("utf-8")
    for topic in (TRADE_STATE_TOPIC, REFUND_UPDATED_TOPIC):
        assert f"address: {topic}\n" in document
        assert f"address: {topic}.notification.dlq\n" in document
