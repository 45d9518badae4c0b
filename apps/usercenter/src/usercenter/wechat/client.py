"""`jscode2session`: exchanges a login code for openid and session key. Never retried: a code can be used once."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog

from servicekit.errors import Problem
from servicekit.telemetry import traces
from usercenter.errors import WechatBusy, WechatCodeInvalid, WechatUnavailable, WechatUserBlocked

log = structlog.get_logger()

OPENID = re.compile(r"[!-~]{1,64}")
CODE_IS_BAD = {40029, 40163, 41008}
TOO_OFTEN = {45011, 45009}
USER_IS_BLOCKED = 40226


@dataclass(frozen=True)
class WechatSession:
    openid: str
    session_key: str


@dataclass(kw_only=True, eq=False)
class MiniProgram:
    """One client for the life of the service. `secret` is set at start."""

    base_url: str
    appid: str
    timeout_seconds: float
    secret: str = field(default="", repr=False)
    _http: httpx.AsyncClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._http = httpx.AsyncClient(base_url=self.base_url, timeout=self.timeout_seconds, trust_env=False)

    async def session_of(self, code: str) -> WechatSession:
        """Raises WechatCodeInvalid, WechatBusy, WechatUserBlocked; WechatUnavailable without a usable answer."""
        query = {"appid": self.appid, "secret": self.secret, "js_code": code, "grant_type": "authorization_code"}
        try:
            async with asyncio.timeout(self.timeout_seconds):
                with traces.span(
                    "GET", kind=traces.SpanKind.CLIENT, attributes={"url.template": "/sns/jscode2session"}
                ):
                    response = await self._http.get("/sns/jscode2session", params=query)
            answer = response.json() if response.is_success else None
        except (httpx.HTTPError, TimeoutError) as error:  # not its text: the URL holds the secret
            raise WechatUnavailable(f"jscode2session: {type(error).__name__}") from None
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise WechatUnavailable(f"jscode2session: HTTP {response.status_code} without a usable body")
        if errcode := answer.get("errcode"):
            raise refusal(errcode)
        return _session(answer)

    async def close(self) -> None:
        await self._http.aclose()


def refusal(errcode: Any) -> Problem:
    """The problem for an errcode. One that the user has not caused is a 503 and an error in the log."""
    if not isinstance(errcode, int):
        return WechatUnavailable("jscode2session: errcode is not a number")
    if errcode in CODE_IS_BAD:
        return WechatCodeInvalid(f"WeChat refused the code ({errcode})", field="code")
    if errcode in TOO_OFTEN:
        return WechatBusy(f"WeChat's limit is reached ({errcode})", retry_after=60)
    if errcode == USER_IS_BLOCKED:
        return WechatUserBlocked("WeChat counts this user as a risk")
    log.error("jscode2session failed", errcode=errcode)  # -1: WeChat is busy; 40013, 40125: our settings are wrong
    return WechatUnavailable(f"jscode2session: errcode {errcode}")


def _session(answer: dict[str, Any]) -> WechatSession:
    openid, session_key = answer.get("openid"), answer.get("session_key")
    if not isinstance(openid, str) or not isinstance(session_key, str) or not OPENID.fullmatch(openid):
        raise WechatUnavailable("jscode2session: no openid or session key in the answer")
    return WechatSession(openid, session_key)
