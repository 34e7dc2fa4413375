"""``chatward bench traffic``: what looking for bots adds to a message.

The method:

1. Messages by a seed, no two alike: of visitors with a page's report (nine in ten, as Firefox sends them) and of tools
   without one, of 2 to 400 words, in ``SESSIONS`` sessions from as many networks, so that nothing is in a cache by
   luck.
2. *A message* is all of it: session, head, the page's report with its token, behaviour, near-duplicates, score, rung.
   Nothing is left out, and nothing waits: the ladder observes.
3. What is timed is the CPU time of this thread, one core; figures are medians over rounds. The signing of tokens by
   which pages begin is not part of a message.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from chatward.bench.report import Progress, Report, machine, median
from chatward.bench.times import one_core, spent
from chatward.channels.openai_chat import ChatCompletions
from chatward.core.identity import Caller, Kind, Presented, Principal
from chatward.gateway.http1_exchange import Fields
from chatward.settings.traffic import TrafficSettings
from chatward.traffic.near import Near
from chatward.traffic.passes import MemoryPasses
from chatward.traffic.sessions import Sessions, Signing
from chatward.traffic.tokens import Tokens
from chatward.traffic.watch import Parts, Traffic
from chatward.traffic.work import Work

FIGURES: Final = ("ms_p99",)
MESSAGES: Final = 4000
SESSIONS: Final = 1000
_PATH: Final = "/v1/chat/completions"
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_PAGE: Final = {
    "host": "chat.example",
    "user-agent": _AGENT,
    "accept": "*/*",
    "accept-language": "en-GB,en;q=0.5",
    "accept-encoding": "gzip, deflate, br, zstd",
    "content-type": "application/json",
    "origin": "https://chat.example",
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
}
_TOOL: Final = {"host": "chat.example", "user-agent": "python-httpx/0.28.1", "accept": "*/*"}
_SAID: Final = "where when how my the a parcel account order is was will be sent late new old please to from of"


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements."""

    rounds: int = 3


@dataclass(frozen=True, slots=True)
class _Message:
    caller: Caller
    call: Any


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes seconds."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    p50: list[float] = []
    p99: list[float] = []
    with one_core():
        for turn in range(options.rounds + 1):
            progress(f"round {turn} of {options.rounds}" if turn else "warming up")
            traffic = _traffic()
            messages = _messages(traffic, MESSAGES, seed=turn)

            def look(message: _Message, traffic: Traffic = traffic) -> None:
                _finish(traffic.look(message.caller, _PATH, message.call, "192.0.2.1", "bench")).end()

            taken = sorted(spent(look, messages))
            if turn:
                p50.append(taken[len(taken) // 2] * 1e3)
                p99.append(taken[int(len(taken) * 0.99)] * 1e3)
    report.figures["ms_p99"] = median(p99)
    report.details |= {"messages": MESSAGES, "sessions": SESSIONS, "ms_p50": median(p50)}
    return report


def _finish(asked: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        asked.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a message waited")


def _traffic() -> Traffic:
    signing = Signing(b"s" * 32)
    parts = Parts(signing, Tokens(signing), Work(b"w" * 32), MemoryPasses(), Near(b"n" * 32), Sessions())
    return Traffic(TrafficSettings(enabled=True), parts)


def _messages(traffic: Traffic, count: int, seed: int) -> Sequence[_Message]:
    pick = random.Random(seed)  # noqa: S311 - a benchmark's mix
    dialect = ChatCompletions()
    made: list[_Message] = []
    tokens: dict[int, str] = {}
    for number in range(count):
        of = pick.randrange(SESSIONS)
        who = Principal(f"visitor:{of:032x}", Kind.VISITOR, session=f"{of:032x}")
        words = pick.choices(_SAID.split(), k=pick.choice((2, 8, 20, 60, 400)))
        text = " ".join([*words, f"n{number}"])
        fields = dict(_TOOL)
        if pick.random() < 0.9:
            token = tokens.setdefault(of, traffic.parts.tokens.page(f"{who.id}/{who.session}"))
            fields = {**_PAGE, "x-chatward-page": _report(token, number, len(text))}
        body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}]})
        address = f"198.{of >> 8}.{of & 255}.7"
        head: Any = Fields(fields.items())  # a connection's, whose ``get`` is a dict's own
        presented = Presented("POST", f"https://chat.example{_PATH}", head, address)
        made.append(_Message(Caller(who, presented), dialect.parse(body)))
    return made


def _report(token: str, number: int, size: int) -> str:
    said = {
        **{"t": token, "n": number, "u": _AGENT, "w": 0, "g": 0, "h": 0, "c": 0, "o": [1280, 900, 1280, 780], "q": 0},
        **{"k": [size, 92, 41, 61, 5], "p": 0, "i": size, "s": 0, "x": 0, "m": 40, "f": 700},
        **{"e": size, "y": size * 200, "z": 0},
    }
    return orjson.dumps(said).decode()
