"""Internal endpoints on personal data, the same in every service that holds some: usercenter puts together what a person is
told, and has it erased."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from servicekit.app import provided
from servicekit.personal_data import Person, PersonalData
from servicekit.schemas import ApiModel, Note, RowId, Sn

MOST_ORDERS = 1000


class PersonRef(ApiModel):
    user_id: RowId
    order_sns: Annotated[tuple[Sn, ...], Field(max_length=MOST_ORDERS)] = ()
    before_sn: Sn | None = None

    def person(self) -> Person:
        return Person(self.user_id, self.order_sns, self.before_sn or "")


class PersonErasure(PersonRef):
    """`operatorId` and `note`: who erases, and why, for the audit."""

    operator_id: Annotated[int, Field(ge=0, le=2**63 - 1)]
    note: Note


class Held(ApiModel):
    """Rows by what they are; amounts in fen, times in UTC."""

    held: dict[str, list[dict[str, Any]]]


class ErasedRows(ApiModel):
    """Rows that lost their personal part, by what they are; none while there are `openOrders`."""

    rows: dict[str, int]
    open_orders: list[str]


def add_to(router: APIRouter) -> None:
    """Add `personalData` and `erasePersonalData` to a service's internal endpoints."""
    the = Annotated[PersonalData, Depends(provided(PersonalData))]

    @router.post("/personalData")
    async def personal_data(body: PersonRef, personal: the) -> Held:
        """What this service holds of a user, at most 1000 rows of a kind, newest first."""
        return Held(held=await personal.export(body.person()))

    @router.post("/erasePersonalData")
    async def erase_personal_data(body: PersonErasure, personal: the) -> ErasedRows:
        """Removes what is personal; amounts, numbers and dates stay. Idempotent."""
        erased = await personal.erase(body.operator_id, body.person(), body.note)
        return ErasedRows(rows=dict(erased.rows), open_orders=[*erased.open_orders])
