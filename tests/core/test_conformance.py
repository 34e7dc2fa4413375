"""The cases of web-platform-tests for URLs and hosts (``vectors/README.md``), all through the one parser of links.

What ``core.addresses`` adds to the standard is named here; in host, scheme and all else there is no other difference.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from chatward.core.addresses import Address, HostKind, parse, resolve

VECTORS = Path(__file__).parent / "vectors"


def rows(name: str) -> list[Any]:
    with (VECTORS / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read(case: dict[str, Any]) -> Address | None:
    return parse(case["input"]) if case["base"] is None else resolve(case["input"], case["base"])


def told(address: Address) -> dict[str, str]:
    """An address under the names of the cases; what is empty is left out. Less the host, and that there is a password
    but not which."""
    parts = {
        "href": address.href,
        "protocol": f"{address.scheme}:",
        "username": address.username,
        "port": address.port,
        "pathname": address.path,
        "search": f"?{address.query}" if address.query else "",
        "hash": f"#{address.fragment}" if address.fragment else "",
    }
    return {name: value for name, value in parts.items() if value}


def added(case: dict[str, Any], address: Address) -> str:
    """Why a host is not the standard's: the name of what ``core.addresses`` does beyond it, or ``""``."""
    host = case.get("hostname", "")
    if case.get("failure"):
        return "a page's scheme" if case["base"] is None and case["input"].startswith(("//", "\\\\")) else ""
    if host.startswith("["):
        return "IPv4 inside IPv6" if address.kind is HostKind.IPV4 else ""
    return "final dot" if host.rstrip(".") == address.host else ""


def test_urls_are_read_as_the_standard_says() -> None:
    beyond: Counter[str] = Counter()
    cases = rows("wpt_urls.jsonl")
    for case in cases:
        address = read(case)
        if address is None:
            assert case.get("failure"), ascii(case)
            continue
        if case.get("failure") or address.host != case.get("hostname", "").strip("[]"):
            why = added(case, address)
            assert why, f"{case!a} is {address!a}"
            beyond[why] += 1
        if not case.get("failure"):
            expected = {name: said for name, said in case.items() if name not in {"input", "base", "hostname"}}
            assert address.password == bool(expected.pop("password", "")), ascii(case)
            assert told(address) == expected, ascii(case)
    assert len(cases) == 820
    assert beyond == {"final dot": 1, "IPv4 inside IPv6": 2, "a page's scheme": 2}


def test_hosts_are_read_as_the_standard_says() -> None:
    cut = str.maketrans({mark: f"%{ord(mark):02x}" for mark in ":/?#\\"})  # they would end the host of a URL
    names = rows("wpt_hosts.jsonl")
    assert len(names) == 2071
    for name, expected in names:
        if not name:
            continue  # no URL has it
        address = parse(f"https://{name.translate(cut)}/x")
        if expected is None:
            assert address is None, ascii(name)
        else:
            assert address is not None, ascii(name)
            assert address.href == f"https://{expected}/x", ascii(name)
            assert address.host in {expected, expected.rstrip(".")}, ascii(name)
