"""IP addresses: parsing, and the network that a limit per client counts under."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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
