"""Settings that every service has. A service adds its own in one small subclass with its own prefix."""

import sys
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, PostgresDsn, Secret, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from servicekit import rate_limits
from servicekit.crowd import networks
from servicekit.uploads import Upload

PRIVATE_NETWORKS = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
PathSegment = Annotated[str, StringConstraints(pattern="^([A-Za-z0-9]{16,})?$")]


class ProcessSettings(BaseSettings):
    """What any process of a service needs, a command too: its database and the sidecar beside it.

    Read once from the environment, immutable afterwards. Names without the service's prefix are Dapr's own
    (`DAPR_HTTP_PORT`, …) or common to all services.
    """

    # A value that comes from a file or a Secret has its line end with it; as a header or in a URL it would do harm.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, str_strip_whitespace=True)

    database_url: PostgresDsn | None = None
    database_password_file: Path | None = None
    """Where the password of `database_url` is, instead of in it. Read for every new connection, so that one that was
    replaced needs no restart."""
    database_pool_size: int = Field(10, ge=1, le=200)
    database_pool_timeout_seconds: float = Field(2.0, gt=0)
    database_connect_seconds: float = Field(3.0, gt=0)

    dapr_host: str = Field("127.0.0.1", validation_alias="DAPR_HOST")
    dapr_http_port: int = Field(3500, validation_alias="DAPR_HTTP_PORT")
    dapr_api_token: SecretStr = Field(SecretStr(""), validation_alias="DAPR_API_TOKEN")
    pubsub: str = "pubsub"
    secret_store: str = "secrets"  # noqa: S105 - a component's name

    @property
    def dapr_http_url(self) -> str:
        return f"http://{self.dapr_host}:{self.dapr_http_port}"

    @classmethod
    def load(cls) -> Self:
        """Read the environment, or leave with one line for each setting that is missing or wrong."""
        try:
            return cls()
        except ValidationError as error:
            prefix = cls.model_config.get("env_prefix", "")
            for problem in error.errors():
                name = str(problem["loc"][0])
                shown = name if name.isupper() else f"{prefix}{name}".upper()
                sys.stderr.write(f"setting {shown}: {problem['msg']}\n")
            raise SystemExit(2) from None


class ServiceSettings(ProcessSettings):
    """What a process needs in order to serve as well: its door, its bounds, how long it keeps what it wrote down."""

    uploads: ClassVar[tuple[Upload, ...]] = ()
    """Requests with a file in them; a service that takes some overrides this."""

    inbox_keep_days: int = Field(30, ge=8)
    """Longer than the broker keeps an event: what it can bring again must be found here."""
    outbox_keep_days: int = Field(7, ge=0)
    """How long an event that was published stays to be looked at; what waits is never dropped."""
    outbox_gather_seconds: float = Field(0.0, ge=0, le=5)
    """How long further events gather after some were published: fewer and larger requests, and events later by so much."""
    idempotency_keep_days: int = Field(1, ge=1)
    """How long a used Idempotency-Key and its first response are kept."""
    dead_letter_keep_days: int = Field(90, ge=1)
    """Of applied and discarded ones; stuck ones are never deleted."""

    app_host: str = Field("127.0.0.1", validation_alias="APP_HOST")
    app_port: int = Field(8000, validation_alias="APP_PORT")
    app_api_token: SecretStr = Field(validation_alias="APP_API_TOKEN", min_length=16)
    """What the sidecar shows with every call to this app; no caller without it reaches /internal, /events, /jobs, /dapr."""
    delivery_token: Secret[PathSegment] = Field(Secret(""), validation_alias="DELIVERY_TOKEN")
    """What the routes of this app's own subscriptions and cron bindings begin with (`/delivered/<token>`), and no other
    app knows. Without it whatever comes through the sidecar may be an event: leave it out only where identities are on."""
    version: str = Field("development", validation_alias="MINSU_VERSION", min_length=1, max_length=64)
    """Which build this is, as operators read it; images set it."""
    log_format: str = Field("console", validation_alias="LOG_FORMAT", pattern="^(console|json)$")
    log_level: str = Field("INFO", validation_alias="LOG_LEVEL")
    drain_seconds: float = Field(20.0, validation_alias="DRAIN_SECONDS", ge=0)
    """How long after SIGTERM to go on serving at most; it ends as soon as the sidecar is gone."""
    shutdown_seconds: int = Field(10, ge=0)
    """How long requests in flight may take after that before they are cut."""
    request_concurrency: int = Field(256, ge=1)
    """Requests served at once; beyond it the status is 503 with Retry-After."""
    callback_places: int = Field(128, ge=1)
    """WeChat's callbacks served at once: these places are theirs alone, and they take no others."""
    delivery_places: int = Field(64, ge=0)
    """More of them, for events and jobs alone: a partition of each topic and each job has at most one under way."""
    capacity_seconds: float = Field(10.0, gt=0)
    """How long not one place may come free before `/readyz` says so."""
    requests_per_user: str = "3000/minute"
    """Of one signed-in user, by replica, as the library `limits` writes rates; empty: no limit. Beyond it: 429."""
    connections: int = Field(4096, ge=64, validation_alias="CONNECTIONS")
    """Open at once; with all taken, the one that has gone longest without a whole request makes room."""
    connections_per_address: int = Field(256, ge=1, validation_alias="CONNECTIONS_PER_ADDRESS")
    trusted_peers: str = Field(PRIVATE_NETWORKS, validation_alias="TRUSTED_PEERS")
    """Networks whose addresses stand for many people: the own sidecar, an ingress, a proxy. Not bounded by address."""
    arrive_seconds: float = Field(10.0, gt=0, validation_alias="ARRIVE_SECONDS")
    """How long a request's head may take to arrive, and again its body."""

    @field_validator("requests_per_user")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        rate_limits.read(value)
        return value

    @field_validator("trusted_peers")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        networks(value)
        return value
