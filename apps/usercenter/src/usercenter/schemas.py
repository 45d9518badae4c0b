"""What goes over the wire, bounded. Fields are the source system's; `roles` and `code` are ours."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints

from servicekit.operations_api import Act
from servicekit.schemas import ApiModel, Note, RowId
from usercenter.models import User

Mobile = Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{9}$"), Field(examples=["13800000001"])]
Password = Annotated[SecretStr, Field(min_length=6, max_length=128)]
AuthType = Literal["system", "wxMini"]


class Credentials(ApiModel):
    mobile: Mobile
    password: Password


class NewAccount(Credentials):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = Field(
        None, description="From sendMobileCode; proves that the mobile is the caller's. A server may require it"
    )


class MobileRef(ApiModel):
    mobile: Mobile


class CodeSent(ApiModel):
    retry_after: int = Field(description="Seconds until another may be asked for")


class WxMiniAuth(ApiModel):
    """What `wx.login` and `getPhoneNumber` hand to the mini-program."""

    code: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
    iv: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{22}==$")]
    encrypted_data: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=4096)]


class AccessToken(ApiModel):
    access_token: str
    access_expire: int = Field(description="Unix seconds")
    refresh_after: int = Field(description="Unix seconds: half-way")


class UserInfo(ApiModel):
    id: int
    mobile: str
    nickname: str
    sex: int
    avatar: str
    info: str


class OwnUserInfo(UserInfo):
    roles: list[str]


class UserDetail(ApiModel):
    user_info: OwnUserInfo


class RegistrationOf(ApiModel):
    """What an Idempotency-Key is bound to: nothing that a leaked table could be cracked for."""

    mobile: str


class Account(ApiModel):
    """Who has shown who they are, and under which generation of tokens. This is what is kept under an Idempotency-Key,
    never a token: a replay after the account was taken back gets one that is void."""

    user_id: int
    generation: int = 0

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(user_id=user.id, generation=user.token_generation)


class UserId(ApiModel):
    user_id: RowId


class UserIds(ApiModel):
    ids: Annotated[list[RowId], Field(max_length=100)]


class Users(ApiModel):
    users: list[UserInfo]


AppId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{0,64}$")]


class AuthByUser(ApiModel):
    user_id: RowId
    auth_type: AuthType
    appid: AppId = Field("", description="The mini-program whose openid is wanted; empty: the newest")


class AuthByKey(ApiModel):
    auth_type: AuthType
    auth_key: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
    appid: AppId = Field("", description="The mini-program whose openid it is; empty: of any")


class Auth(ApiModel):
    user_id: int
    auth_type: AuthType
    auth_key: str
    appid: str


class Release(ApiModel):
    mobile: Annotated[Mobile, Field(examples=["19900000000"])]
    note: Note


class BoundWechat(ApiModel):
    appid: str
    bound_at: datetime


class AccountDetail(ApiModel):
    """What operators see: no openid, no password."""

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
