"""Requests and responses about all that is held of a user, in all services."""

from typing import Any, Self

from servicekit.schemas import ApiModel, Note, RowId
from usercenter.personal_data import Everything


class PersonalDataOf(ApiModel):
    """`note`: why, for the audit."""

    user_id: RowId
    note: Note


class AllThatIsHeld(ApiModel):
    """Service → what it is → rows, newest first, at most 1000 of a kind. Amounts in fen, times in UTC."""

    services: dict[str, dict[str, list[dict[str, Any]]]]

    @classmethod
    def of(cls, everything: Everything) -> Self:
        return cls.model_validate({"services": everything})


class AllThatWasErased(ApiModel):
    """Service → what it is → the rows that lost their personal part. Zeros: nothing was left."""

    services: dict[str, dict[str, int]]
