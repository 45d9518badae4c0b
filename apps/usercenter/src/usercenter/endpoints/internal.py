"""Endpoints for other services, by Dapr invocation: `/internal/…`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from servicekit import callers
from servicekit.app import provided
from servicekit.errors import NotFound
from servicekit.problems import declared
from servicekit.revocation import Revocation, RevocationList
from usercenter.profiles import Profiles
from usercenter.revocations import TokenRevocations
from usercenter.roles import Role, Roles
from usercenter.schemas import (
    Auth,
    AuthByKey,
    AuthByUser,
    GrantRole,
    Openid,
    Openids,
    PeerUserInfo,
    RoleGranted,
    UserId,
    UserIds,
    UserInfo,
    Users,
    UsersOfApp,
)
from usercenter.tokens import SigningKeys

CALLERS: dict[str, set[str]] = {
    "jwks": {"gateway", "travel", "order", "payment", "notification"},
    "revocations": {"gateway", "travel", "order", "payment", "notification"},
    "userById": {"travel"},
    "usersByIds": {"travel"},
    "grantRole": {"travel"},
    "authByUser": {"payment", "notification"},
    "openids": {"payment", "notification"},
    "authByKey": set(),
}
router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[callers.only(CALLERS)])

TheProfiles = Annotated[Profiles, Depends(provided(Profiles))]


@router.get("/jwks")
async def show_keys(keys: Annotated[SigningKeys, Depends(provided(SigningKeys))]) -> dict[str, Any]:
    return keys.jwks()


@router.get("/revocations")
async def show_revocations(
    revocations: Annotated[TokenRevocations, Depends(provided(TokenRevocations))],
) -> RevocationList:
    """Voided tokens that have not expired: those of a user with a generation below the one listed, and those of the ended
    sessions listed. If there are too many to list, `issuedUntil` (unix seconds) voids all tokens issued until then; else it
    is 0."""
    voided = await revocations.list()
    users = [Revocation(user_id=user_id, generation=number) for user_id, number in voided.oldest_valid.items()]
    return RevocationList(users=users, sessions=(*sorted(voided.ended_sessions),), issued_until=voided.issued_until)


@router.post("/userById", responses=declared(NotFound))
async def show_user(body: UserId, profiles: TheProfiles) -> PeerUserInfo:
    return PeerUserInfo.of(await profiles.by_id(body.user_id))


@router.post("/usersByIds")
async def show_users(body: UserIds, profiles: TheProfiles) -> Users:
    return Users(users=[UserInfo.of(user) for user in await profiles.by_ids(body.ids)])


@router.post("/grantRole", responses=declared(NotFound))
async def grant_role(body: GrantRole, roles: Annotated[Roles, Depends(provided(Roles))]) -> RoleGranted:
    """Idempotent. The role is in the next token: at a sign-in, or at once by `refreshToken`."""
    return RoleGranted(granted=await roles.grant(body.user_id, Role(body.role), actor="travel"))


@router.post("/authByUser", responses=declared(NotFound))
async def show_auth_of_user(body: AuthByUser, profiles: TheProfiles) -> Auth:
    return Auth.of(await profiles.auth_by_user(body.user_id, body.auth_type, body.appid))


@router.post("/openids", response_model=Openids)
async def show_openids(body: UsersOfApp, profiles: TheProfiles) -> Response:
    """The openids of many users in one mini-program: `authByUser` of type wxMini, without users who have none."""
    found = await profiles.openids(body.user_ids, body.appid)
    told = Openids(openids=[Openid(user_id=user_id, openid=openid) for user_id, openid in found.items()])
    # A response of its own: FastAPI would validate each entry a second time.
    return Response(told.model_dump_json(by_alias=True), media_type="application/json")


@router.post("/authByKey", responses=declared(NotFound))
async def show_auth_of_key(body: AuthByKey, profiles: TheProfiles) -> Auth:
    return Auth.of(await profiles.auth_by_key(body.auth_type, body.auth_key, body.appid))
