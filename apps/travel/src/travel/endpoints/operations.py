"""Endpoints for operators: `/travel/v1/ops/…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.auth import MoneyOperator, Operator
from servicekit.errors import Forbidden, ReauthenticationRequired
from servicekit.problems import declared
from servicekit.schemas import Ok
from travel.errors import ApplicationDecided, ApplicationNotFound, RoleMayBeGranted
from travel.host_schemas import Application, ApplicationList, ApplicationQuery, ApproveHost, RefuseHost
from travel.hosting.applications import Applications

router = APIRouter(prefix="/travel/v1/ops", tags=["operations"])

TheApplications = Annotated[Applications, Depends(provided(Applications))]


@router.post("/hostList", responses=declared(Forbidden))
async def list_applications(body: ApplicationQuery, _: Operator, applications: TheApplications) -> Ok[ApplicationList]:
    """Requests to become a host, newest first, below `lastId`."""
    found = await applications.page(body.status, body.last_id, body.page_size)
    return Ok(data=ApplicationList(list=[Application.of(each) for each in found]))


@router.post(
    "/hostApprove",
    responses=declared(Forbidden, ReauthenticationRequired, ApplicationNotFound, ApplicationDecided),
)
async def approve_application(
    body: ApproveHost, operator: MoneyOperator, applications: TheApplications
) -> Ok[Application]:
    """Grants the merchant role, by which money is paid out, and opens the shop: asks for a fresh proof of who the operator
    is. What usercenter could not grant is retried by itself. Safe to repeat."""
    return Ok(data=Application.of(await applications.approve(operator.user_id, body.id, body.note)))


@router.post("/hostRefuse", responses=declared(Forbidden, ApplicationNotFound, ApplicationDecided, RoleMayBeGranted))
async def refuse_application(body: RefuseHost, operator: Operator, applications: TheApplications) -> Ok[Application]:
    """The applicant reads the note, and may apply again."""
    return Ok(data=Application.of(await applications.refuse(operator.user_id, body.id, body.note)))
