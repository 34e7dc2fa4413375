"""Asks a language model what a text is, within a budget, and believes only what it cannot have been talked into.

The rules:

1. ``ask`` never raises (but for cancellation): a budget that is used up, a bot that fails, an answer that does not
   count are ``NoOpinion``.
2. Before the first text, and again after ``trial_every`` seconds, the judge is tried on a harmless text. A model that
   fails there has no opinions until it passes, so that a weak model's muddle is not taken for attacks. After
   ``DOUBTS`` texts in a row that seem to have steered it, it is tried again at once.
3. An opinion is remembered by a keyed digest of the text, so that sending it again costs nothing and gives no second
   chance. The text itself is kept nowhere.
4. All waiting counts: for a turn, for the trial, for the bot. Together no longer than ``seconds``.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from chatward.core.errors import ConfigError, UpstreamError
from chatward.core.ports import Headers, Upstream
from chatward.core.values import Source
from chatward.judge.answer import MAX_ANSWER, STEERED, opinion_of
from chatward.judge.budget import Budget
from chatward.judge.opinions import Judged, NoOpinion, Opinion, Ruling, Why
from chatward.judge.question import question
from chatward.settings import JudgeSettings

PATH: Final = "/v1/chat/completions"
TRIAL: Final = "Hello, I ordered a lamp last week. When will it arrive?"
DOUBTS: Final = 3
AGAIN: Final = 60.0
"""Seconds after which a model that failed its trial is tried again, where ``trial_every`` is not shorter."""
_MAX_BODY: Final = 8 * MAX_ANSWER
_REFUSED: Final = frozenset(("content_filter", "refusal"))


class Judge:
    """The third tier. Belongs to one event loop.

    ``upstream`` speaks OpenAI's chat completions; ``api_key`` is sent to it as a bearer token. ``clock``: seconds that
    only go up; ``now``: seconds since 1970; ``chance`` must not be foreseeable, and is replaced in tests only.
    Raises ``ConfigError`` for settings that contradict each other.
    """

    def __init__(
        self,
        upstream: Upstream,
        settings: JudgeSettings,
        *,
        api_key: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        chance: random.Random | None = None,
    ) -> None:
        if settings.low >= settings.high:
            raise ConfigError("judge.low must be below judge.high", key="judge.low")
        if not settings.model:
            raise ConfigError("judge.model must name the model to ask", key="judge.model")
        self._upstream = upstream
        self.settings = settings
        self._headers: Headers = (
            ("content-type", "application/json"),
            ("accept", "application/json"),
            *((("authorization", f"Bearer {api_key}"),) if api_key else ()),
        )
        self._clock = clock
        self._chance = chance or random.SystemRandom()
        self._budget = Budget(settings.calls_per_minute, settings.tokens_per_day, clock=clock, now=now)
        self._turns = asyncio.Semaphore(settings.concurrent)
        self._trying = asyncio.Lock()
        self._fit = False
        self._trial_due = -float("inf")
        self._doubts = 0
        self._key = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, Judged] = OrderedDict()
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each verdict was given, and each reason for none: ``benign``, ``none:timeout``, ..."""
        return dict(self._counts)

    @property
    def tokens_today(self) -> int:
        """Tokens spent since midnight UTC, those of calls under way included."""
        return self._budget.spent

    def unsure(self, score: float) -> bool:
        """Whether the first two tiers leave a text with this score (0..1) to the judge."""
        return self.settings.low <= score < self.settings.high

    async def ask(self, text: str, *, source: Source) -> Opinion:
        """What a text from ``source`` is, or why that is not known."""
        opinion = await self._ask(text, source)
        self._counts[opinion.verdict.value if isinstance(opinion, Judged) else f"none:{opinion.reason.value}"] += 1
        return opinion

    async def _ask(self, text: str, source: Source) -> Opinion:
        if len(text) > self.settings.max_text:
            return NoOpinion(Why.TOO_LONG)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # lone surrogates are no text
        digest = hashlib.blake2b(f"{source.value}\0{text}".encode(), key=self._key, digest_size=16).digest()
        known = self._remembered.get(digest)
        if known is not None:
            self._remembered.move_to_end(digest)
            return known
        waiting = True
        try:
            async with asyncio.timeout(self.settings.seconds), self._turns:
                waiting = False
                if self._clock() >= self._trial_due:
                    failed = await self._try()
                    if failed is not None:
                        return failed
                if not self._fit:
                    return NoOpinion(Why.UNFIT)
                opinion = await self._call(text, source)
        except TimeoutError:
            return NoOpinion(Why.BUSY if waiting else Why.TIMEOUT)
        self._learn(opinion)
        if isinstance(opinion, Judged):
            self._remember(digest, opinion)
        return opinion

    async def _try(self) -> NoOpinion | None:
        """Lets the model judge the trial's text, unless another call just did. Returns what prevented that."""
        async with self._trying:
            if self._clock() < self._trial_due:
                return None
            opinion = await self._call(TRIAL, Source.USER)
            if isinstance(opinion, NoOpinion) and opinion.reason not in (Why.UNFIT, Why.UNREADABLE, Why.REFUSED):
                return opinion  # says nothing of the model: the next text tries again
            self._fit = isinstance(opinion, Judged) and opinion.verdict is Ruling.BENIGN
            self._doubts = 0
            every = self.settings.trial_every
            self._trial_due = self._clock() + (every if self._fit else min(every, AGAIN))
            return None

    async def _call(self, text: str, source: Source) -> Opinion:
        """One call. Raises ``TimeoutError`` alone."""
        settings = self.settings
        asked = question(text, source, self._chance)
        body = asked.body(
            settings.model,
            structured=settings.structured,
            limit=settings.max_answer_tokens,
            reasoning=settings.reasoning,
        )
        spending = self._budget.take(len(body), settings.max_answer_tokens)
        if isinstance(spending, Why):
            return NoOpinion(spending)
        try:
            document = await self._send(body)
        except TimeoutError:
            raise
        except UpstreamError as error:
            return NoOpinion(Why.TIMEOUT if error.reason == "upstream-timeout" else Why.FAILED)
        except Exception:  # whatever it was, there is no answer, and that is what it says
            return NoOpinion(Why.FAILED)
        used = _tokens(document)
        if used is not None:
            self._budget.settle(spending, used)
        said = _content(document)
        return said if isinstance(said, NoOpinion) else opinion_of(said, asked)

    async def _send(self, body: bytes) -> Any:
        """The bot's answer as JSON. Raises ``UpstreamError`` and ``ValueError``, among others."""
        response = await self._upstream.send("POST", PATH, self._headers, body)
        try:
            if response.status != 200:
                raise ValueError("the bot answered with an error")
            return orjson.loads(await response.read(_MAX_BODY))
        finally:
            await response.aclose()

    def _learn(self, opinion: Opinion) -> None:
        if opinion == STEERED:
            self._doubts += 1
            if self._doubts >= DOUBTS:
                self._trial_due = -float("inf")
        elif isinstance(opinion, Judged):
            self._doubts = 0

    def _remember(self, digest: bytes, opinion: Judged) -> None:
        if self.settings.memory:
            self._remembered[digest] = opinion
            if len(self._remembered) > self.settings.memory:
                self._remembered.popitem(last=False)


def _content(document: Any) -> str | NoOpinion:
    """What the model said in a chat completion."""
    try:
        (choice,) = document["choices"]
        message, finish = choice["message"], choice.get("finish_reason")
        if message.get("refusal") or finish in _REFUSED:
            return NoOpinion(Why.REFUSED)
        content = message["content"]
    except (KeyError, TypeError, ValueError, AttributeError):
        return NoOpinion(Why.UNREADABLE)
    if not isinstance(content, str) or message.get("tool_calls") or finish == "length":
        return NoOpinion(Why.UNREADABLE)
    return content


def _tokens(document: Any) -> int | None:
    """The bot's own count, where it gives one that can be: no call is free."""
    usage = document.get("usage") if isinstance(document, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if type(total) is int and total > 0 else None
