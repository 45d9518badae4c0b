"""Which requests are limited by address: all, and those that verify a password, refreshes and pictures
more tightly. WeChat's callbacks never are.

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
        "/usercenter/v1/user/totpEnrol",
        "/usercenter/v1/user/changePassword",
        "/console/signin",
        "/console/second-factor/begin",
    }
)
"""And the console's acts, whose forms may hold a password: each costs usercenter a slow hash, or a text message."""
ACTS = "/console/acts/"
REFRESHES = frozenset({"/usercenter/v1/user/refreshToken"})
PICTURES = frozenset({"/storefront/qr"})


class AddressLimits:
    """Each by address, and by its network where it is of IPv6: more loosely."""

    def __init__(self, settings: Settings) -> None:
        counts = Counts()
        self._all = _limits("address", settings.requests_per_address, counts)
        self._sign_ins = _limits("sign-ins of an address", settings.sign_ins_per_address, counts)
        refreshes = _limits("refreshes of an address", settings.refreshes_per_address, counts)
        pictures = _limits("pictures of an address", settings.pictures_per_address, counts)
        self._tighter = {
            **dict.fromkeys(SIGN_INS, self._sign_ins),
            **dict.fromkeys(REFRESHES, refreshes),
            **dict.fromkeys(PICTURES, pictures),
        }
        self._unlimited = frozenset(CALLBACKS)

    def __call__(self, scope: Scope) -> RateLimited | None:
        """The problem with one more request from this address."""
        client = str((scope.get("client") or ("",))[0])
        address = addresses.public_site(client)
        path = scope["path"]
        if not address or path in self._unlimited:
            return None
        network = addresses.public_network(client)
        refusal = _refusal(self._all, address, network)
        if refusal is None and scope["method"] == "POST" and (tighter := self._tighter_of(path)):
            refusal = _refusal(tighter, address, network)
        return refusal

    def _tighter_of(self, path: str) -> tuple[RateLimit, RateLimit] | None:
        return self._sign_ins if path.startswith(ACTS) else self._tighter.get(path)


def _limits(name: str, rate: str, counts: Counts) -> tuple[RateLimit, RateLimit]:
    """Of an address, and of a network of them."""
    of_network = RateLimit(f"{name}, by /48", rate, counts, times=addresses.SITES_OF_A_NETWORK)
    return RateLimit(name, rate, counts), of_network


def _refusal(limits: tuple[RateLimit, RateLimit], address: str, network: str) -> RateLimited | None:
    of_address, of_network = limits
    return of_address.refusal(address) or (of_network.refusal(network) if network else None)
