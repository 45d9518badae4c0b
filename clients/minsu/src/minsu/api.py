"""The public API over HTTP, for one signed-in account."""

import contextlib
import time
from collections.abc import Callable
from typing import Any, Self

import httpx

from minsu.errors import CommandFailed, Refused
from minsu.settings import Account

PATIENCE_SECONDS = 30.0
LOGIN, REFRESH, LOGOUT = (f"/usercenter/v1/user/{name}" for name in ("login", "refreshToken", "logout"))
SIGN_IN_AGAIN = {"unauthenticated", "reauthentication-required"}


class Api:
    """Problems come back as `Refused`, with the user's message, the detail and the field in one line.

    As a context manager it signs out at the end, so that a command leaves no session behind, unless another
    keeps it (`renew`)."""

    def __init__(self, url: str, *, language: str = "en", transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self.renew: Callable[[Api, Refused], None] | None = None
        self._refresh_token, self._refresh_after = "", 0
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(PATIENCE_SECONDS, connect=5.0),
            headers={"Accept-Language": language},
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._refresh_token and self.renew is None:
            with contextlib.suppress(CommandFailed):  # what was asked is done; the session ends by itself
                self._call(LOGOUT)
        self._http.close()

    @property
    def token(self) -> str:
        return str(self._http.headers.get("Authorization", "")).removeprefix("Bearer ")

    @token.setter
    def token(self, value: str) -> None:
        self._http.headers["Authorization"] = f"Bearer {value}"

    def sign_in(self, account: Account, code: str = "") -> dict[str, Any]:
        """`code`: of the second factor. Returns what usercenter responded."""
        body = {"mobile": account.mobile, "password": account.password} | ({"totpCode": code} if code else {})
        return self._taken(self._call(LOGIN, body))

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """New tokens for a refresh token, which is used up. Returns what usercenter responded."""
        return self._taken(self._call(REFRESH, {"refreshToken": refresh_token}))

    def _taken(self, signed_in: dict[str, Any]) -> dict[str, Any]:
        self.token = signed_in["accessToken"]
        self._refresh_token, self._refresh_after = signed_in["refreshToken"], signed_in["refreshAfter"]
        return signed_in

    def call(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> dict[str, Any]:
        """`data` of the answer. `key` makes a repeat of a creating call the same call. Where the session is over, or too
        old for what is asked, `renew` signs in and the call is made once more: nothing was done. Without `renew` tokens are
        refreshed here when it is time."""
        if self._refresh_token and self.renew is None and time.time() >= self._refresh_after:
            self.refresh(self._refresh_token)
        try:
            return self._call(path, body, key=key)
        except Refused as refused:
            if self.renew is None or refused.slug not in SIGN_IN_AGAIN:
                raise
            self.renew(self, refused)
        return self._call(path, body, key=key)

    def _call(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = self._http.post(path, json=body or {}, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandFailed(
                f"no answer from {self._url}: {error or type(error).__name__}",
                "start the system with `make up`, or set GATEWAY_URL",
            ) from None
        content = _object(answer)
        if not answer.is_success:
            raise _refused(answer.status_code, content)
        if "data" not in content:
            raise CommandFailed(f"{self._url}{path} is not Minsu's API: HTTP {answer.status_code} without data")
        data: dict[str, Any] = content["data"]
        return data


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _refused(status: int, content: dict[str, Any]) -> Refused:
    line = str(content.get("msg") or content.get("title") or f"HTTP {status}")
    if detail := content.get("detail"):
        line += f": {detail}"
    if field := content.get("field"):
        line += f" (field {field})"
    if status >= 500 and (trace := content.get("trace_id")):
        line += f" (trace {trace})"
    return Refused(line, status=status, slug=str(content.get("type", "")).rsplit("/", 1)[-1])
