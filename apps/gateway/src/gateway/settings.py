"""Settings of the gateway, by environment."""

from typing import ClassVar

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from servicekit import rate_limits
from servicekit.settings import ServiceSettings
from servicekit.uploads import Upload

NUMBER = "{number}"
"""In `logs_url`: an order's number or a trace id."""
HTTP_URL = r"^(https?://[^\s\"'<>]+)?$"


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, extra="ignore", populate_by_name=True)

    uploads: ClassVar[tuple[Upload, ...]] = (Upload("/travel/v1/host/addPhoto", member="image", most_bytes=4_100_000),)
    """As in travel's settings: the sidecars take 4 MiB (dapr/dapr.yaml)."""
    public_url: str = Field("", pattern=HTTP_URL)
    """Where browsers reach us; empty: the address they have used. The cashier sends people back there."""
    cashier_url: str = Field("", pattern=HTTP_URL)
    """The sandbox's cashier page; empty where a real mini-program calls wx.requestPayment."""
    jaeger_url: str = Field("", pattern=HTTP_URL)
    """Where operators' browsers reach Jaeger: the console links a payment's traces there. Empty: it shows their ids."""
    logs_url: str = Field("", pattern=HTTP_URL)
    """Where operators' browsers find log lines: an address with `{number}` in it, for an order's number or a trace id, such
    as one of Grafana's (docs/guides/observe.md). Empty: the console says what to type."""
    demo: bool = False
    """Show how to get a demo account beside the sign-in form."""
    answer_seconds: float = Field(16.0, gt=0, le=120)
    """How long a peer may take: more than payment gives WeChat, less than the sidecar's own limit (dapr/resiliency)."""
    max_body_bytes: int = Field(256 * 1024, ge=1024)
    requests_per_address: str = "6000/minute"
    """Of one address on the internet (IPv6: one /64), by replica, as the library `limits` writes rates; empty: no limit. A
    mobile network gives thousands of phones one address."""
    sign_ins_per_address: str = "120/minute"
    """Of these: whatever verifies a password, registrations, codes by text message, and the console's acts."""
    refreshes_per_address: str = "600/minute"
    """Of these: refreshes of sessions. A browser in use makes one in seven minutes."""
    pictures_per_address: str = "120/minute"
    """Of these: QR pictures, which are drawn anew for each request."""
    catalogue_cache_seconds: float = Field(5.0, ge=0, le=300)
    """For how long a catalogue response may be given to others; 0 keeps none. Never longer than its max-age (travel's)."""
    catalogue_cache_bytes: int = Field(16 * 1024 * 1024, ge=64 * 1024)
    """What all kept responses may take together."""
    photo_cache_seconds: float = Field(3600.0, ge=0)
    """For how long a photo may be given to others from memory; it never changes, but it may be removed. 0 keeps none."""
    photo_cache_bytes: int = Field(32 * 1024 * 1024, ge=64 * 1024)
    """What all kept photos may take together."""

    @property
    def https_only(self) -> bool:
        """Browsers reach us by https, whatever the hop before us uses."""
        return self.public_url.startswith("https:")

    @field_validator("logs_url")
    @classmethod
    def _leads_to_a_number(cls, value: str) -> str:
        if value and NUMBER not in value:
            raise ValueError(f"must have {NUMBER} in it, where the number of an order or a trace goes")
        return value

    @field_validator("requests_per_address", "sign_ins_per_address", "refreshes_per_address", "pictures_per_address")
    @classmethod
    def _are_rates(cls, value: str) -> str:
        rate_limits.read(value)
        return value
