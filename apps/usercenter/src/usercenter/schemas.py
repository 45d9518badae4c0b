"""Requests and responses. Fields are the source system's; `roles` and `code` are additions."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints

from servicekit.audit_api import Act
from servicekit.schemas import ApiModel, Note, RowId
from usercenter import password_policy
from usercenter.accounts import AccountRecord
from usercenter.models import User, UserAuth, UserSession
from usercenter.second_factor import Needs
from usercenter.tokens import IssuedToken

Mobile = Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{9}$"), Field(examples=["13800000001"])]
AnyPassword = Annotated[SecretStr, Field(min_length=6, max_length=password_policy.MOST)]
"""Of a sign-in: also one from before the policy."""
NewPassword = Annotated[
    SecretStr,
    Field(min_length=1, max_length=password_policy.MOST, json_schema_extra={"minLength": password_policy.LEAST}),
]
"""Its other rules, which count characters after normalisation: password_policy.py."""
TotpCode = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]{6}|[A-Za-z2-9]{4}([- ]?[A-Za-z2-9]{4}){5})$"),
    Field(examples=["123456"], description="Six digits of the authenticator, or a recovery code. For operators"),
]
DeviceToken = Annotated[str, StringConstraints(pattern=r"^[0-9a-f.]{0,200}$")]
"""From this device's last sign-in, so that failed attempts of strangers do not slow it down."""
AuthType = Literal["system", "wxMini"]


class Credentials(ApiModel):
    mobile: Mobile
    password: AnyPassword
    totp_code: TotpCode | None = None
    device_token: DeviceToken = ""


class NewAccount(ApiModel):
    mobile: Mobile
    password: NewPassword
    device_token: DeviceToken = ""
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = Field(
        None, description="From sendMobileCode; proves that the mobile is the caller's. A server may require it"
    )


class MobileRef(ApiModel):
    mobile: Mobile


class CodeSent(ApiModel):
    retry_after: int = Field(description="Seconds until another can be requested")


class WxMiniAuth(ApiModel):
    """What the mini-program gets from `wx.login` and `getPhoneNumber`."""

    code: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
    iv: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{22}==$")]
    encrypted_data: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=4096)]


class AccessToken(ApiModel):
    access_token: str
    access_expire: int = Field(description="Unix seconds")
    refresh_after: int = Field(description="Unix seconds: half-way")
    refresh_token: str = Field(description="For refreshToken, once")
    operator_needs: Needs | None = Field(
        description="Why an operator's token has no operator role yet: the password must be changed, a second factor "
        "enrolled, or a code sent. Null for all others",
    )

    @classmethod
    def of(cls, issued: IssuedToken, needs: Needs | None = None) -> Self:
        return cls(
            access_token=issued.access_token,
            access_expire=issued.access_expire,
            refresh_after=issued.refresh_after,
            refresh_token=issued.refresh_token,
            operator_needs=needs,
        )


class SignedIn(AccessToken):
    device_token: str = Field(description="For this device to keep, and to send with its next sign-in; opens nothing")

    @classmethod
    def by(cls, issued: IssuedToken, device_token: str, needs: Needs | None = None) -> Self:
        return cls(**AccessToken.of(issued, needs).model_dump(), device_token=device_token)


class RefreshTokenOf(ApiModel):
    refresh_token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]


class SessionRef(ApiModel):
    id: RowId


class OwnSession(ApiModel):
    id: int
    device: str = Field(description="Browser and system, such as `Chrome, Windows`; empty if unknown")
    started_at: datetime
    last_used_at: datetime = Field(description="Opened or last refreshed")
    is_current: bool

    @classmethod
    def of(cls, session: UserSession, *, is_current: bool) -> Self:
        return cls(
            id=session.id,
            device=session.device,
            started_at=session.started_at,
            last_used_at=session.last_used_at,
            is_current=is_current,
        )


class OwnSessions(ApiModel):
    list: list[OwnSession]


class ChangePassword(ApiModel):
    old_password: AnyPassword
    new_password: NewPassword
    totp_code: TotpCode | None = None


class UserInfo(ApiModel):
    id: int
    mobile: str
    nickname: str
    sex: int
    avatar: str
    info: str

    @classmethod
    def of(cls, user: User) -> "UserInfo":
        return cls.model_validate(_info(user))


class OwnUserInfo(UserInfo):
    roles: list[str]

    @classmethod
    def of(cls, user: User) -> "OwnUserInfo":
        return cls.model_validate(_info(user) | {"roles": user.roles_in_force})


class UserDetail(ApiModel):
    user_info: OwnUserInfo


class RegistrationOf(ApiModel):
    """What an Idempotency-Key is bound to. Holds no password: its hash is stored."""

    mobile: str


class UserId(ApiModel):
    user_id: RowId


class PeerUserInfo(UserInfo):
    mobile_proven: bool = Field(description="Whether roles can be granted")

    @classmethod
    def of(cls, user: User) -> "PeerUserInfo":
        return cls.model_validate(_info(user) | {"mobile_proven": user.mobile_proven_at is not None})


class GrantRole(ApiModel):
    user_id: RowId
    role: Annotated[Literal["merchant"], Field(examples=["merchant"])]


class RoleGranted(ApiModel):
    granted: bool = Field(description="False while the mobile is not proven")


class UserIds(ApiModel):
    ids: Annotated[list[RowId], Field(max_length=100)]


class Users(ApiModel):
    users: list[UserInfo]


AppId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{0,64}$")]


class AuthByUser(ApiModel):
    user_id: RowId
    auth_type: AuthType
    appid: AppId = Field("", description="The mini-program whose openid is wanted; empty: the newest")


class UsersOfApp(ApiModel):
    user_ids: Annotated[list[RowId], Field(min_length=1, max_length=500)]
    appid: Annotated[AppId, Field(min_length=1, description="The mini-program whose openids are wanted")]


class Openid(ApiModel):
    user_id: int
    openid: str


class Openids(ApiModel):
    """Without users who have none."""

    openids: list[Openid]


class AuthByKey(ApiModel):
    auth_type: AuthType
    auth_key: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
    appid: AppId = Field("", description="The mini-program whose openid it is; empty: of any")


class Auth(ApiModel):
    user_id: int
    auth_type: AuthType
    auth_key: str
    appid: str

    @classmethod
    def of(cls, auth: UserAuth) -> Self:
        return cls.model_validate(auth, from_attributes=True)


class AccountQuery(ApiModel):
    """`note`: why, for the audit."""

    mobile: Annotated[Mobile, Field(examples=["19900000000"])]
    note: Note | None = None


class Release(ApiModel):
    mobile: Annotated[Mobile, Field(examples=["19900000000"])]
    note: Note


class BoundWechat(ApiModel):
    appid: str
    bound_at: datetime


class AccountDetail(ApiModel):
    """An account for operators, without openid and password."""

    id: int
    mobile: str
    nickname: str
    roles: list[str]
    registered_at: datetime
    mobile_proven_at: datetime | None
    mobile_proven_by: str | None
    has_password: bool
    wechat: list[BoundWechat]
    acts: list[Act]

    @classmethod
    def of(cls, account: AccountRecord) -> Self:
        user = account.user
        return cls(
            id=user.id,
            mobile=user.mobile,
            nickname=user.nickname,
            roles=user.roles,
            registered_at=user.created_at,
            mobile_proven_at=user.mobile_proven_at,
            mobile_proven_by=user.mobile_proven_by,
            has_password=user.password_hash is not None,
            wechat=[BoundWechat(appid=each.appid, bound_at=each.created_at) for each in account.wechat],
            acts=[Act.model_validate(dict(act)) for act in account.acts],
        )


def _info(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "mobile": user.mobile,
        "nickname": user.nickname,
        "sex": user.sex,
        "avatar": user.avatar,
        "info": user.info,
    }
