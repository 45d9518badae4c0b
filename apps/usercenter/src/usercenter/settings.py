"""What usercenter is told by its environment (`USERCENTER_…`)."""

from pydantic import Field, HttpUrl
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="USERCENTER_")

    wxma_base_url: HttpUrl
    wxma_appid: str = Field(min_length=1)
    wxma_timeout_seconds: float = Field(2.2, gt=0)
    """The whole of one question to WeChat: below the three seconds that the gateway's sidecar waits for us."""
    access_token_seconds: int = Field(7200, ge=60)
    session_seconds: int = Field(30 * 86400, ge=60)
    """How long refreshing may go on before the user has to sign in again."""
    password_threads: int = Field(2, ge=1, le=64)
    password_queue: int = Field(32, ge=0)
    """Sign-ins that may wait for a thread; beyond them the answer is 503."""
    login_failures: int = Field(10, ge=1)
    login_window_seconds: int = Field(900, ge=1)
    require_mobile_proof: bool = False
    """Whether registering needs a code by text message: on wherever the internet can register."""
    code_pause_seconds: int = Field(60, ge=1)
    code_mobile_daily: int = Field(10, ge=1)
    code_address_hourly: int = Field(60, ge=1)
    """Codes for one address of the internet (of IPv6 one /64); many phones of one mobile network share one."""
    code_total_hourly: int = Field(1000, ge=1)
    """Codes for all: the most that a flood can cost. Half of them for all whose address is unknown."""
