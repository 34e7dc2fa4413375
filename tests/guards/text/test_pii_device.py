"""IP addresses of hosts, and those that name none."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from hypothesis import assume, given
from hypothesis import strategies as st

from chatward.core.ports import RuleGuard
from chatward.guards.text.pii import PiiGuard

Find = Callable[[RuleGuard, str], list[tuple[str, str, float]]]
GUARD = PiiGuard()


def hosts(find: Find, text: str) -> list[str]:
    return [found for rule, found, confidence in find(GUARD, text) if "/ipv" in rule and confidence >= 0.5]


@given(st.integers(0x01000000, 0xDFFFFFFE))
def test_any_unicast_ipv4_called_an_address_is_found(find: Find, number: int) -> None:
    address = ipaddress.IPv4Address(number)
    assume(not address.is_loopback and address.packed[3] not in {0, 255})
    assert hosts(find, f"ip address {address}, port 443") == [str(address)]


@given(st.integers(0, 0xFFFFFF), st.sampled_from(("127", "0", "224", "239", "255")))
def test_loopback_unspecified_multicast_and_masks_are_none(find: Find, number: int, first: str) -> None:
    rest = ".".join(str(number >> shift & 255) for shift in (16, 8, 0))
    assert hosts(find, f"ip address {first}.{rest}") == []


@given(st.integers(0, 2**125 - 1))
def test_any_global_ipv6_is_found_short_and_long(find: Find, number: int) -> None:
    address = ipaddress.IPv6Address((1 << 125) | number)
    assert hosts(find, f"from {address.exploded} today") == [address.exploded]
    if "::" not in str(address) or any(char.isdigit() for char in str(address)):
        short = str(address)
        assert hosts(find, f"from {short} today") == ([short] if not short.endswith("::") else [])


@given(st.integers(0, 2**48 - 1), st.sampled_from((":", "-")))
def test_any_mac_is_found_but_none_in_a_fingerprint(find: Find, number: int, separator: str) -> None:
    octets = [f"{number >> shift & 255:02x}" for shift in range(40, -8, -8)]
    assume(len(set("".join(octets))) > 2)
    written = separator.join(octets)
    found = [hit[1] for hit in find(GUARD, f"mac {written}") if hit[0] == "text.pii/mac"]
    assert found == [written]
    longer = separator.join(octets * 3)
    assert [hit for hit in find(GUARD, longer) if hit[0] == "text.pii/mac"] == []
