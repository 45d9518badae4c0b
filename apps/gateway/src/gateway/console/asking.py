"""What the console asks of services: their public operators' API, with the operator's own token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.console.errors import ServiceRefused, SessionEnded
from gateway.console.sessions import Session
from gateway.routes import PUBLIC
from servicekit.errors import PeerUnavailable
from servicekit.sidecar import Sidecar

_PATHS = {route.path for route in PUBLIC}
LOGIN, REFRESH, LOGOUT = (f"/usercenter/v1/user/{name}" for name in ("login", "refreshToken", "logout"))
REAUTHENTICATE = "/usercenter/v1/user/reauthenticate"
ENROL, CONFIRM = "/usercenter/v1/user/totpEnrol", "/usercenter/v1/user/totpConfirm"
WRONG = {"wrong-credentials", "second-factor-wrong"}
"""Refusals with 401 that do not say that the session has ended."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a service responded: `data`; or None, because it was unavailable (`refusal` empty) or refused with that text."""

    service: str
    data: dict[str, Any] | None
    refusal: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`needs`: what the session lacks for the operator role (`operatorNeeds`), empty for nothing that we know of; `device`:
    for this browser to show at its next sign-in, so that strangers' failures do not slow it down."""

    session: Session
    needs: str
    device: str


@dataclass(kw_only=True, eq=False)
class Services:
    sidecar: Sidecar

    async def sign_in(self, proof: Mapping[str, str], language: str, address: str) -> SignedIn:
        """`proof`: mobile, password, totpCode, deviceToken; what is empty is left out. Raises ServiceRefused, as for a
        wrong password; PeerUnavailable."""
        headers = {"accept-language": language} | ({"client-address": address} if address else {})
        answer = await self._call(LOGIN, {name: value for name, value in proof.items() if value}, headers)
        return SignedIn(_session(answer), answer.get("operatorNeeds") or "", answer.get("deviceToken") or "")

    async def reauthenticate(self, session: Session, password: str, code: str, language: str) -> Session:
        """The same session, with a token that acts on money take. Raises ServiceRefused, SessionEnded, PeerUnavailable."""
        return _session(
            await self._call(REAUTHENTICATE, _proof(password, code), _headers(session, language)), session.id
        )

    async def enrol(self, session: Session, password: str, code: str, language: str) -> dict[str, Any]:
        """A secret for an authenticator app. Raises ServiceRefused, SessionEnded, PeerUnavailable."""
        return await self._call(ENROL, _proof(password, code), _headers(session, language))

    async def confirm(self, session: Session, code: str, language: str) -> tuple[list[str], Session]:
        """Recovery codes, and the same session with the operator role. Raises as `enrol`."""
        enrolled = await self._call(CONFIRM, {"totpCode": code}, _headers(session, language))
        return enrolled["recoveryCodes"], _session(enrolled["token"], session.id)

    async def renew(self, session: Session, language: str, *, seconds: float) -> Session:
        """The same session with new tokens; the refresh token of before is used up. Raises SessionEnded, ServiceRefused,
        PeerUnavailable also when usercenter has not responded within `seconds`."""
        body = {"refreshToken": session.refresh_token}
        return _session(await self._call(REFRESH, body, {"accept-language": language}, seconds), session.id)

    async def sign_out(self, session: Session, language: str) -> None:
        """Raises SessionEnded, ServiceRefused, PeerUnavailable."""
        await self._call(LOGOUT, {}, _headers(session, language))

    async def ask(
        self,
        session: Session,
        language: str,
        service: str,
        name: str,
        body: Mapping[str, Any],
        *,
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """`data` of `/<service>/v1/ops/<name>`. Raises SessionEnded (401), ServiceRefused (any other refusal, with the
        service's message in `language`; of its own 503 as well), PeerUnavailable when nothing of the service responded
        within `seconds`."""
        return await self._call(f"/{service}/v1/ops/{name}", body, _headers(session, language), seconds)

    async def read(
        self,
        session: Session,
        language: str,
        service: str,
        name: str,
        body: Mapping[str, Any],
        *,
        seconds: float,
    ) -> Reading:
        """As `ask`, for pages of several services: one that is unavailable or refuses is part of the result."""
        try:
            return Reading(service, await self.ask(session, language, service, name, body, seconds=seconds))
        except PeerUnavailable:
            return Reading(service, None, status=503)
        except ServiceRefused as refused:
            return Reading(service, None, refused.message, refused.status)

    async def _call(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], seconds: float | None = None
    ) -> dict[str, Any]:
        if path not in _PATHS:
            raise LookupError(f"{path} is no public path: what the console does, minsu ops can do")
        service = path.split("/")[1]
        response = await self.sidecar.invoke(service, "POST", path, json=body, headers=headers, timeout_seconds=seconds)
        try:
            content = response.json()
        except ValueError:
            raise PeerUnavailable(f"{service}: {response.status_code} without JSON for {path}") from None
        if response.is_success:
            data: dict[str, Any] = content["data"]
            return data
        slug = str(content.get("type", "")).rpartition("/")[2]
        if response.status_code == 401 and path != LOGIN and slug not in WRONG:
            raise SessionEnded
        if response.status_code == 503 and "code" not in content:  # no problem of the service itself
            raise PeerUnavailable(f"{service}: 503 for {path}")
        raise ServiceRefused(service, response.status_code, content)


def _headers(session: Session, language: str) -> dict[str, str]:
    return {"authorization": f"Bearer {session.token}", "accept-language": language}


def _proof(password: str, code: str) -> dict[str, str]:
    return {"password": password} | ({"totpCode": code} if code else {})


def _session(token: Mapping[str, Any], session_id: str | None = None) -> Session:
    values = {
        "refresh_after": token["refreshAfter"],
        "refresh_token": token["refreshToken"],
        "token": token["accessToken"],
    }
    return Session(session_id, **values) if session_id else Session(**values)
