"""Which addresses belong to the public internet? Those of our own networks must not be asked on a stranger's behalf."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

UNICAST = IPv6Network("2000::/3")
# Translated or tunnelled: an IPv4 address stands in the last 32 bits of the first, other networks behind the rest.
NAT64 = IPv6Network("64:ff9b::/96")
SPECIAL_6 = (IPv6Network("2001::/23"), IPv6Network("2002::/16"), IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
SPECIAL_4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))  # protocols' own; 6to4's relays


def is_public(text: str) -> bool:
    """Return whether a server at this address is anybody's to ask."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        return _is_public_6(address) if inner is None else _is_public_4(inner)
    return _is_public_4(address)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that this one stands for."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def _is_public_6(address: IPv6Address) -> bool:
    return address in UNICAST and address.is_global and not any(address in network for network in SPECIAL_6)


def _is_public_4(address: IPv4Address) -> bool:
    # Python's own lists miss some, in some of its versions.
    return address.is_global and not address.is_multicast and not any(address in network for network in SPECIAL_4)
