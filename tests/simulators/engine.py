"""An engine that does as it is told, for tests of what stands around it.

It implements ``chatward.gateway.parties.Engine`` on words: a request that holds ``refuse-me`` is blocked,
``hide-me`` is replaced on its way to the bot; a reply's ``hide-me`` is replaced and ``stop-me`` blocks it.
``explode`` raises, as a bug would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatward.channels.dialect import Call
from chatward.core.identity import Caller
from chatward.core.values import (
    Action,
    Category,
    Decision,
    Finding,
    PartKind,
    PassedFile,
    Severity,
    Treatment,
    Unavailable,
    Verdict,
)

REFUSAL = "This message was stopped by a safety check."
HIDDEN = "[hidden]"
_LONGEST = len("hide-me")
ALLOWED = Verdict(policy="p1", ran=("text.fake",))
BLOCKED = Verdict(Action.BLOCK, Action.BLOCK, rule="text.fake/refuse", policy="p1", ran=("text.fake",))
_WORD = Finding("text.fake/hide", Category.POLICY, Severity.LOW, 1.0, (0, _LONGEST), entity="WORD")
REDACTED = Verdict(
    Action.REDACT,
    Action.REDACT,
    rule=_WORD.rule,
    decisions=(Decision(_WORD, Action.REDACT, Treatment.MASK),),
    policy="p1",
    ran=("text.fake",),
)


class WordLane:
    def __init__(self, reply: WordReply) -> None:
        self._reply = reply
        self._held = ""

    def feed(self, piece: str) -> str:
        return self._go(piece, keep=_LONGEST - 1)

    def close(self) -> str:
        return self._go("", keep=0)

    def whole(self, text: str) -> str:
        return self.feed(text) + self.close()

    def _go(self, piece: str, keep: int) -> str:
        reply = self._reply
        if reply.blocked is not None:
            return ""
        self._held += piece
        if "explode" in self._held:
            raise RuntimeError(f"a bug that quotes: {self._held}")
        before, found, _ = self._held.partition("stop-me")
        if found:
            reply.blocked = BLOCKED
            return before
        if "hide-me" in self._held:
            self._held = self._held.replace("hide-me", HIDDEN)
            reply.changed += 1
        cut = max(len(self._held) - keep, 0)
        out, self._held = self._held[:cut], self._held[cut:]
        return out


class WordReply:
    refusal = REFUSAL
    waits = False

    def __init__(self) -> None:
        self.blocked: Verdict | None = None
        self.changed = 0
        self.opaques: list[str] = []

    def lane(self, kind: PartKind = PartKind.TEXT, *, name: str = "") -> WordLane:
        return WordLane(self)

    def call(self, name: str) -> None:
        pass

    def end_calls(self) -> None:
        pass

    def opaque(self, name: str) -> None:
        self.opaques.append(name)

    def file(self, data: str, name: str, declared: str) -> PassedFile:
        return PassedFile()

    @property
    def notice(self) -> Mapping[str, int]:
        return {"WORD": self.changed} if self.changed else {}


@dataclass
class WordScreening:
    verdict: Verdict
    edits: Mapping[int, str]
    inspects: bool
    refusal: str = REFUSAL
    bot: str = "default"
    route: str = "default"
    person: Any = None
    gate: Any = None
    files: Any = None
    finished: list[tuple[WordReply | None, str]] = field(default_factory=list)

    def reply(self) -> WordReply:
        return WordReply()

    def finish(self, reply: Any, reply_id: str) -> Verdict:
        self.finished.append((reply, reply_id))
        if reply is None:
            return self.verdict
        return reply.blocked or (REDACTED if reply.changed else ALLOWED)


class WordEngine:
    """``inspects`` off: a route without guards. ``unavailable``: guards that cannot run, which blocks nothing here."""

    def __init__(self) -> None:
        self.inspects = True
        self.unavailable: tuple[Unavailable, ...] = ()
        self.screenings: list[WordScreening] = []
        self.asked: list[dict[str, str]] = []

    async def screen(self, call: Call, *, channel: str, path: str, caller: Caller, request_id: str) -> WordScreening:
        self.asked.append({"channel": channel, "path": path, "principal": caller.principal.id, "id": request_id})
        texts = [part.text for part in call.parts]
        if any("explode" in text for text in texts):
            raise RuntimeError(f"a bug that quotes: {texts}")
        edits = {i: text.replace("hide-me", HIDDEN) for i, text in enumerate(texts) if "hide-me" in text}
        verdict = REDACTED if edits else ALLOWED
        if any("refuse-me" in text for text in texts):
            verdict, edits = BLOCKED, {}
        if self.unavailable:
            verdict = Verdict(verdict.action, policy="p1", unavailable=self.unavailable)
        self.screenings.append(WordScreening(verdict, edits, self.inspects))
        return self.screenings[-1]
