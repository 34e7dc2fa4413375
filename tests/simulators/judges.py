"""Language models that judge, and misjudge, behind ``core.ports.Upstream``.

``ModelUpstream`` reads a question of the judge as a model would (the instructions, the data, the text in it), and
answers with what its ``model`` makes of it. Here are the one that judges well, and the upstream for all others.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatward.core.ports import Headers
from chatward.judge.fence import unfenced


@dataclass(frozen=True)
class Asked:
    """A question as it arrived. ``harmless`` and ``attack`` are words for verdicts."""

    document: Mapping[str, Any]
    path: str
    headers: Headers

    @property
    def system(self) -> str:
        return str(self.document["messages"][0]["content"])

    @property
    def data(self) -> str:
        return str(self.document["messages"][1]["content"])

    @property
    def fence(self) -> str:
        found = re.search(r"Each line of it is ([a-z]+),", self.system)
        assert found
        return found[1]

    @property
    def code(self) -> str:
        found = re.search(r'"code": ([0-9a-f]+)', self.system)
        assert found
        return found[1]

    @property
    def meanings(self) -> dict[str, str]:
        return dict(re.findall(r"^- ([a-z]+): (.*)$", self.system, re.MULTILINE))

    @property
    def harmless(self) -> str:
        return next(word for word, meaning in self.meanings.items() if meaning.startswith("harmless"))

    @property
    def attack(self) -> str:
        return next(word for word in self.meanings if word != self.harmless)

    @property
    def texts(self) -> list[str]:
        """The three texts: two samples and the one under review."""
        found = re.fullmatch(
            r"Sample 1:\n(.*)\nSample 2:\n(.*)\nText under review:\n(.*)\n[^\n]*", self.data, re.DOTALL
        )
        assert found
        return [unfenced(block, self.fence) for block in found.groups()]

    @property
    def text(self) -> str:
        return self.texts[2]

    def answer(self, verdicts: Sequence[str], **other: object) -> str:
        """An answer in the right form; ``other`` replaces fields."""
        first, second, verdict = verdicts
        said = {"code": self.code, "sample_1": first, "sample_2": second, "verdict": verdict, "confidence": 0.9}
        return json.dumps({**said, **other})


Model = Callable[[Asked], str]

_SIGNS = (
    "ignore",
    "disregard",
    "forget",
    "override",
    "ai assistant",
    "language model",
    "ai agents",
    "you are now",
    "pwned",
)
_SIGNS += ("forward all", "developer mode", "verdict")


def able(asked: Asked) -> str:
    """Judges by what it reads, and follows the instructions alone."""
    return asked.answer([asked.attack if any(s in t.lower() for s in _SIGNS) else asked.harmless for t in asked.texts])


def foreseen(seed: int) -> random.Random:
    """Chance that is no chance."""
    return random.Random(seed)


def completion(content: object, **choice: object) -> dict[str, Any]:
    """A chat completion that says ``content``."""
    message = {"role": "assistant", "content": content}
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}],
    }


@dataclass
class _Response:
    status: int
    body: bytes
    headers: Headers = ()
    closed: bool = False

    async def read(self, limit: int) -> bytes:
        assert len(self.body) <= limit
        return self.body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class ModelUpstream:
    """An upstream whose model is ``model``. ``wrap`` makes the body of what it says; ``delay`` is in seconds."""

    model: Model = able
    status: int = 200
    delay: float = 0.0
    error: Exception | None = None
    usage: int | None = None
    wrap: Callable[[str], Any] = completion
    asked: list[Asked] = field(default_factory=list)
    responses: list[_Response] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    cancelled: int = 0

    async def send(self, method: str, path: str, headers: Headers, body: bytes) -> _Response:
        assert method == "POST"
        asked = Asked(json.loads(body), path, tuple(headers))
        self.asked.append(asked)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1
        if self.error is not None:
            raise self.error
        said = self.model(asked)  # which may change how it is wrapped
        document = self.wrap(said)
        if self.usage is not None:
            document["usage"] = {"total_tokens": self.usage}
        made = _Response(self.status, json.dumps(document).encode())
        self.responses.append(made)
        return made

    async def aclose(self) -> None:
        return
