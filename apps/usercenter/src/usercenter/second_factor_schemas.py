"""Requests and responses about a second factor."""

from typing import Annotated

from pydantic import Field, StringConstraints

from servicekit.schemas import ApiModel
from usercenter.schemas import AccessToken, AnyPassword, TotpCode

NewTotpCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), Field(examples=["123456"])]


class Proof(ApiModel):
    password: AnyPassword
    totp_code: TotpCode | None = None


class BeginEnrolment(Proof):
    """`totpCode` only to replace an authenticator that is in force."""


class EnrolmentSecret(ApiModel):
    secret: str = Field(description="Base32, for apps that cannot scan")
    otpauth_uri: str = Field(description="As a QR code for authenticator apps")


class ConfirmEnrolment(ApiModel):
    totp_code: NewTotpCode


class Enrolled(ApiModel):
    recovery_codes: list[str] = Field(description="Each stands in for one code of a lost phone")
    token: AccessToken
