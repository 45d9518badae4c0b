"""Endpoints for operators' second factor and for proving again who one is: `/usercenter/v1/user/…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.addresses import ClientAddress
from servicekit.app import provided
from servicekit.auth import CurrentUser
from servicekit.errors import Forbidden, Unauthenticated, Unavailable
from servicekit.problems import declared
from servicekit.schemas import Ok
from usercenter.errors import (
    AlreadyEnrolled,
    NoEnrolment,
    PasswordTooCommon,
    PasswordTooShort,
    SecondFactorSlowed,
    SecondFactorWrong,
    TooManyFailures,
    WrongCredentials,
)
from usercenter.reauthentication import Reauthentication
from usercenter.schemas import AccessToken
from usercenter.second_factor_schemas import BeginEnrolment, ConfirmEnrolment, Enrolled, EnrolmentSecret, Proof

router = APIRouter(prefix="/usercenter/v1/user", tags=["second factor"])

TheReauthentication = Annotated[Reauthentication, Depends(provided(Reauthentication))]
WRONG = (Unauthenticated, WrongCredentials, TooManyFailures, SecondFactorWrong, SecondFactorSlowed, Unavailable)


@router.post("/reauthenticate", responses=declared(*WRONG))
async def reauthenticate(
    body: Proof, user: CurrentUser, reauthentication: TheReauthentication, address: ClientAddress
) -> Ok[AccessToken]:
    """A new token of the same session whose `auth_time` is now: acts that move money need one that is at most ten minutes
    old. Operators send a code as well; a session without the operator role gets it so."""
    token, needs = await reauthentication.again(user, body.password.get_secret_value(), body.totp_code, address)
    return Ok(data=AccessToken.of(token, needs))


@router.post("/totpEnrol", responses=declared(*WRONG, Forbidden, AlreadyEnrolled, PasswordTooShort, PasswordTooCommon))
async def enrol(
    body: BeginEnrolment, user: CurrentUser, reauthentication: TheReauthentication, address: ClientAddress
) -> Ok[EnrolmentSecret]:
    """A new secret for an operator's authenticator app, shown this once; in force when `totpConfirm` has had a code of it.
    Until then whatever was in force stays. Replacing one takes a code of it, or a recovery code."""
    made = await reauthentication.enrol(user, body.password.get_secret_value(), body.totp_code, address)
    return Ok(data=EnrolmentSecret(secret=made.secret, otpauth_uri=made.uri))


@router.post(
    "/totpConfirm",
    responses=declared(Unauthenticated, Forbidden, NoEnrolment, SecondFactorWrong, SecondFactorSlowed),
)
async def confirm(body: ConfirmEnrolment, user: CurrentUser, reauthentication: TheReauthentication) -> Ok[Enrolled]:
    """Recovery codes, shown this once, and a token of the same session with the operator role."""
    codes, token = await reauthentication.confirm(user, body.totp_code)
    return Ok(data=Enrolled(recovery_codes=codes, token=AccessToken.of(token)))
