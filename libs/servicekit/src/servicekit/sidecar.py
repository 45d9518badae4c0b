"""The sidecar's HTTP API: invoke another service, publish a batch, read a secret, check its health.

A dead peer, an open circuit or a dead sidecar all become PeerUnavailable: one thing to handle for callers. This client
does not retry: Dapr's resiliency does, in one place.
"""

from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from json import dumps, loads
from typing import Any, Self, TypeVar

import httpx
import structlog
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from servicekit.errors import PeerUnavailable
from servicekit.settings import ProcessSettings
from servicekit.telemetry import traces
from servicekit.transport import PooledTransport

log = structlog.get_logger()
A = TypeVar("A", bound=BaseModel)
MAX_CONNECTIONS = 400
"""More than requests can be served at once (settings): a callback's call never waits for a visitor's to end."""
LONGEST_PAUSE_SECONDS = 60
_SECRET = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class BulkEntry:
    """One event of a bulk publish: `text` is a whole CloudEvent as JSON, sent as it is; `key` its partition key."""

    id: str
    text: str
    key: str

    @property
    def event(self) -> Any:
        return loads(self.text)


class BindingRefused(PeerUnavailable):
    """An output binding did not do it; `message` is the sidecar's own, and never shown to users."""

    def __init__(self, detail: str, message: str = "") -> None:
        super().__init__(detail)
        self.message = message


@dataclass(frozen=True, kw_only=True)
class SidecarMetadata:
    """What runs beside the app: daprd's version, its components (name → type) and the topics that it has subscribed to."""

    version: str
    components: Mapping[str, str]
    topics: frozenset[str]


class _Component(BaseModel):
    name: str
    type: str


class _Subscription(BaseModel):
    pubsubname: str
    topic: str


class _Metadata(BaseModel):
    """`/v1.0/metadata`, as far as it is read; lists that are empty are left out or null."""

    runtime_version: str = Field("", alias="runtimeVersion")
    components: list[_Component] | None = None
    subscriptions: list[_Subscription] | None = None


class Sidecar:
    """One client for the life of the service; the base URL is the sidecar's, on loopback."""

    def __init__(
        self,
        base_url: str,
        api_token: str,
        *,
        pubsub: str = "pubsub",
        timeout_seconds: float = 6.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._pubsub, self._base_url, self._api_token = pubsub, base_url.rstrip("/"), api_token
        self._transport = transport or PooledTransport(max_connections=MAX_CONNECTIONS)
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"dapr-api-token": api_token} if api_token else {},
            timeout=httpx.Timeout(timeout_seconds, connect=1.0),
            transport=self._transport,
            trust_env=False,
        )

    @classmethod
    def of(cls, settings: ProcessSettings, *, timeout_seconds: float = 6.0) -> Self:
        token = settings.dapr_api_token.get_secret_value()
        return cls(settings.dapr_http_url, token, pubsub=settings.pubsub, timeout_seconds=timeout_seconds)

    async def invoke(
        self,
        app_id: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx.Response:
        """Call `path` of `app_id` through both sidecars; the peer's own answer comes back whatever its status.

        `timeout_seconds` is for a peer that asks the outside world while we wait; the client's own bound otherwise.
        Raises PeerUnavailable when the peer itself did not respond in bounded time.
        """
        sent = {"dapr-app-id": app_id, **(headers or {})}
        traces.inject(sent)
        if json is not None:
            content, sent["content-type"] = _encoded(json), "application/json"
        limits = self._http.timeout if timeout_seconds is None else httpx.Timeout(timeout_seconds, connect=1.0)
        try:
            response = await self._exchange(method, path, content, sent, limits)
        except httpx.HTTPError as error:
            raise PeerUnavailable(f"{app_id}: {type(error).__name__}") from error
        if code := dapr_error(response):
            if response.status_code == httpx.codes.FORBIDDEN:
                # Names us and the operation; the sidecar that refuses says so at debug level only.
                log.error("a peer's access policy refuses us", peer=app_id, reason=response.json().get("message", ""))
            raise PeerUnavailable(f"{app_id}: {code}")
        if broke_off(response):
            raise PeerUnavailable(f"{app_id}: died while it answered")
        return response

    async def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], limits: httpx.Timeout
    ) -> httpx.Response:
        if isinstance(self._transport, PooledTransport):
            if self._api_token:
                headers["dapr-api-token"] = self._api_token
            return await self._transport.exchange(
                method, self._base_url + path, body=body, headers=headers, limits=limits
            )
        return await self._http.request(method, path, content=body, headers=headers, timeout=limits)

    async def ask(
        self,
        app_id: str,
        path: str,
        body: Mapping[str, Any] | None,
        answer: type[A],
        *,
        key: str | None = None,
        timeout_seconds: float | None = None,
    ) -> A | None:
        """The peer's response at `path`, parsed as `answer`; None for a 404. Without a body it is a GET.

        `key` is sent as Idempotency-Key. Raises PeerUnavailable for every other status and for an answer that is not an
        `answer`: the caller retries later, nothing is decided on a guess. The response's text is never part of the error.
        """
        response = await self.invoke(
            app_id,
            "GET" if body is None else "POST",
            path,
            json=body,
            headers={"Idempotency-Key": key} if key else None,
            timeout_seconds=timeout_seconds,
        )
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if not response.is_success:
            raise PeerUnavailable(f"{app_id}: {response.status_code} for {path}", retry_after=pause_asked(response))
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            fields = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
            raise PeerUnavailable(f"{app_id}: {path} cannot be read: {', '.join(fields)}") from None

    async def publish_bulk(self, topic: str, entries: Sequence[BulkEntry]) -> dict[str, str]:
        """Publish all. Returns the entries that were refused, id → reason. Raises PeerUnavailable when none was taken.

        The key goes with each entry and never with the request, where it would overrule them all (pubsub.kafka).
        """
        body = ",".join(map(_bulk_entry, entries))
        headers = {"content-type": "application/json"}
        traces.inject(headers)
        try:
            response = await self._exchange(
                "POST",
                f"/v1.0/publish/bulk/{self._pubsub}/{topic}",
                f"[{body}]".encode(),
                headers,
                self._http.timeout,
            )
        except httpx.HTTPError as error:
            raise PeerUnavailable(f"sidecar: {type(error).__name__}") from error
        if response.is_success:
            return {}
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        failed = {str(each["entryId"]): str(each.get("error", "")) for each in answer.get("failedEntries") or []}
        if not failed or len(failed) == len(entries):
            raise PeerUnavailable(f"publish to {topic}: {answer.get('errorCode', response.status_code)}")
        return failed

    async def invoke_binding(
        self,
        name: str,
        operation: str,
        data: Mapping[str, Any] | bytes | None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bytes:
        """Hand `data` to an output binding, bytes as base64. Returns what it responds. Raises BindingRefused when the
        binding did not do it, PeerUnavailable when nothing responded."""
        body: dict[str, Any] = {"operation": operation}
        if data is not None:
            body["data"] = b64encode(data).decode() if isinstance(data, bytes) else data
        if metadata is not None:
            body["metadata"] = metadata
        try:
            response = await self._http.post(f"/v1.0/bindings/{name}", json=body)
        except httpx.HTTPError as error:
            raise PeerUnavailable(f"binding {name}: {type(error).__name__}") from error
        if not response.is_success:
            reason = dapr_error(response) or response.status_code
            log.error("an output binding refuses", binding=name, operation=operation, reason=reason)
            raise BindingRefused(f"binding {name}: {reason}", response.text)
        return response.content

    async def secret(self, store: str, name: str) -> dict[str, str]:
        """The keys and values of a secret. Raises PeerUnavailable when the sidecar or its store does not give it."""
        try:
            response = await self._http.get(f"/v1.0/secrets/{store}/{name}")
        except httpx.HTTPError as error:
            raise PeerUnavailable(f"sidecar: {type(error).__name__}") from error
        if response.status_code != httpx.codes.OK:
            raise PeerUnavailable(f"secret {name}: {dapr_error(response) or response.status_code}")
        try:
            return _SECRET.validate_json(response.content)
        except ValidationError:  # its text would quote the value
            raise PeerUnavailable(f"secret {name}: cannot be read") from None

    async def is_ready(self) -> bool:
        """Whether the sidecar's outbound API answers (`/v1.0/healthz/outbound`, which needs no app)."""
        try:
            return (await self._http.get("/v1.0/healthz/outbound", timeout=1.0)).is_success
        except httpx.HTTPError:
            return False

    async def metadata(self) -> SidecarMetadata:
        """The sidecar's version, components and subscriptions. Raises PeerUnavailable when it does not respond."""
        try:
            response = await self._http.get("/v1.0/metadata", timeout=1.0)
            found = _Metadata.model_validate_json(response.raise_for_status().content)
        except (httpx.HTTPError, ValueError) as error:
            raise PeerUnavailable(f"sidecar: its metadata: {type(error).__name__}") from error
        return SidecarMetadata(
            version=found.runtime_version,
            components={each.name: each.type for each in found.components or ()},
            topics=frozenset(each.topic for each in found.subscriptions or () if each.pubsubname == self._pubsub),
        )

    async def missing(self, topics: Collection[str]) -> frozenset[str]:
        """Those of `topics` that the sidecar has not subscribed to. Raises PeerUnavailable when it does not respond."""
        return frozenset(topics) - (await self.metadata()).topics

    async def close(self) -> None:
        await self._http.aclose()


def _bulk_entry(entry: BulkEntry) -> str:
    return (
        f'{{"entryId":{dumps(entry.id)},"event":{entry.text},"contentType":"application/cloudevents+json",'
        f'"metadata":{{"partitionKey":{dumps(entry.key)}}}}}'
    )


def _encoded(value: Any) -> bytes:
    return dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def pause_asked(response: httpx.Response) -> int:
    """The peer's Retry-After in seconds, one where it names none, at most a minute."""
    asked = response.headers.get("retry-after", "")
    return min(max(int(asked), 1), LONGEST_PAUSE_SECONDS) if asked.isascii() and asked.isdigit() else 1


def dapr_error(response: httpx.Response) -> str:
    """The sidecar's own error code (`ERR_…`, `DAPR_…`), or empty when the answer is the peer's."""
    if response.status_code < 400 or not response.headers.get("content-type", "").startswith("application/json"):
        return ""
    try:
        code = response.json().get("errorCode", "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return code if isinstance(code, str) and code.startswith(("ERR_", "DAPR_")) else ""


def broke_off(response: httpx.Response) -> bool:
    """Whether a success has no body, or JSON no end. daprd answers 200 and nothing else for an app that is killed in its
    answer; no service of ours answers 200 with an empty body (WeChat would take it for an acknowledgement)."""
    if response.status_code == httpx.codes.OK and not response.content:
        return True
    if "json" not in response.headers.get("content-type", ""):
        return False
    try:
        from_json(response.content)
    except ValueError:  # stricter than json: lone surrogates, which a problem quotes as escapes
        return not _is_json(response)
    return False


def _is_json(response: httpx.Response) -> bool:
    try:
        response.json()
    except (ValueError, RecursionError):
        return False
    return True
