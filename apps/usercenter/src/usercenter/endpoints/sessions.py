"""Endpoints of a user's sessions: `/usercenter/v1/user/…`: refresh, sign-out, list, end, change of password."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.addresses import ClientAddress
from servicekit.app import provided
from servicekit.auth import CurrentUser
from servicekit.errors import NotFound, Unauthenticated, Unavailable
from servicekit.problems import declared
from servicekit.schemas import Empty, Ok
from usercenter import devices
from usercenter.endpoints.user import UserAgent
from usercenter.errors import (
    OldPasswordWrong,
    PasswordTooCommon,
    PasswordTooShort,
    SecondFactorNeeded,
    SecondFactorSlowed,
    SessionOver,
    TooManyFailures,
)
from usercenter.password_change import PasswordChange
from usercenter.schemas import (
    AccessToken,
    ChangePassword,
    OwnSession,
    OwnSessions,
    RefreshTokenOf,
    SessionRef,
)
from usercenter.sessions import Sessions

router = APIRouter(prefix="/usercenter/v1/user", tags=["session"])

TheSessions = Annotated[Sessions, Depends(provided(Sessions))]


@router.post("/refreshToken", responses=declared(SessionOver))
async def refresh_token(body: RefreshTokenOf, sessions: TheSessions, user_agent: UserAgent = "") -> Ok[AccessToken]:
    """New tokens, with the current roles; the refresh token is used up. Within ten seconds it gets the same new one again,
    three times and on the same device; otherwise that ends the session, because there is a copy of it."""
    return Ok(data=AccessToken.of(await sessions.refresh(body.refresh_token, devices.name_of(user_agent))))


@router.post("/logout", responses=declared(Unauthenticated))
async def sign_out(user: CurrentUser, sessions: TheSessions) -> Ok[Empty]:
    """Ends this session: its refresh token at once, its access tokens within a minute, in every service."""
    await sessions.sign_out(user)
    return Ok(data=Empty())


@router.post("/sessionList", responses=declared(Unauthenticated))
async def list_sessions(user: CurrentUser, sessions: TheSessions) -> Ok[OwnSessions]:
    """The one used last first, at most 50."""
    found = await sessions.of_user(user)
    return Ok(data=OwnSessions(list=[OwnSession.of(each, is_current=each.id == user.session_id) for each in found]))


@router.post("/sessionEnd", responses=declared(Unauthenticated, NotFound))
async def end_session(body: SessionRef, user: CurrentUser, sessions: TheSessions) -> Ok[Empty]:
    """As `logout`, of another session of the same user."""
    await sessions.end(user, body.id)
    return Ok(data=Empty())


@router.post(
    "/changePassword",
    responses=declared(
        OldPasswordWrong,
        PasswordTooShort,
        PasswordTooCommon,
        SecondFactorNeeded,
        SecondFactorSlowed,
        TooManyFailures,
        Unauthenticated,
        Unavailable,
    ),
)
async def change_password(
    body: ChangePassword,
    user: CurrentUser,
    address: ClientAddress,
    password_change: Annotated[PasswordChange, Depends(provided(PasswordChange))],
) -> Ok[AccessToken]:
    """Ends all other sessions, and gives this one new tokens in place of all of before. An account with a second factor
    sends a code of it."""
    old, new = body.old_password.get_secret_value(), body.new_password.get_secret_value()
    return Ok(data=AccessToken.of(await password_change.change(user, old, new, body.totp_code, address)))
