"""IP addresses: parsing, whose a request is, and the network that a limit per client counts under."""

import functools
import ipaddress
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SITES_OF_A_NETWORK = 16
"""How many sites' worth of a limit a /48 of IPv6 has in all."""
BY_SIDECAR = "servicekit.by_sidecar"
"""In the scope of a request: the own sidecar has brought it, so that the gateway says where its client is."""


def parsed(text: str) -> Address | None:
    """Returns None for text that is no address. IPv4-mapped IPv6 becomes IPv4; a zone (`%eth0`) is dropped."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def site(address: Address) -> str:
    """The key of a limit per host: the address, or for IPv6 its /64, within which a host changes addresses freely."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


@functools.lru_cache(maxsize=8192)
def public_site(text: str) -> str:
    """`site` of an address on the internet; empty for any other text: an address of our own stands for many people."""
    address = parsed(text)
    return site(address) if address and address.is_global else ""


@functools.lru_cache(maxsize=8192)
def public_network(text: str) -> str:
    """The /48 of an IPv6 address on the internet: one customer is given as much, which is 65,536 sites. Empty for any other
    text, and for IPv4."""
    address = parsed(text)
    if not isinstance(address, ipaddress.IPv6Address) or not address.is_global:
        return ""
    return str(ipaddress.ip_network((int(address), 48), strict=False))


def of_client(scope: Scope) -> str:
    """Where the client of a request is: what the gateway passed on with it, else the other end of the connection. Empty for
    a client behind the gateway that is in no public network."""
    if not scope.get(BY_SIDECAR):
        return str((scope.get("client") or ("",))[0])
    said = next((value for name, value in scope["headers"] if name == b"client-address"), b"")
    return str(parsed(said.decode("latin-1")) or "")


async def _of_request(request: Request) -> str:
    return of_client(request.scope)


ClientAddress = Annotated[str, Depends(_of_request)]
