"""Which requests are limited by address: all, and sign-ins and pictures more tightly. WeChat's callbacks never are.

Addresses in our own networks stand for many people (an ingress that is not named in FORWARDED_ALLOW_IPS, a laptop) and have
no limit: docs/decisions/0033-limits.md.
"""

from starlette.types import Scope

from gateway.routes import CALLBACKS
from gateway.settings import Settings
from servicekit import addresses
from servicekit.rate_limits import Counts, RateLimit, RateLimited

SIGN_INS = frozenset(
    {
        "/usercenter/v1/user/register",
        "/usercenter/v1/user/login",
        "/usercenter/v1/user/sendMobileCode",
        "/usercenter/v1/user/wxMiniAuth",
        "/usercenter/v1/user/reauthenticate",
        "/console/signin",
    }
)
PICTURES = frozenset({"/storefront/qr"})


class AddressLimits:
    def __init__(self, settings: Settings) -> None:
        counts = Counts()
        self._all = RateLimit("address", settings.requests_per_address, counts)
        sign_ins = RateLimit("sign-ins of an address", settings.sign_ins_per_address, counts)
        pictures = RateLimit("pictures of an address", settings.pictures_per_address, counts)
        self._tighter = dict.fromkeys(SIGN_INS, sign_ins) | dict.fromkeys(PICTURES, pictures)
        self._unlimited = frozenset(CALLBACKS)

    def __call__(self, scope: Scope) -> RateLimited | None:
        """The problem with one more request from this address."""
        address = addresses.public_site(str((scope.get("client") or ("",))[0]))
        path = scope["path"]
        if not address or path in self._unlimited:
            return None
        refusal = self._all.refusal(address)
        if refusal is None and scope["method"] == "POST" and (tighter := self._tighter.get(path)):
            refusal = tighter.refusal(address)
        return refusal
