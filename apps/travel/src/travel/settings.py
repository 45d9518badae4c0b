"""Settings of travel, from `TRAVEL_…`."""

from typing import ClassVar

from pydantic import Field, PostgresDsn
from pydantic_settings import BaseSettings, SettingsConfigDict

from servicekit.settings import ServiceSettings
from servicekit.uploads import Upload


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TRAVEL_")

    uploads: ClassVar[tuple[Upload, ...]] = (Upload("/travel/v1/host/addPhoto", member="image", most_bytes=4_100_000),)
    """As in the gateway's settings."""
    profiles_timeout_seconds: float = Field(1.0, gt=0)
    """How long a list waits for users' names before it is shown without them."""
    calendars_every_seconds: float = Field(900.0, ge=1)
    """How often a foreign calendar is fetched; after a failure sooner, and less and less often up to this."""
    calendars_batch: int = Field(20, ge=1, le=1000)
    """How many are claimed by one run of the job."""
    calendars_parallel: int = Field(5, ge=1, le=100)
    """How many of them are fetched at once: a slow one takes ten seconds."""
    calendars_allow_local: bool = False
    """On one's own machine alone: foreign calendars by plain http and at loopback addresses, which lets a host reach
    whatever listens there."""
    refused_hosts_keep_days: int = Field(365, ge=1)
    """How long names and mobiles of people are kept whose request to become a host was refused."""
    nights_settle_seconds: float = Field(10.0, ge=0)
    """How long the daily comparison of nights gives an event to arrive before it counts the night as different."""


class SeedSettings(BaseSettings):
    """Settings of the command `seed`."""

    model_config = SettingsConfigDict(env_prefix="TRAVEL_", frozen=True, extra="ignore")

    database_url: PostgresDsn
