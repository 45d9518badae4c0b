"""Settings of payment: the merchant at WeChat Pay. Keys come from the secret store, never from here."""

from pydantic import Field, HttpUrl
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    """`PAYMENT_…` in the environment."""

    model_config = SettingsConfigDict(env_prefix="PAYMENT_", frozen=True, extra="ignore", populate_by_name=True)

    wxpay_base_url: HttpUrl = HttpUrl("https://api.mch.weixin.qq.com")
    wxpay_mchid: str = Field(min_length=1, max_length=32)
    wxpay_appid: str = Field(min_length=1, max_length=32)
    wxpay_mch_serial: str = Field(pattern=r"^[0-9A-F]{40}$")
    wxpay_notify_url: HttpUrl
    wxpay_refund_notify_url: HttpUrl
    wxpay_public_key_id: str = Field("", pattern=r"^(PUB_KEY_ID_\d+)?$")
    """Set it to live in public-key mode; certificates are accepted beside it, as WeChat's switch needs."""
    wxpay_timeout_seconds: float = Field(5.0, gt=0)
    first_query_seconds: int = Field(30, ge=1)
    """How long after the prepay WeChat is first asked about a payment that no callback has told of."""
    wxpay_fee_basis_points: int = Field(60, ge=0, le=1000)
    """WeChat's fee for this merchant, in hundredths of a percent: 60 is 0.60 %."""
    refund_spacing_seconds: int = Field(60, ge=0)
    """How far apart two refunds of one payment are handed over; WeChat wants a minute."""
