"""Settings of usercenter, from `USERCENTER_…`."""

from pydantic import Field, HttpUrl, field_validator
from pydantic_settings import SettingsConfigDict

from servicekit import rate_limits
from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="USERCENTER_")

    wxma_base_url: HttpUrl
    wxma_appid: str = Field(min_length=1)
    wxma_timeout_seconds: float = Field(2.2, gt=0)
    """For one whole request to WeChat: less than the three seconds that the gateway's sidecar waits for us."""
    access_token_seconds: int = Field(900, ge=60)
    refresh_grace_seconds: int = Field(10, ge=0)
    """How long a refresh token that was just used gets the same answer again: for two tabs, and for a lost answer."""
    session_idle_seconds: int = Field(7 * 86400, ge=60)
    """How long after its last refresh a session can be refreshed."""
    session_seconds: int = Field(30 * 86400, ge=60)
    """How long after the sign-in a session ends."""
    operator_session_idle_seconds: int = Field(2 * 3600, ge=60)
    operator_session_seconds: int = Field(12 * 3600, ge=60)
    password_threads: int = Field(2, ge=1, le=64)
    password_queue: int = Field(32, ge=0)
    """Most sign-ins that wait for a thread; further ones get 503."""
    proofs_per_user: str = "10/minute"
    """How often one signed-in user may give the own password again, by replica; empty: no limit. Each is a slow hash."""
    login_failures: int = Field(5, ge=1)
    """Wrong passwords from one address for one mobile until it has to wait: a second, and each time twice as long."""
    login_failures_of_device: int = Field(10, ge=1)
    """The same for a device that has signed in to the account before: what others try does not count against it."""
    login_failures_of_address: int = Field(100, ge=1)
    """The same for one address, whatever the mobiles; many phones of a mobile network share one."""
    login_failures_of_mobile: int = Field(50, ge=1)
    """From unknown devices, for one mobile: beyond it each address has one try before it waits."""
    login_window_seconds: int = Field(900, ge=1)
    """How long failures are counted from the first on, and the longest wait."""
    known_device_days: int = Field(180, ge=1)
    """How long after its last sign-in a device is known."""
    closed_accounts_keep_days: int = Field(180, ge=1)
    """How long a closed account keeps its mobile, name and sign-ins."""
    require_mobile_proof: bool = False
    """Whether registration needs a code by text message. Enable it wherever the internet can register."""
    code_pause_seconds: int = Field(60, ge=1)
    """Between two codes for one mobile. How long a code is valid: codes.py."""
    code_mobile_daily: int = Field(10, ge=1)
    code_address_hourly: int = Field(60, ge=1)
    """Codes per IP address (IPv6: per /64); many phones of a mobile network share one."""
    code_total_hourly: int = Field(1000, ge=1)
    """Codes in total, which bounds the cost of a flood. All unknown addresses share half of it."""

    @field_validator("proofs_per_user")
    @classmethod
    def _is_a_rate_of_proofs(cls, value: str) -> str:
        rate_limits.read(value)
        return value
