"""Names of networks, for policies (``context.network``): the office, a partner, the data centre.

An address is in the narrowest network that has it; of two as narrow, in the one that is named first. An IPv4 address
inside IPv6 is itself (RFC 4291 section 2.5.5.2). What has no name is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from chatward.core.errors import ConfigError


class Networks:
    """``authorization.networks``. Raises ``ConfigError`` for what is no network."""

    def __init__(self, named: Mapping[str, Sequence[str]]) -> None:
        found: list[tuple[IPv4Network | IPv6Network, str]] = []
        for name, cidrs in named.items():
            for index, text in enumerate(cidrs):
                try:
                    found.append((ip_network(text), name))
                except ValueError as error:
                    key = f"authorization.networks.{name}.{index}"
                    raise ConfigError("It must be an address or a network, such as 10.0.0.0/8.", key=key) from error
        self._networks = sorted(found, key=lambda one: -one[0].prefixlen)
        self.of = lru_cache(10_000)(self._of)
        """The name of an address's network; ``None`` where it has none."""

    def _of(self, address: str) -> str | None:
        try:
            one = ip_address(address)
        except ValueError:
            return None
        if isinstance(one, IPv6Address) and one.ipv4_mapped is not None:
            one = one.ipv4_mapped
        return next((name for network, name in self._networks if one in network), None)
