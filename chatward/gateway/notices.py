"""What was hidden, told to the caller: by kind and number, never by value.

The rule: ``x-chatward-notice`` counts what was changed in the person's message (in a whole answer, the reply's
changes too), as JSON: ``{"EMAIL":1}``. A stream's headers leave before its reply is known; what was hidden there is
told by one comment line, ``: chatward {"action":"redact","hidden":{"EMAIL":1}}``, before the last events. Readers of
event streams skip comments (WHATWG HTML, section 9.2.6), so official clients see nothing of it. Comments of the
bot never get here (``channels.sse``), so a bot cannot speak in our name.

The proof of a whole reply (``genuine.proof``) is the header ``x-chatward-proof``; that of a stream is a comment line in
the same place, ``: chatward-proof {...}``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from chatward.channels.dialect import StreamRewriter
from chatward.core.errors import ChatwardError
from chatward.core.ports import Headers, Reply
from chatward.core.values import WITHHELD, Action, Verdict

NOTICE: Final = "x-chatward-notice"
PROOF: Final = "x-chatward-proof"
TIP: Final = "x-chatward-tip"
Teach = Callable[[Mapping[str, int]], Mapping[str, str] | None]


def hidden(verdict: Verdict) -> dict[str, int]:
    """Entity or category -> how many values of the message were changed.

    A value that several rules know counts once, by the finding that was treated. Nothing where nothing was
    changed: allowed, blocked, or in monitor mode.
    """
    if verdict.action is not Action.REDACT:
        return {}
    counts: dict[str, int] = {}
    ends: dict[int, int] = {}
    for decision in verdict.decisions:  # part by part, in order of start, as they were treated
        finding = decision.finding
        if finding.rule == WITHHELD:
            counts[finding.entity] = counts.get(finding.entity, 0) + 1
            continue
        if decision.action is not Action.REDACT or finding.span[1] <= ends.get(finding.part, 0):
            continue
        ends[finding.part] = finding.span[1]
        name = finding.entity or finding.category.value
        counts[name] = counts.get(name, 0) + 1
    return counts


def notice(message: Verdict, reply: Reply | None = None) -> Headers:
    """The header for an answer, or none where nothing was hidden."""
    counts = hidden(message)
    if reply is not None and reply.notice:
        counts = dict(Counter(counts) + Counter(reply.notice))
    return ((NOTICE, orjson.dumps(counts).decode()),) if counts else ()


def comment(reply: Reply, teach: Teach | None = None) -> bytes:
    """The comment line for the end of a stream, or nothing where its reply went out unchanged. ``teach`` gives the tip
    that goes with it."""
    counts: Mapping[str, int] = reply.notice
    stopped = reply.blocked
    if not counts and stopped is None:
        return b""
    action = Action.REDACT if stopped is None else stopped.action
    told: dict[str, object] = {"action": action.label, "hidden": dict(counts)}
    tip = teach(counts) if teach is not None else None
    if tip:
        told["tip"] = tip
    return b": chatward " + orjson.dumps(told) + b"\n\n"


def tip(fields: Mapping[str, str] | None) -> Headers:
    """The header of a tip, or none."""
    return ((TIP, json.dumps(fields)),) if fields else ()


class Noticing:
    """A rewriter whose last output opens with the comment lines. Rewriters give out whole events, so they stand
    between two of them. ``teach`` gives the tip for what was hidden, ``prove`` the proof of the
    whole reply, once it is known."""

    def __init__(
        self,
        rewriter: StreamRewriter,
        reply: Reply,
        prove: Callable[[], str] = lambda: "",
        teach: Teach | None = None,
    ) -> None:
        self._rewriter = rewriter
        self._reply = reply
        self._prove = prove
        self._teach = teach

    @property
    def done(self) -> bool:
        return self._rewriter.done

    @property
    def usage(self) -> Mapping[str, int]:
        return self._rewriter.usage

    def feed(self, data: bytes) -> bytes:
        out = self._rewriter.feed(data)
        return self._last(out) if out and self._rewriter.done else out

    def close(self) -> bytes:
        out = self._rewriter.close()
        return self._last(out) if out else out

    def fail(self, error: ChatwardError) -> bytes:
        out = self._rewriter.fail(error)
        return comment(self._reply, self._teach) + out if out else out

    def _last(self, out: bytes) -> bytes:
        proof = "" if self._reply.blocked is not None else self._prove()
        proven = b": chatward-proof " + proof.encode() + b"\n\n" if proof else b""
        return comment(self._reply, self._teach) + proven + out
