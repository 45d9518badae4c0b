"""How a thing came to be as it is, step by step, as one service recorded it: the shape that all services give operators."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from servicekit.schemas import ApiModel


class Step(ApiModel):
    """`what` happened `at` that time to the thing with this `number`; `before` and `after` are states, where they changed.
    `source` is who or what caused it; nothing personal is in any of them."""

    at: datetime
    what: str
    number: str = ""
    before: str | None = None
    after: str | None = None
    source: str | None = None
    detail: str | None = None
    fen: int | None = Field(None, description="An amount that the step is about")

    @classmethod
    def of_act(cls, act: Any) -> Self:
        """An operator's act, of acts.of_subjects."""
        return cls(
            at=act["acted_at"],
            what="act",
            number=act["subject"],
            after=act["act"],
            source=f"operator:{act['operator_id']}",
            detail=act["note"],
        )


def in_order(steps: list[Step]) -> list[Step]:
    """Oldest first; what has one time stays in the given order."""
    return sorted(steps, key=lambda step: step.at)
