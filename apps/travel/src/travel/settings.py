"""Settings of travel, from `TRAVEL_…`."""

from pydantic import Field, PostgresDsn
from pydantic_settings import BaseSettings, SettingsConfigDict

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TRAVEL_")

    profiles_timeout_seconds: float = Field(1.0, gt=0)
    """How long a list waits for users' names before it is shown without them."""


class SeedSettings(BaseSettings):
    """Settings of the command `seed`."""

    model_config = SettingsConfigDict(env_prefix="TRAVEL_", frozen=True, extra="ignore")

    database_url: PostgresDsn
