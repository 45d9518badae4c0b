"""Where a host's calendar may be fetched from: public addresses by https, however a name resolves.

On a machine of one's own (`TRAVEL_CALENDARS_ALLOW_LOCAL`) plain http, other ports and loopback as well.
"""

import ipaddress
import socket
from dataclasses import dataclass

from aiohttp import AddrInfoType
from yarl import URL

from travel.ical.faults import CalendarFailed, Fault

LONGEST_URL = 2_000
HTTPS_PORT = 443
_UNICAST = ipaddress.ip_network("2000::/3")
"""What is routed of IPv6. Outside lie loopback, link-local, multicast, IPv4-mapped and NAT64 (64:ff9b::/96) addresses."""
_TUNNELS = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"))
"""6to4 and Teredo have an IPv4 address of any kind inside."""


class UrlRefused(ValueError):
    """An address that no calendar is fetched from; the text says why."""


@dataclass(frozen=True)
class Guard:
    allow_local: bool

    def url(self, text: str) -> URL:
        """The URL to fetch, without a fragment; `webcal` is https. Raises UrlRefused."""
        if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable():
            raise UrlRefused(f"not at most {LONGEST_URL} printable ASCII characters")
        try:
            url = URL(text)
            port = url.port
        except ValueError as error:
            raise UrlRefused(str(error)) from error
        if url.scheme == "webcal":
            url, port = URL(f"https{text[len('webcal') :]}"), port or HTTPS_PORT
        if url.scheme != "https" and not (self.allow_local and url.scheme == "http"):
            raise UrlRefused("not https")
        if not url.host or url.user is not None or url.password is not None:
            raise UrlRefused("no host, or a user name before it")
        if port != HTTPS_PORT and not self.allow_local:
            raise UrlRefused(f"not port {HTTPS_PORT}")
        return url.with_fragment(None)

    def socket(self, address: AddrInfoType) -> socket.socket:
        """A socket for an address that is connected to next: asked when names are resolved and nothing can come between.
        Raises CalendarFailed."""
        family, kind, protocol, _, [host, *_] = address
        if not self._is_open(str(host)):
            raise CalendarFailed(Fault.REFUSED, f"{host} is no public address")
        return socket.socket(family, kind, protocol)

    def _is_open(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return is_public(address) or (self.allow_local and address.is_loopback)


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        return address in _UNICAST and address.is_global and not any(address in each for each in _TUNNELS)
    return address.is_global and not address.is_multicast and not address.is_reserved
