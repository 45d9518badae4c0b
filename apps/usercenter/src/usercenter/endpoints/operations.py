"""Endpoints for operators: `/usercenter/v1/ops/…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.auth import MoneyOperator, Operator
from servicekit.errors import NotFound, ReauthenticationRequired
from servicekit.problems import declared
from servicekit.schemas import Ok
from usercenter.accounts import Accounts
from usercenter.errors import HasRoles
from usercenter.schemas import AccountDetail, AccountQuery, Release

router = APIRouter(prefix="/usercenter/v1/ops", tags=["operations"])

TheAccounts = Annotated[Accounts, Depends(provided(Accounts))]


@router.post("/accountDetail", responses=declared(NotFound))
async def account_detail(body: AccountQuery, operator: Operator, accounts: TheAccounts) -> Ok[AccountDetail]:
    """One account by its mobile: proof of the number, sign-in methods, and what operators did to it. Who read it, and
    why, is in the audit."""
    return Ok(data=AccountDetail.of(await accounts.show(operator.user_id, body.mobile, body.note)))


@router.post("/accountRelease", responses=declared(NotFound, HasRoles, ReauthenticationRequired))
async def account_release(body: Release, operator: MoneyOperator, accounts: TheAccounts) -> Ok[AccountDetail]:
    """For the owner of a phone whose account is bound to another WeChat user (100204). The next user who proves the
    number, by WeChat or by a code, gets the account; all earlier sign-ins are void. The account keeps its orders:
    check whom you talk to. Asks for a fresh proof of who the operator is, as money does."""
    return Ok(data=AccountDetail.of(await accounts.release(operator.user_id, body.mobile, body.note)))
