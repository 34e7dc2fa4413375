"""Lists, one value a line: plain, hosts files, networks. Lines of any length are read in bounded pieces."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, summarize_address_range
from typing import IO, Final

from chatward.core.indicators import IndicatorKind
from chatward.intel.entries import Row

_LONGEST: Final = 8192
"""Bytes of the longest line."""
_UNREAD: Final = "\N{REPLACEMENT CHARACTER}"
"""Stands for a line that is longer: no value of any kind, so that it is counted as skipped."""


def lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines as text, without comments (``#``, ``;``, ``//``) and blank ones. Wrong UTF-8 is replaced."""
    while raw := stream.readline(_LONGEST):
        if len(raw) == _LONGEST and not raw.endswith(b"\n"):
            while (more := stream.readline(_LONGEST)) and not more.endswith(b"\n"):
                pass
            yield _UNREAD
            continue
        line = raw.decode("utf-8", "replace").strip().lstrip("\ufeff")
        if line and line[0] not in "#;!" and not line.startswith("//"):
            yield line


def plain(stream: IO[bytes]) -> Iterator[Row]:
    """The first word of each line, whatever kind it is."""
    for line in lines(stream):
        yield Row(line.split(None, 1)[0].rstrip(","))


_OWN: Final = frozenset(("localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "0.0.0.0"))  # noqa: S104


def hosts(stream: IO[bytes]) -> Iterator[Row]:
    """Hosts files (hosts(5)): an address, and names that are to be sent there. Lines of blockers (``||name^``) too."""
    for line in lines(stream):
        words = line.partition("#")[0].split()
        if line.startswith("||"):
            yield Row(line[2:].partition("^")[0], IndicatorKind.DOMAIN)
            continue
        for name in words[1:] if len(words) > 1 else words:
            if name not in _OWN and not name.startswith("ip6-"):
                yield Row(name, IndicatorKind.DOMAIN)


def networks(stream: IO[bytes]) -> Iterator[Row]:
    """Addresses, networks (``192.0.2.0/24``) and ranges (``192.0.2.1-192.0.2.9``)."""
    for line in lines(stream):
        word = line.replace(" - ", "-").split(None, 1)[0].rstrip(",;")
        first, dash, last = word.partition("-")
        if not dash:
            yield Row(word, IndicatorKind.IP)
            continue
        try:
            low, high = ip_address(first), ip_address(last)
            found = [str(network) for network in summarize_address_range(low, high)]
        except (ValueError, TypeError):
            found = [word]
        for network in found:
            yield Row(network, IndicatorKind.IP)
