"""Operators with a second factor: their codes, and one of a test's own on the running system."""

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyotp

if TYPE_CHECKING:
    from tests.support.system import System

TOTP_KEY = "bWluc3UgdGVzdHMgc2VhbCB3aXRoIHRoaXMga2V5IDE="
"""usercenter's secret `totp-key` in tests: 32 bytes in base64."""
STEP_SECONDS = 30
PASSWORD = "an operator's own words"


@dataclass
class Authenticator:
    """A phone with the secret: `code()` is a new one each time, the next one ahead of time once, as usercenter allows, then
    when its time has come."""

    secret: str = field(repr=False)
    used: int = 0

    def code(self, *, now: float | None = None) -> str:
        """`now`: unix seconds of the system under test; its own clock may be ahead of ours."""
        step = max(int(time.time() if now is None else now) // STEP_SECONDS, self.used + 1)
        while now is None and step > int(time.time()) // STEP_SECONDS + 1:
            time.sleep(max(0.0, (step - 1) * STEP_SECONDS - time.time()))
        self.used = step
        return pyotp.TOTP(self.secret, interval=STEP_SECONDS).generate_otp(step)


@dataclass
class Operator:
    """Enrolled and signed in: `token` has the operator role and a fresh proof of identity."""

    id: int
    mobile: str
    authenticator: Authenticator
    recovery_codes: list[str]
    token: str = field(repr=False)
    password: str = PASSWORD

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def environment(self) -> dict[str, str]:
        """What `minsu ops` needs to be this operator."""
        return {
            "OPERATOR_MOBILE": self.mobile,
            "OPERATOR_PASSWORD": self.password,
            "OPERATOR_TOTP_SECRET": self.authenticator.secret,
        }


def new_operator(system: "System") -> Operator:
    """Registers, is granted the role, enrols as a person would, and is signed in."""
    user, mobile = "/usercenter/v1/user", f"137{secrets.randbelow(10**8):08d}"
    credentials = {"mobile": mobile, "password": PASSWORD}
    system.data(f"{user}/register", credentials)
    [row] = system.rows(
        "usercenter",
        """update "user" set roles = '{buyer,operator}', mobile_proven_at = now(), mobile_proven_by = 'code'
        where mobile = %s returning id""",
        mobile,
    )
    first = {"Authorization": f"Bearer {system.data(f'{user}/login', credentials)['accessToken']}"}
    secret = system.data(f"{user}/totpEnrol", {"password": PASSWORD}, **first)["secret"]
    authenticator = Authenticator(secret)
    done = system.data(f"{user}/totpConfirm", {"totpCode": authenticator.code()}, **first)
    return Operator(row["id"], mobile, authenticator, done["recoveryCodes"], done["token"]["accessToken"])
