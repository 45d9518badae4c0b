"""Endpoints on all that is held of a user: for the user, `/usercenter/v1/user/exportData`; for operators,
`/usercenter/v1/ops/personalData…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.auth import CurrentUser, MoneyOperator
from servicekit.errors import NotFound, PeerUnavailable, ReauthenticationRequired
from servicekit.problems import declared
from servicekit.rate_limits import RateLimited
from servicekit.schemas import Empty, Ok
from usercenter.errors import HasRoles, OrdersAreOpen
from usercenter.personal_data import EveryonesData
from usercenter.personal_data_schemas import AllThatIsHeld, AllThatWasErased, PersonalDataOf

router = APIRouter(prefix="/usercenter/v1", tags=["personal data"])

TheData = Annotated[EveryonesData, Depends(provided(EveryonesData))]


@router.post("/user/exportData", responses=declared(NotFound, RateLimited, PeerUnavailable))
async def export_own(_body: Empty, user: CurrentUser, data: TheData) -> Ok[AllThatIsHeld]:
    """All that is held of the user, in every service. Three times an hour."""
    return Ok(data=AllThatIsHeld.of(await data.export_own(user.user_id)))


@router.post("/ops/personalDataExport", responses=declared(NotFound, PeerUnavailable, ReauthenticationRequired))
async def export(body: PersonalDataOf, operator: MoneyOperator, data: TheData) -> Ok[AllThatIsHeld]:
    """All that is held of a user, in every service; who asked and why is in the audit. Asks for a
    fresh proof of who the operator is, as money does."""
    return Ok(data=AllThatIsHeld.of(await data.export_for(operator.user_id, body.user_id, body.note)))


@router.post(
    "/ops/personalDataErase",
    responses=declared(NotFound, HasRoles, OrdersAreOpen, PeerUnavailable, ReauthenticationRequired),
)
async def erase(body: PersonalDataOf, operator: MoneyOperator, data: TheData) -> Ok[AllThatWasErased]:
    """Closes the account and removes the person from every service: mobile, openid, names, texts. Amounts, numbers and
    dates stay. Safe to repeat: after a 503, repeat it."""
    erased = await data.erase(operator.user_id, body.user_id, body.note)
    return Ok(data=AllThatWasErased(services={service: dict(rows) for service, rows in erased.items()}))
