"""Addresses of the internet: which of them count as one site."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parsed(text: str) -> Address | None:
    """None for what is no address. IPv4 that is written as IPv6 is IPv4; a zone (`%eth0`) is left out."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def site(address: Address) -> str:
    """What a limit for one host counts under: of IPv6 the /64, whose addresses a host may change as it likes."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
