"""Settings of payment: the merchant account at WeChat Pay. Keys come from the secret store, never from the environment."""

from pydantic import Field, HttpUrl
from pydantic_settings import SettingsConfigDict

from payment.merchant import Merchant
from servicekit.settings import ProcessSettings, ServiceSettings


class PaymentSettings(ProcessSettings):
    """`PAYMENT_…` in the environment: what every process of payment needs, also a command that serves nothing."""

    model_config = SettingsConfigDict(env_prefix="PAYMENT_", frozen=True, extra="ignore", populate_by_name=True)

    wxpay_base_url: HttpUrl = HttpUrl("https://api.mch.weixin.qq.com")
    wxpay_mchid: str = Field(min_length=1, max_length=32)
    wxpay_appid: str = Field(min_length=1, max_length=32)
    wxpay_mch_serial: str = Field(pattern=r"^[0-9A-F]{40}$")
    wxpay_notify_url: HttpUrl
    wxpay_refund_notify_url: HttpUrl
    wxpay_public_key_id: str = Field("", pattern=r"^(PUB_KEY_ID_\d+)?$")
    """Set: public-key mode. Platform certificates are still accepted, as WeChat requires while a merchant switches."""
    wxpay_other_public_key_id: str = Field("", pattern=r"^(PUB_KEY_ID_\d+)?$")
    """While WeChat's public key is being replaced: the id of the other one, which is accepted as well."""
    wxpay_timeout_seconds: float = Field(5.0, gt=0)
    first_query_seconds: int = Field(30, ge=1)
    """Seconds after the prepay until WeChat is first queried for a payment whose callback has not arrived."""
    wxpay_fee_basis_points: int = Field(60, ge=0, le=1000)
    """WeChat's fee rate for this merchant, in hundredths of a percent: 60 is 0.60 %. Used by payouts alone."""
    refund_spacing_seconds: int = Field(60, ge=0)
    """Minimum seconds between the submissions of two refunds of one payment; WeChat requires a minute."""
    payers_keep_days: int = Field(30, ge=1)
    """How long the payer's openid stays in the stored request of a payment that has ended: it is sent no more."""
    texts_keep_days: int = Field(1096, ge=30)
    """How long reasons of refunds, resolved notices and lines of bills are kept. As order's."""
    four_eyes_fen: int = Field(100_000, ge=0)
    """Above it a refund that an operator sends elsewhere waits for a second operator."""

    @property
    def merchant(self) -> Merchant:
        return Merchant(mchid=self.wxpay_mchid, appid=self.wxpay_appid)


class Settings(ServiceSettings, PaymentSettings):
    """What serving needs as well."""

    callback_places: int = Field(1024, ge=1)
    """More than elsewhere, for a callback here waits in a queue and holds neither a connection nor a peer: two seconds of
    work. Beyond it the status is 503 at once, so that an answer stays well inside WeChat's five seconds
    (how long one may wait: `LONGEST_WAIT_SECONDS` in ledger/payments.py)."""
