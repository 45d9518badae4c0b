"""Building blocks of request and answer models: camelCase outside, snake_case inside, bounds on everything."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from servicekit.paging import BIGINT_MAX
from servicekit.storable import storable

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _no_seconds(value: Any) -> Any:
    if isinstance(value, int | float) or (isinstance(value, str) and not _DAY.fullmatch(value)):
        raise ValueError("must be a date, YYYY-MM-DD")
    return value


Text = Annotated[str, AfterValidator(storable)]
Number = BeforeValidator(_no_truth)
"""For `Literal[0, 1]`, which takes `true` for 1."""
Day = Annotated[date, BeforeValidator(_no_seconds)]
"""`2026-11-23`, and not the seconds since 1970 that pydantic takes for a date as well."""
RowId = Annotated[int, Field(ge=1, le=BIGINT_MAX, strict=True)]
LastId = Annotated[
    int,
    Field(ge=0, le=BIGINT_MAX, strict=True, description="Rows with an id below it; 0 or absent: from the newest"),
]
Note = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True), AfterValidator(storable)]
"""Why an operator did something."""
PageSize = Annotated[int, Field(ge=1, le=100, strict=True)]
Sn = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}[0-9]{22}$"), Field(examples=["HSO2026112309302612345678"])]


class ApiModel(BaseModel):
    """A body: camelCase on the wire; members it does not know are ignored, as the source system's clients need."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


T = TypeVar("T")


class Ok(BaseModel, Generic[T]):
    """Every success: `{"code": 200, "msg": "OK", "data": …}`."""

    code: Literal[200] = 200
    msg: Literal["OK"] = "OK"
    data: T


class Empty(ApiModel):
    """`{}`: nothing is asked for, or nothing is left to say."""


class ProblemDetails(BaseModel):
    """RFC 9457, with the source system's `code` and `msg` for its clients."""

    type: str
    title: str
    status: int
    detail: str
    code: int
    msg: str
    trace_id: str
    field: str | None = None
    errors: list[dict[str, str]] | None = None


class StatisticsQuery(ApiModel):
    """The last `hours`, in steps of `stepMinutes`, which divide an hour."""

    hours: Annotated[int, Field(ge=1, le=24, strict=True)] = 24
    step_minutes: Annotated[int, Field(ge=1, le=60, strict=True)] = 10

    @model_validator(mode="after")
    def _whole_steps(self) -> Self:
        if 60 % self.step_minutes:
            msg = "stepMinutes must divide an hour"
            raise ValueError(msg)
        return self

    @property
    def span(self) -> timedelta:
        return timedelta(hours=self.hours)

    @property
    def step(self) -> timedelta:
        return timedelta(minutes=self.step_minutes)
