"""Requests and responses about all that is held of a user, in all services."""

from typing import Annotated, Any, Self

from pydantic import Field

from servicekit.schemas import ApiModel, Note, RowId
from usercenter.personal_data import Everything

NO_USER = 2**53 - 1
"""An example that is no user's id: who tries an example must not erase anyone."""


class PersonalDataOf(ApiModel):
    """`note`: why, for the audit."""

    user_id: Annotated[RowId, Field(examples=[NO_USER])]
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
