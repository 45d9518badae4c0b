"""`/internal/…`: what peers may ask, by invocation only."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from servicekit import callers
from servicekit.app import provided
from usercenter.profiles import Profiles
from usercenter.schemas import Auth, AuthByKey, AuthByUser, UserId, UserIds, UserInfo, Users
from usercenter.tokens import SigningKeys

CALLERS: dict[str, set[str]] = {
    "jwks": {"gateway", "travel", "order", "payment", "notification"},
    "userById": set(),
    "usersByIds": {"travel"},
    "authByUser": {"payment", "notification"},
    "authByKey": set(),
}
router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[callers.only(CALLERS)])

TheProfiles = Annotated[Profiles, Depends(provided(Profiles))]


@router.get("/jwks")
async def show_keys(keys: Annotated[SigningKeys, Depends(provided(SigningKeys))]) -> dict[str, Any]:
    return keys.jwks()


@router.post("/userById")
async def show_user(body: UserId, profiles: TheProfiles) -> UserInfo:
    return await profiles.by_id(body.user_id)


@router.post("/usersByIds")
async def show_users(body: UserIds, profiles: TheProfiles) -> Users:
    return Users(users=await profiles.by_ids(body.ids))


@router.post("/authByUser")
async def show_auth_of_user(body: AuthByUser, profiles: TheProfiles) -> Auth:
    return await profiles.auth_by_user(body.user_id, body.auth_type)


@router.post("/authByKey")
async def show_auth_of_key(body: AuthByKey, profiles: TheProfiles) -> Auth:
    return await profiles.auth_by_key(body.auth_type, body.auth_key)
