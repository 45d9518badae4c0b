"""Endpoints for users: `/usercenter/v1/user/…`: registration, sign-in, own data."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header

from servicekit.addresses import ClientAddress
from servicekit.app import provided
from servicekit.auth import CurrentUser, Principal
from servicekit.errors import PeerUnavailable, Unauthenticated, Unavailable
from servicekit.idempotency import IdempotencyInFlight, IdempotencyMismatch, OnceOnly
from servicekit.problems import declared
from servicekit.schemas import Ok
from usercenter import devices
from usercenter.codes import MobileCodes
from usercenter.errors import (
    CodeNeeded,
    CodeWrong,
    MobileTaken,
    PasswordTooCommon,
    PasswordTooShort,
    SecondFactorSlowed,
    SecondFactorWrong,
    TooManyCodes,
    TooManyFailures,
    TooManyWrongCodes,
    WechatAlreadyBound,
    WechatBusy,
    WechatCodeInvalid,
    WechatDataInvalid,
    WechatUnavailable,
    WechatUserBlocked,
    WrongCredentials,
)
from usercenter.identity import Identity
from usercenter.known_devices import KnownDevices
from usercenter.login import Login
from usercenter.profiles import Profiles
from usercenter.registration import Registration
from usercenter.schemas import (
    CodeSent,
    Credentials,
    MobileRef,
    NewAccount,
    OwnUserInfo,
    RegistrationOf,
    SignedIn,
    UserDetail,
    WxMiniAuth,
)
from usercenter.second_factor import SecondFactors
from usercenter.sessions import Sessions
from usercenter.wechat_login import WechatIdentity, WechatLogin

router = APIRouter(prefix="/usercenter/v1/user", tags=["user"])

TheLogin = Annotated[Login, Depends(provided(Login))]
TheDevices = Annotated[KnownDevices, Depends(provided(KnownDevices))]
TheSessions = Annotated[Sessions, Depends(provided(Sessions))]
UserAgent = Annotated[str, Header(include_in_schema=False)]


@router.post(
    "/register",
    responses=declared(
        CodeNeeded,
        CodeWrong,
        TooManyWrongCodes,
        MobileTaken,
        PasswordTooShort,
        PasswordTooCommon,
        WrongCredentials,
        TooManyFailures,
        IdempotencyMismatch,
        IdempotencyInFlight,
        Unavailable,
    ),
)
async def register(
    body: NewAccount,
    once: OnceOnly,
    *,
    registration: Annotated[Registration, Depends(provided(Registration))],
    login: TheLogin,
    sessions: TheSessions,
    known: TheDevices,
    address: ClientAddress,
    user_agent: UserAgent = "",
) -> Ok[SignedIn]:
    """Registers and signs in. A `code` proves the mobile; it takes over an account whose mobile is unproven and voids
    its password and tokens. A replay under the same Idempotency-Key needs the password like any sign-in."""
    password, made = body.password.get_secret_value(), list[Identity]()

    async def make() -> Identity:
        made.append(await registration.register(body.mobile, password, body.code, address))
        return made[0]

    await once(body.mobile, RegistrationOf(mobile=body.mobile), Identity, make)
    identity = (
        made[0] if made else await login.by_password(body.mobile, password, address, device_token=body.device_token)
    )
    opened = await sessions.open(identity, devices.name_of(user_agent))
    return Ok(data=SignedIn.by(opened, known.issue(identity)))


@router.post(
    "/login",
    responses=declared(WrongCredentials, TooManyFailures, SecondFactorWrong, SecondFactorSlowed, Unavailable),
)
async def sign_in(
    body: Credentials,
    login: TheLogin,
    second_factors: Annotated[SecondFactors, Depends(provided(SecondFactors))],
    sessions: TheSessions,
    *,
    known: TheDevices,
    address: ClientAddress,
    user_agent: UserAgent = "",
) -> Ok[SignedIn]:
    """An operator sends `totpCode` as well; without it the session has no operator role, and `operatorNeeds` says why."""
    password = body.password.get_secret_value()
    identity = await login.by_password(body.mobile, password, address, device_token=body.device_token)
    identity, needs = await second_factors.of_sign_in(identity, password, body.totp_code)
    opened = await sessions.open(identity, devices.name_of(user_agent))
    return Ok(data=SignedIn.by(opened, known.issue(identity), needs))


@router.post("/sendMobileCode", responses=declared(TooManyCodes, PeerUnavailable))
async def send_mobile_code(
    body: MobileRef,
    codes: Annotated[MobileCodes, Depends(provided(MobileCodes))],
    client_address: Annotated[str | None, Header(max_length=45, include_in_schema=False)] = None,
) -> Ok[CodeSent]:
    """Sends six digits by text message, whether the mobile has an account or not. The gateway sets `client-address`."""
    return Ok(data=CodeSent(retry_after=await codes.send(body.mobile, client_address)))


@router.post(
    "/wxMiniAuth",
    responses=declared(
        WechatCodeInvalid,
        WechatDataInvalid,
        WechatUserBlocked,
        WechatAlreadyBound,
        WechatBusy,
        WechatUnavailable,
        IdempotencyMismatch,
        IdempotencyInFlight,
    ),
)
async def sign_in_by_wechat(
    body: WxMiniAuth,
    once: OnceOnly,
    *,
    wechat_login: Annotated[WechatLogin, Depends(provided(WechatLogin))],
    sessions: TheSessions,
    known: TheDevices,
    user_agent: UserAgent = "",
) -> Ok[SignedIn]:
    """A repeat under the same Idempotency-Key signs in again for one minute, for a client whose answer was lost."""
    kept = await once(
        "wxMini", body, WechatIdentity, lambda: wechat_login.sign_in(body.code, body.iv, body.encrypted_data)
    )
    identity = wechat_login.admit(kept)
    opened = await sessions.open(identity, devices.name_of(user_agent))
    return Ok(data=SignedIn.by(opened, known.issue(identity)))


@router.post("/detail", responses=declared(Unauthenticated))
async def show_own_detail(
    user: CurrentUser, profiles: Annotated[Profiles, Depends(provided(Profiles))]
) -> Ok[UserDetail]:
    return Ok(data=UserDetail(user_info=OwnUserInfo.of(await profiles.own(_identity(user)))))


def _identity(user: Principal) -> Identity:
    return Identity(user_id=user.user_id, generation=user.generation)
