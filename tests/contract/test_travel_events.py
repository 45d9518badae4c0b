"""What travel consumes, held to contracts/events: it needs nothing that is not promised there."""

import json
from datetime import date
from pathlib import Path

from travel.events import NIGHTS_TOPIC, NightsUpdated, NightUpdated
from travel.models import NightTaken

EVENTS = Path(__file__).parents[2] / "contracts/events"


def test_travel_reads_the_contracts_example() -> None:
    example = json.loads((EVENTS / "examples/nights-updated.v1.json").read_text("utf-8"))

    assert NightsUpdated.model_validate(example | {"addedLater": [1]}).taken == [
        NightTaken(7, date(2026, 12, 5), 1, 1, 3),
        NightTaken(7, date(2026, 12, 6), 1, 1, 1),
    ]


def test_travel_needs_nothing_that_the_contract_does_not_promise() -> None:
    schema = json.loads((EVENTS / "nights-updated.v1.schema.json").read_text("utf-8"))
    night = schema["properties"]["nights"]["items"]

    assert {field.alias or name for name, field in NightUpdated.model_fields.items()} <= set(night["required"])
    needed = {field.alias for field in NightsUpdated.model_fields.values() if field.is_required()}
    assert needed <= set(schema["required"])


def test_the_topic_is_the_contracts() -> None:
    assert f"address: {NIGHTS_TOPIC}\n" in (EVENTS.parent / "asyncapi.yaml").read_text("utf-8")
