"""Settings of the order service, from `ORDER_…`. The limits of a booking (nights, days ahead) are rules: pricing.py."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ORDER_")

    outbox_gather_seconds: float = Field(0.1, ge=0, le=5)
    """No customer waits for order's events: they become messages, and refunds that take minutes."""
    pay_window_seconds: int = Field(1800, ge=1, le=86400)
    """Time limit for paying a new order; then it is closed, here and at WeChat. A cluster's is in
    deploy/k8s/base/order/settings.env."""
    most_unpaid: int = Field(5, ge=1, le=10_000)
    """Most orders of one user that wait for their payment at a time: each holds nights that are not paid for."""
    close_batch: int = Field(20, ge=1, le=200)
    """Most orders that one run of the cron job closes."""
    close_parallel: int = Field(5, ge=1, le=50)
    close_lease_seconds: int = Field(60, ge=10, le=600)
    """Lease of an order that is being closed; longer than one run of the job can take."""
    expire_batch: int = Field(100, ge=1, le=1000)
    """Most stays that one run expires, and most unanswered refund requests that it agrees to."""
    refund_answer_seconds: int = Field(86400, ge=60, le=604800)
    """How long a merchant has to answer a refund request; then it is agreed to, also after the end of the stay."""
    checkin_misses: int = Field(10, ge=1, le=1000)
    """Wrong check-in codes that a merchant may enter within the window below."""
    checkin_window_seconds: int = Field(600, ge=1, le=86400)
    texts_keep_days: int = Field(1096, ge=30)
    """How long after a stay what its guest wrote is kept: three years, as the E-Commerce Law asks (article 31)."""
