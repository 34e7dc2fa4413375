"""Who asks: taken from the connection and its credentials, and asked anew as long as anything goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Kind, Presented, Principal
from chatward.gateway import checkpoint as module
from chatward.gateway.checkpoint import Checkpoint

Open = Callable[..., Awaitable[Any]]
ADA = Principal("key:ada", Kind.SERVICE, assurance=Assurance.SINGLE)


@dataclass
class Guest:
    """Lets in who presents "ada", until told otherwise."""

    good: bool = True
    later: bool = False
    presented: list[Presented] = field(default_factory=list)

    def identify(self, presented: Presented) -> Principal | Awaitable[Principal | None] | None:
        self.presented.append(presented)
        if presented.headers.get("x-api-key") != "ada":
            return None
        if not self.good:
            raise IdentityError("This credential is not valid.")

        async def slowly() -> Principal | None:
            await asyncio.sleep(0)
            return ADA

        return slowly() if self.later else ADA

    def valid(self, principal: Principal) -> bool:
        return self.good


@pytest.mark.parametrize("later", [False, True])
async def test_the_authenticator_decides_at_once_or_later(open_gate: Open, say: Any, later: bool) -> None:
    guest = Guest(later=later)
    gate = await open_gate(["read", say("ok")], checkpoint=Checkpoint(guest))
    got = await gate.chat(headers={"x-api-key": "stranger"})
    assert (got.status_code, got.json()["error"]["code"]) == (401, "not-authenticated")
    assert (await gate.chat(headers={"x-api-key": "ada"})).status_code == 200
    assert gate.engine.asked[0]["principal"] == "key:ada"
    assert [entry.fields["principal"] for entry in gate.ledger.entries if "principal" in entry.fields] == ["key:ada"]


async def test_what_is_presented(open_gate: Open, say: Any) -> None:
    guest = Guest()
    gate = await open_gate(["read", say("ok")] * 2, checkpoint=Checkpoint(guest))
    forged = {"x-api-key": "ada", "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https", "forwarded": "for=_x"}
    await gate.chat(headers={**forged, "host": "bots.example"})
    shown = guest.presented[-1]
    assert (shown.method, shown.url) == ("POST", "http://bots.example/v1/chat/completions")
    assert (shown.address, shown.certificate) == ("127.0.0.1", None)
    named = Checkpoint(guest, public_url="https://public.example/", peer_of=lambda *_: ("192.0.2.1", "https", b"der"))
    gate = await open_gate(["read", say("ok")], checkpoint=named)
    await gate.chat(headers={"x-api-key": "ada"})
    shown = guest.presented[-1]
    assert (shown.url, shown.address, shown.certificate) == (
        "https://public.example/v1/chat/completions", "192.0.2.1", b"der",
    )  # fmt: skip


async def test_on_a_kept_connection_the_next_message_is_refused(open_gate: Open, say: Any) -> None:
    guest = Guest()
    gate = await open_gate(["read", say("ok")] * 2, checkpoint=Checkpoint(guest))
    assert (await gate.chat(headers={"x-api-key": "ada"})).status_code == 200
    guest.good = False
    assert (await gate.chat(headers={"x-api-key": "ada"})).status_code == 401
    assert len(gate.bot.requests) == 1


async def test_who_is_refused_while_still_sending_reaches_no_bot(open_gate: Open, say: Any) -> None:
    guest = Guest()
    gate = await open_gate(["read", say("ok")], checkpoint=Checkpoint(guest))

    async def body() -> Any:
        yield b'{"model":"m",'
        guest.good = False
        yield b'"messages":[{"role":"user","content":"hi"}]}'

    headers = {"x-api-key": "ada", "content-type": "application/json"}
    got = await gate.client.post("/v1/chat/completions", headers=headers, content=body())
    assert (got.status_code, got.json()["error"]["code"]) == (401, "revoked")
    assert gate.bot.requests == []


async def test_an_open_stream_ends_when_its_reader_is_not_good_any_more(
    open_gate: Open, events: Any, chunked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECHECK", 0.0)
    guest = Guest()
    told = [f"word{number} " for number in range(6)]
    whole = chunked(*events(*told), head=b"content-type: text/event-stream\r\n")
    cut = whole.index(b"word2")
    gate = await open_gate(["read", whole[:cut], 0.2, whole[cut:]], checkpoint=Checkpoint(guest))
    said = b""
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    async with gate.client.stream("POST", "/v1/chat/completions", headers={"x-api-key": "ada"}, json=asked) as got:
        async for piece in got.aiter_bytes():
            said += piece
            if b"word0" in said:
                guest.good = False
    assert b"word3" not in said
    assert b"revoked" in said


@pytest.mark.parametrize(
    ("client", "address"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.0.1:4711", "127.0.0.1"), ("::1", "::1"), ("[2001:db8::1]:443", "2001:db8::1"),
     ("2001:db8::1", "2001:db8::1"), ("", "")],
)  # fmt: skip
def test_a_port_is_no_part_of_an_address(client: str, address: str) -> None:
    assert module.near_address(client) == address
