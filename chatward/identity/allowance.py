"""How often one address may do something, counted in this process.

The rules:

1. A bucket of ``per_minute`` for each address, filled again evenly. Whoever finds it empty waits; nobody else does.
2. An IPv6 address stands for its /64, which is what one household or machine gets (RFC 6177); an IPv4 address that is
   written as IPv6 is the IPv4 address.
3. At most ``most`` addresses are remembered; of more, those are forgotten that asked the longest ago.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Final

MOST: Final = 10_000


class Allowance:
    """Buckets by address. May be asked from several threads. ``clock`` gives seconds of any origin."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._size = float(per_minute)
        self._rate = per_minute / 60.0
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> what was left, and when

    def __len__(self) -> int:
        return len(self._left)

    def take(self, address: str) -> float:
        """0 where one was taken; else the seconds after which there is one."""
        name = _named(address)
        with self._lock:
            now = self._clock()
            left, at = self._left.get(name, (self._size, now))
            left = min(self._size, left + max(0.0, now - at) * self._rate)
            taken = left >= 1.0
            self._left[name] = (left - 1.0 if taken else left, now)
            self._left.move_to_end(name)
            while len(self._left) > self._most:
                self._left.popitem(last=False)
        return 0.0 if taken else (1.0 - left) / self._rate


def _named(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return f"{int(found) >> 64:x}/64"
    return str(found)
