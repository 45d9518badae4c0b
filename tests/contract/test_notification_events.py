"""notification's own model of an order's event against the contract that order publishes by."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from notification.events import TRADESTATE_TOPIC, OrderState
from notification.subscriptions import order_states
from servicekit.errors import Poison
from servicekit.events import CloudEvent, Consumer

CONTRACTS = Path(__file__).parents[2] / "contracts"
SCHEMA = json.loads((CONTRACTS / "events/tradestate-updated.v1.schema.json").read_text("utf-8"))
EXAMPLE = json.loads((CONTRACTS / "events/examples/tradestate-updated.v1.json").read_text("utf-8"))
READ = {"orderSn", "tradeState"}

by_contract = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
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
        self.facts: list[tuple[CloudEvent, OrderState]] = []

    async def follow(self, event: CloudEvent, order: OrderState) -> None:
        self.facts.append((event, order))


async def taken(data: Any) -> OrderState:
    """What the consumer hands on of an event with this data. Raises Poison."""
    heard = Heard()
    consumer: Consumer[OrderState] = order_states(heard)  # type: ignore[arg-type]  # a stand-in for Planning
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


async def test_members_that_nobody_knows_yet_are_tolerated() -> None:
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


def test_the_topic_and_its_dead_letters_are_those_of_the_contract() -> None:
    document = (CONTRACTS / "asyncapi.yaml").read_text("utf-8")
    assert f"address: {TRADESTATE_TOPIC}\n" in document
    assert f"address: {TRADESTATE_TOPIC}.notification.dlq\n" in document
