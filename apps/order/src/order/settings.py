"""What an operator may choose about bookings; read once, from `ORDER_…`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ORDER_")

    pay_window_seconds: int = Field(1800, ge=1, le=86400)
    """How long a new order may be paid; then it is closed, here and at WeChat."""
    close_batch: int = Field(20, ge=1, le=200)
    """Orders closed by one tick of the cron binding."""
    close_parallel: int = Field(5, ge=1, le=50)
    close_lease_seconds: int = Field(60, ge=10, le=600)
    """How long a tick, or a buyer's request, has a closing order to itself; longer than a whole tick can take."""
    expire_batch: int = Field(100, ge=1, le=1000)
    """Stays expired, and unanswered wishes agreed to, by one tick."""
    refund_answer_seconds: int = Field(86400, ge=60, le=604800)
    """How long a merchant has to answer a request for the money; then the rule agrees, also after the end of the stay."""
    checkin_misses: int = Field(10, ge=1, le=1000)
    """Wrong codes a merchant may enter within the window below, before further ones are refused."""
    checkin_window_seconds: int = Field(600, ge=1, le=86400)
