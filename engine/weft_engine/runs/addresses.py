"""Which network addresses a flow may reach.

A flow is written by whoever may edit it, so a request from it must not reach what only this
machine can see: itself, its private network, the metadata service of a cloud.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "::1/128",
        "::ffff:0:0:0/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AllowList:
    """Addresses that may be reached although they are not public."""

    everything: bool = False
    hosts: frozenset[str] = frozenset()
    """`host` or `host:port`, lower case."""
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> "AllowList":
        """Read entries such as `localhost:8900`, `10.1.0.0/16` or `*`."""
        hosts: set[str] = set()
        networks: list[Network] = []
        everything = False
        for entry in entries:
            text = entry.strip().lower()
            if text == "*":
                everything = True
            elif "/" in text:
                networks.append(ip_network(text, strict=False))
            elif text:
                hosts.add(text)
        return cls(everything, frozenset(hosts), tuple(networks))

    def names(self, host: str, port: int) -> bool:
        """Whether it lists a host as such."""
        name = host.lower().strip("[]")
        shown = f"[{name}]" if ":" in name else name
        return self.everything or bool(
            self.hosts & {name, shown, f"{name}:{port}", f"{shown}:{port}"}
        )

    def permits(self, address: str) -> bool:
        """Whether an address is public, or listed."""
        return self.everything or _permitted(parse(address), self.networks)


def parse(address: str) -> Address:
    """Read an address, without the zone that some systems add."""
    return ip_address(address.partition("%")[0])


def _permitted(address: Address, networks: tuple[Network, ...]) -> bool:
    if _within(address, networks):
        return True
    inner = _embedded(address)
    if any(not _permitted(each, networks) for each in inner):
        return False
    if inner:
        return True
    return address.is_global and not address.is_multicast and not _within(address, _NOT_PUBLIC)


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == each.version and address in each for each in networks)


def _embedded(address: Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour]
    found += [address.teredo[1]] if address.teredo else []
    found += [IPv4Address(int(address) & 0xFFFFFFFF)] if address in _NAT64 else []
    return [each for each in found if each is not None]
