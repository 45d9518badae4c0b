"""What goes over the wire, bounded. Fields are the source system's; `roles` is ours."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from servicekit.schemas import ApiModel, RowId

Mobile = Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{9}$"), Field(examples=["13800000001"])]
Password = Annotated[SecretStr, Field(min_length=6, max_length=128)]
AuthType = Literal["system", "wxMini"]


class Credentials(ApiModel):
    mobile: Mobile
    password: Password


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
    """What is kept under an Idempotency-Key: never a token."""

    user_id: int


class UserId(ApiModel):
    user_id: RowId


class UserIds(ApiModel):
    ids: Annotated[list[RowId], Field(max_length=100)]


class Users(ApiModel):
    users: list[UserInfo]


class AuthByUser(ApiModel):
    user_id: RowId
    auth_type: AuthType


class AuthByKey(ApiModel):
    auth_type: AuthType
    auth_key: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]


class Auth(ApiModel):
    user_id: int
    auth_type: AuthType
    auth_key: str
