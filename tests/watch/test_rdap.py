"""Abuse contacts as registries tell them, and nothing that they should not be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from chatward.core.errors import UpstreamError
from chatward.watch.cases import Case, Evidence
from chatward.watch.fetching import Answer, Fetcher
from chatward.watch.letters import Sender, addressees, letter
from chatward.watch.rdap import of_address, of_domain

SERVICES: Mapping[str, Any] = {
    "https://data.iana.org/rdap/dns.json": {"services": [
        [["net", "com"], ["http://rdap.example/", "https://rdap.example/com/"]], [["test"], ["http://plain.example/"]],
    ]},
    "https://data.iana.org/rdap/ipv4.json": {"services": [
        [["198.0.0.0/8"], ["https://other.example/"]], [["198.51.0.0/16"], ["https://net.example"]],
    ]},
    "https://rdap.example/com/domain/parce1way.com": {"entities": [
        {"roles": ["registrant"], "vcardArray": ["vcard", [["email", {}, "text", "owner@copy.example"]]]},
        {"roles": ["registrar"], "vcardArray": ["vcard", [["email", {}, "text", "sales@registrar.example"]]],
         "entities": [{"roles": ["abuse"], "vcardArray": ["vcard", [
             ["version", {}, "text", "4.0"], ["email", {}, "text", "abuse@registrar.example"],
             ["email", {}, "text", "a b@x.example\nBcc: c@x.example"], ["email", {}, "text", "abuse@registrar.example"],
         ]]}]},
    ]},
    "https://net.example/ip/198.51.100.9": {"entities": [
        {"roles": ["abuse", "technical"], "vcardArray": ["vcard", [["email", {}, "uri", "mailto:noc@net.example"]]]},
    ]},
}  # fmt: skip


async def registries(url: str, *, redirects: int = 0, verify: bool = True, most: int | None = None) -> Answer:
    assert verify
    if url not in SERVICES:
        return Answer(url, 404, (), b"", "")
    return Answer(url, 200, (), json.dumps(SERVICES[url]).encode(), "203.0.113.1")


async def test_the_registrars_and_the_networks_addresses_for_abuse_are_told() -> None:
    (one,) = await of_domain("login.parce1way.com", registries)
    assert (one.email, one.source) == ("abuse@registrar.example", "https://rdap.example/com/domain/parce1way.com")
    (other,) = await of_address("198.51.100.9", registries)
    assert other.email == "noc@net.example"


@pytest.mark.parametrize("host", ["copy.test", "copy.unknown", "unknown.com"])
async def test_what_no_registry_tells_is_not_guessed(host: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await of_domain(host, registries)
    assert caught.value.reason == "watch-rdap"


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"services": [1]}', b'{"services": [[["com"], [7]]]}'])
async def test_strange_answers_are_refused(body: bytes) -> None:
    async def strange(url: str, *, redirects: int = 0, verify: bool = True, most: int | None = None) -> Answer:
        return Answer(url, 200, (), body, "")

    with pytest.raises(UpstreamError):
        await of_domain("parce1way.com", strange)


async def test_registries_in_our_own_network_are_not_asked() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.7"]

    with pytest.raises(UpstreamError) as caught:
        await of_domain("parce1way.com", Fetcher(resolve=resolve))
    assert caught.value.reason == "watch-address"


async def test_a_letter_names_whom_it_goes_to_where_that_was_asked() -> None:
    case = Case(1, "login.parce1way.com", "open", "", 0.9, (), "parcelway.com", 1_795_000_000.0, 1_795_000_000.0)
    evidence = (Evidence("page", {"address": "198.51.100.9"}, "d" * 64, 1.0, 2.0),)
    (registrar,) = await addressees(case, evidence, "registrar", registries)
    (host,) = await addressees(case, evidence, "host", registries)
    assert await addressees(case, evidence, "authority", registries) == ()
    assert await addressees(case, (), "host", registries) == ()
    text = letter(case, (), Sender(), "registrar", (registrar, host))
    assert (
        "abuse@registrar.example (as https://rdap.example/com/domain/parce1way.com says)\n    noc@net.example" in text
    )
    assert "@" not in letter(case, (), Sender(), "registrar").partition("\n\n")[0]
