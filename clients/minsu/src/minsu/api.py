"""The public API over HTTP, for one signed-in account."""

from collections.abc import Callable
from typing import Any, Self

import httpx

from minsu.errors import CommandFailed, Refused
from minsu.settings import Account

PATIENCE_SECONDS = 30.0
SIGN_IN_AGAIN = {"unauthenticated", "reauthentication-required"}


class Api:
    """Problems come back as `Refused`, with the user's message, the detail and the field in one line."""

    def __init__(self, url: str, *, language: str = "en", transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self.renew: Callable[[Api], None] | None = None
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
        signed_in = self._call("/usercenter/v1/user/login", body)
        self.token = signed_in["accessToken"]
        return signed_in

    def call(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> dict[str, Any]:
        """`data` of the answer. `key` makes a repeat of a creating call the same call. Where the session is over, or too
        old for what is asked, `renew` signs in and the call is made once more: nothing was done."""
        try:
            return self._call(path, body, key=key)
        except Refused as refused:
            if self.renew is None or refused.slug not in SIGN_IN_AGAIN:
                raise
        self.renew(self)
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
