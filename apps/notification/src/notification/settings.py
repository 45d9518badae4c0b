"""Settings of the notification service, from `NOTIFICATION_…`."""

from datetime import timedelta
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings

_HH_MM = r"^([01]\d|2[0-3]):[0-5]\d$"


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="NOTIFICATION_")

    wxma_base_url: str = Field("https://api.weixin.qq.com", pattern=r"^https?://")
    wxma_appid: str = Field(min_length=1)
    wxma_state: Literal["developer", "trial", "formal"] = "formal"
    wxma_lang: Literal["zh_CN", "en_US"] = "zh_CN"
    wxma_timeout_seconds: float = Field(5.0, gt=0, le=5)
    """For each request to WeChat: token, send, new token and second send must all end within the lease."""

    template_paid: str = Field(min_length=1)
    template_arrival: str = Field(min_length=1)
    template_refunded: str = Field(min_length=1)
    template_refund_asked: str = Field(min_length=1)
    """For merchants: a buyer requests a refund."""
    page: str = Field("", max_length=1024)
    """The page that a tap on the message opens; `{sn}` is replaced by the order's number. Empty: none."""
    merchant_page: str = Field("", max_length=1024)
    """As `page`, for messages to merchants."""
    checkin_time: str = Field("14:00", pattern=_HH_MM)
    checkout_time: str = Field("12:00", pattern=_HH_MM)
    """Shown after the first and last day: the template's `time` fields need a time of day."""

    parallel: int = Field(128, ge=1, le=500)
    """Most new messages in progress at once in one replica, and the largest batch."""
    parallel_retries: int = Field(64, ge=1, le=500)
    """As `parallel`, for retries. The two limits are independent."""
    max_attempts: int = Field(25, ge=1, le=1000)
    give_up_after: timedelta = Field(timedelta(hours=24), gt=timedelta(0))
    """The age at which a message is no longer retried. Pauses double from the first to the longest."""
    first_pause_seconds: float = Field(5.0, gt=0, le=3600)
    longest_pause_seconds: float = Field(5400.0, gt=0, le=86400)
    messages_keep_days: int = Field(365, ge=31)
    """How long messages that have ended are kept. Longer than events can come again."""
