"""What JSON Schema tells apart, requests tell apart: a date is no number, and true is no 1."""

from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import ValidationError

from servicekit.schemas import ApiModel, Day, Number


class Asked(ApiModel):
    day: Day | None = None
    state: Annotated[Literal[0, 1], Number] = 0


@pytest.mark.parametrize("body", [{"day": "2026-11-23", "state": 1}, {"day": date(2026, 11, 23), "state": 1}])
def test_a_date_and_a_number_are_taken(body):
    asked = Asked.model_validate(body)
    assert (asked.day, asked.state) == (date(2026, 11, 23), 1)


@pytest.mark.parametrize("value", [0, 1.0, True, "0", "1763856000", "2026-11-23T00:00:00", "20261123", "2026-11-31"])
def test_what_is_no_date_is_refused(value):
    with pytest.raises(ValidationError) as refused:
        Asked.model_validate({"day": value})
    assert {each["loc"][0] for each in refused.value.errors()} == {"day"}


@pytest.mark.parametrize("value", [True, False])
def test_truth_is_no_number(value):
    with pytest.raises(ValidationError) as refused:
        Asked.model_validate({"state": value})
    assert [each["loc"] for each in refused.value.errors()] == [("state",)]
