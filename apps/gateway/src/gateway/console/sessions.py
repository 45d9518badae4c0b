"""The operator's session: one cookie that no script can read and no other site can make a browser send.

The cookie holds a random id, when to renew the token (unix seconds), the refresh token, and the token itself; before the
sign-in the id alone. Nothing is kept here, so every replica serves every session. The CSRF token is derived from the id,
which only we and the browser's cookie jar know.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

COOKIE, PATH = "minsu_console", "/console"
DEVICE_COOKIE, DEVICE_SECONDS = "minsu_console_device", 180 * 86400
"""As long as usercenter knows a device (`USERCENTER_KNOWN_DEVICE_DAYS`)."""
NO_RENEWAL_COOKIE, NO_RENEWAL_SECONDS = "minsu_console_no_renewal", 30
"""Of its own, so that a page whose renewal failed never puts older tokens over those that another page has got."""

_DEVICE = re.compile(r"[0-9a-f.]{1,200}")


@dataclass(frozen=True, slots=True)
class Session:
    """`token` is empty before the sign-in; `refresh_after` in unix seconds."""

    id: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    refresh_after: int = 0
    refresh_token: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def of(cls, request: Request) -> Self | None:
        """What the cookie says; None without one or for one that is not ours."""
        session_id, _, rest = request.cookies.get(COOKIE, "").partition(".")
        if len(session_id) != 64:
            return None
        due, _, rest = rest.partition(".")
        refresh_token, _, token = rest.partition(".")
        return cls(session_id, int(due) if due.isascii() and due.isdecimal() else 0, refresh_token, token)

    @property
    def csrf_token(self) -> str:
        return hmac.new(self.id.encode(), b"minsu console form", "sha256").hexdigest()

    def store(self, response: Response, *, secure: bool) -> None:
        value = f"{self.id}.{self.refresh_after}.{self.refresh_token}.{self.token}" if self.token else self.id
        response.set_cookie(COOKIE, value, path=PATH, httponly=True, samesite="strict", secure=secure)


def forget(response: Response, *, secure: bool) -> None:
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict", secure=secure)


def known_device(request: Request) -> str:
    """That this browser has signed in before, in usercenter's words; empty for what cannot be one."""
    token = request.cookies.get(DEVICE_COOKIE, "")
    return token if _DEVICE.fullmatch(token) else ""


def remember_device(response: Response, token: str, *, secure: bool) -> None:
    """Stays after the session, and is sent with sign-ins alone."""
    if token:
        response.set_cookie(
            DEVICE_COOKIE,
            token,
            max_age=DEVICE_SECONDS,
            path=f"{PATH}/signin",
            httponly=True,
            samesite="strict",
            secure=secure,
        )


def pause_renewal(response: Response, *, secure: bool) -> None:
    """For NO_RENEWAL_SECONDS this browser's pages make do with the tokens that they have."""
    response.set_cookie(
        NO_RENEWAL_COOKIE,
        "1",
        max_age=NO_RENEWAL_SECONDS,
        path=PATH,
        httponly=True,
        samesite="strict",
        secure=secure,
    )


def is_renewal_paused(request: Request) -> bool:
    return NO_RENEWAL_COOKIE in request.cookies


def is_from_elsewhere(request: Request, public_url: str) -> bool:
    """Whether the browser says that another site's page sent this form, or does not say whose."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return True
    ours = {request.headers.get("host", ""), urlsplit(public_url).netloc} - {""}
    return urlsplit(request.headers.get("origin", "")).netloc not in ours


def is_of(session: Session, form: Mapping[str, str]) -> bool:
    """Whether the form was made in this session."""
    return hmac.compare_digest(session.csrf_token.encode(), form.get("csrf", "").encode())
