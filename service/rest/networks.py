"""Addresses of the internet protocol, and whether they are in a network."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address


def read_address(text: str) -> IPAddress | None:
    """Return an address, or None; one of IPv4 that is written as IPv6 is one of IPv4."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def is_within(text: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Return whether ``text`` is an address in one of ``networks``."""
    address = read_address(text)
    return address is not None and any(address in network for network in networks)
