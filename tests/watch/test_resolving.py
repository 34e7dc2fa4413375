"""Which names exist, in bounds; dnspython against a name server of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from chatward.watch.resolving import Asking, Pace, Records, Unresolved, dns_resolver
from tests.watch.conftest import Clock, Zones


def free() -> Pace:
    return Pace(1e9)


async def test_a_name_that_is_not_registered_costs_one_question() -> None:
    zones = Zones({"there.com": {"NS": ["NS1.Host.Example."], "A": ["198.51.100.7"], "MX": ["mx.there.com."]}})
    asking = Asking(zones, free())
    assert not (await asking("gone.com")).exists
    assert asking.asked == 1
    found = await asking("there.com")
    assert found == Records(("ns1.host.example",), ("198.51.100.7",), (), ("mx.there.com",))
    assert found.exists
    assert found.reachable
    assert asking.asked == 5


async def test_below_a_registered_name_its_own_servers_are_asked_for() -> None:
    zones = Zones({"xample.com": {"NS": ["ns.a"]}, "e.xample.com": {"A": ["198.51.100.7"]}})
    assert (await Asking(zones, free())("e.xample.com")).a == ("198.51.100.7",)
    assert ("xample.com", "NS") in zones.asked


async def test_no_answer_is_unknown_and_not_nothing() -> None:
    with pytest.raises(Unresolved):
        await Asking(Zones(silent=frozenset({"gone.com"})), free())("gone.com")


async def test_the_pace_is_even() -> None:
    clock, waited = Clock(0.0), []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 6))

    pace = Pace(10, clock, sleep)
    for _ in range(4):
        await pace()
    assert waited == [0.1, 0.2, 0.3]
    clock.now = 100.0
    await pace()
    assert len(waited) == 3


class NameServer(asyncio.DatagramProtocol):
    """Answers for ``there.com``; other names do not exist, ``broken.com`` fails."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        asked = question.question[0]
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        kind = dns.rdatatype.to_text(asked.rdtype)
        if asked.name.to_text() == "broken.com.":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif asked.name.to_text() != "there.com.":
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif kind in (rows := {"NS": "ns1.host.example.", "A": "198.51.100.7", "MX": "10 mx.there.com."}):
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, rows[kind]))
        self.transport.sendto(answer.to_wire(), addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def name_server() -> AsyncIterator[str]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    try:
        yield f"{host}:{port}"
    finally:
        transport.close()


async def test_dnspython_against_a_name_server() -> None:
    async with name_server() as server:
        asking = Asking(dns_resolver([server]), free())
        assert await asking("there.com") == Records(("ns1.host.example",), ("198.51.100.7",), (), ("mx.there.com",))
        assert await asking("gone.com") == Records()
        with pytest.raises(Unresolved):
            await asking("broken.com")
