"""Callers and their messages, without a network: for tests of ``chatward.traffic``, and its benchmark's like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from chatward.channels.openai_chat import ChatCompletions
from chatward.core.identity import ANONYMOUS, Caller, Kind, Presented, Principal
from chatward.core.ports import Entry
from chatward.gateway.http1_exchange import Fields
from chatward.settings.traffic import TrafficSettings
from chatward.traffic.near import Near
from chatward.traffic.passes import MemoryPasses
from chatward.traffic.sessions import Sessions, Signing
from chatward.traffic.tokens import Tokens
from chatward.traffic.watch import Parts, Traffic, Watched
from chatward.traffic.work import Work

PATH = "/v1/chat/completions"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BROWSER = {
    "host": "chat.example",
    "user-agent": AGENT,
    "accept": "*/*",
    "accept-language": "en-GB,en;q=0.5",
    "accept-encoding": "gzip, deflate, br, zstd",
    "origin": "https://chat.example",
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
}
PERSON: dict[str, Any] = {
    **{"u": AGENT, "w": 0, "g": 0, "h": 0, "c": 0, "o": [1280, 900, 1280, 780], "q": 0},
    **{"k": [24, 92, 41, 61, 5], "p": 0, "i": 24, "s": 0, "x": 0, "m": 40, "f": 700, "e": 24, "y": 5200, "z": 0},
}


class Clock:
    """Seconds, by hand; ``wall`` is 1970's."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_795_000_000.0 + self.now


@dataclass
class World:
    """``Traffic`` with its parts, and what it wrote, told and waited for."""

    settings: TrafficSettings = field(default_factory=lambda: TrafficSettings(enabled=True, mode="enforce"))
    clock: Clock = field(default_factory=Clock)
    entries: list[Entry] = field(default_factory=list)
    risks: list[tuple[str, str, float]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        signing = Signing(b"s" * 32)

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        self.parts = Parts(
            signing=signing,
            tokens=Tokens(signing, self.clock.wall),
            work=Work(b"w" * 32, numbers=1000, clock=self.clock.wall),
            passes=MemoryPasses(self.clock.wall),
            near=Near(b"n" * 32, clock=self.clock),
            sessions=Sessions(1000, self.clock),
            risk=lambda principal, signal, points: self.risks.append((principal.id, signal, points)),
            note=self.entries.append,
            clock=self.clock,
            now=self.clock.wall,
            sleep=sleep,
        )
        self.parts = replace(self.parts, **self.more)
        self.traffic = Traffic(self.settings, self.parts)

    async def say(self, who: Caller, text: str = "Where is it?", *, near: str = "192.0.2.9", turns: int = 1) -> Watched:
        return await self.traffic.look(who, PATH, call(text, turns), near, "cw-1")


def call(text: str, turns: int = 1) -> Any:
    """A message; ``turns`` of the person, with answers between."""
    messages: list[dict[str, str]] = []
    for _ in range(turns - 1):
        messages += [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "I see."}]
    messages.append({"role": "user", "content": text})
    return ChatCompletions().parse(orjson.dumps({"model": "m", "messages": messages}))


def caller(
    headers: dict[str, str] | None = None,
    *,
    principal: Principal = ANONYMOUS,
    address: str = "192.0.2.9",
    more: Sequence[tuple[str, str]] = (),
) -> Caller:
    fields = Fields(dict(BROWSER if headers is None else headers), list(more))
    return Caller(principal, Presented("POST", f"https://chat.example{PATH}", fields, address))


def visitor(number: int = 1) -> Principal:
    return Principal(f"visitor:{number:032x}", Kind.VISITOR, session=f"{number:032x}")


def reported(token: str, number: int = 0, **changes: Any) -> dict[str, str]:
    """The headers of a page's message with a report."""
    return {**BROWSER, "x-chatward-page": orjson.dumps({**PERSON, "t": token, "n": number, **changes}).decode()}
