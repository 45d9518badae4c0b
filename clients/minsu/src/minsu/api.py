"""The public API over HTTP, for one signed-in account."""

from typing import Any, Self

import httpx

from minsu.errors import CommandFailed, Refused
from minsu.settings import Account

PATIENCE_SECONDS = 30.0


class Api:
    """Problems come back as `Refused`, with the user's message, the detail and the field in one line."""

    def __init__(self, url: str, *, language: str = "en", transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
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

    def sign_in(self, account: Account) -> None:
        body = {"mobile": account.mobile, "password": account.password}
        token = self.call("/usercenter/v1/user/login", body)["accessToken"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def call(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> dict[str, Any]:
        """`data` of the answer. `key` makes a repeat of a creating call the same call."""
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
