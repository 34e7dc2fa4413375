"""Fake replies for the dialects' tests: they implement the ports of the engine, exactly and simply."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import strategies as st

from chatward.core.values import Action, PartKind, PassedFile, Verdict

SENTENCE = "This message was stopped by a safety check."


class FakeLane:
    """Masks a word, blocks at a word, and holds back ``delay`` code points besides."""

    def __init__(self, reply: FakeReply) -> None:
        self._reply = reply
        self._held = ""
        self.fed = ""

    def feed(self, piece: str) -> str:
        self.fed += piece
        return self._let_go(piece, final=False)

    def close(self) -> str:
        return self._let_go("", final=True)

    def whole(self, text: str) -> str:
        return self.feed(text) + self.close()

    def _let_go(self, piece: str, *, final: bool) -> str:
        reply = self._reply
        if reply.blocked is not None:
            return ""
        self._held += piece
        if reply.bad and reply.bad in self._held:
            out, _, self._held = self._held.partition(reply.bad)
            reply.verdict = Verdict(Action.BLOCK, Action.BLOCK, "test/bad")
            return out.replace(reply.mask, reply.put) if reply.mask else out
        if reply.mask:
            self._held = self._held.replace(reply.mask, reply.put)
        if final:
            out, self._held = self._held, ""
            return out
        keep = max(reply.delay, self._open(reply.mask), self._open(reply.bad))
        cut = max(len(self._held) - keep, 0)
        out, self._held = self._held[:cut], self._held[cut:]
        return out

    def _open(self, word: str) -> int:
        """Length of the longest suffix that may become ``word``."""
        return next((n for n in range(len(word) - 1, 0, -1) if self._held.endswith(word[:n])), 0)


class FakeReply:
    refusal = SENTENCE
    notice: Mapping[str, int] = {}

    def __init__(self, *, delay: int = 0, mask: str = "", put: str = "[hidden]", bad: str = "") -> None:
        self.delay, self.mask, self.put, self.bad = delay, mask, put, bad
        self.verdict: Verdict | None = None
        self.lanes: list[tuple[PartKind, str, FakeLane]] = []
        self.opaques: list[str] = []
        self.files: list[tuple[str, str, str]] = []
        self.passing = PassedFile()
        self.calls: list[str] = []
        self.ended_calls = 0

    @property
    def blocked(self) -> Verdict | None:
        return self.verdict

    def lane(self, kind: PartKind = PartKind.TEXT, *, name: str = "") -> FakeLane:
        lane = FakeLane(self)
        self.lanes.append((kind, name, lane))
        return lane

    def call(self, name: str) -> None:
        self.calls.append(name)

    def end_calls(self) -> None:
        self.ended_calls += 1

    waits = False

    def opaque(self, name: str) -> None:
        self.opaques.append(name)

    def file(self, data: str, name: str, declared: str) -> PassedFile:
        """Notes it; what is in ``self.passing`` takes its place, for ever."""
        self.files.append((data, name, declared))
        return self.passing

    @property
    def seen(self) -> list[str]:
        return [lane.fed for _, _, lane in self.lanes]


def cuts(data: bytes, at: list[int]) -> list[bytes]:
    """``data`` split at the offsets in ``at`` (any order, repeats allowed)."""
    offsets = [0, *sorted(min(offset, len(data)) for offset in at), len(data)]
    return [data[start:end] for start, end in pairwise(offsets)]


def events(data: bytes) -> list[dict[str, object]]:
    """The JSON data of all events in ``data`` as we send it; ``[DONE]`` marks are left out."""
    found = []
    for block in data.decode().split("\n\n"):
        for line in block.split("\n"):
            if line.startswith("data: ") and line != "data: [DONE]":
                found.append(orjson.loads(line[6:]))
    return found


@pytest.fixture(scope="session")
def fakes() -> SimpleNamespace:
    """``Reply``, ``cuts``, ``events``, ``offsets`` (a strategy) and the refusal sentence."""
    return SimpleNamespace(
        Reply=FakeReply,
        cuts=cuts,
        events=events,
        offsets=lambda size: st.lists(st.integers(0, size), max_size=12),
        sentence=SENTENCE,
        verdict=Verdict(Action.BLOCK, Action.BLOCK, "text.injection/override"),
    )
