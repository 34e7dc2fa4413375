"""Bots that take JSON by webhook, in a form that the settings describe.

JSON pointers (RFC 6901) say where the person's text, the sender and the bot's words stand; ``*`` stands for every
element of a list or every member of an object.

* What a pointer of ``text`` leads to is the person's text: a string, or all words below it.
* All other words (``channels.wording``) are inspected too, unless ``untouched`` names them: a bot reads more than one
  field. With ``untouched = [""]`` nothing else is read.
* What is at ``sender`` names the conversation within one caller and channel; it is an identifier and left alone.
* Answers are read the same way, by ``reply``. A refusal is an answer that has the sentence at the first pointer of
  ``reply`` and nothing else, status 200: it reads as the bot's own.
* What goes to the bot is serialised anew, and so signed anew (``channels.webhook_signatures``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from chatward.channels import surrogates
from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.outgoing import malformed, rewrite_at
from chatward.channels.request import CarriesFiles, Request, wrong_type
from chatward.channels.strict_json import parse
from chatward.channels.webhook_signatures import Signatures
from chatward.channels.wire import Asked, Plain
from chatward.channels.wording import strings
from chatward.core.errors import ChatwardError
from chatward.core.identity import Assurance, Kind, Principal
from chatward.core.ports import Headers, Reply
from chatward.core.values import Message, Part, Source, Verdict

_PASSING: Final = ("x-github-delivery", "x-github-event", "x-slack-retry-num", "x-slack-retry-reason")
"""Headers that receivers tell deliveries apart by; plain words only."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_MOST: Final = 256
VIA: Final = "channels"
"""The way by which senders are known (``identity.chain``)."""

Pointer = tuple[str, ...]
_Slot = tuple[Any, Any]
"""A container and the key or index in it."""


def pointer(text: str) -> Pointer:
    """The steps of a JSON pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def places(document: Any, steps: Pointer) -> Iterator[_Slot]:
    """Where a pointer leads, if anywhere."""
    found: list[Any] = [document]
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        below: list[Any] = []
        for node in found:
            for key in _keys(node, step):
                if last:
                    yield node, key
                else:
                    below.append(node[key])
        found = below


def _keys(node: Any, step: str) -> Sequence[Any]:
    if type(node) is dict:
        return list(node) if step == "*" else [step] if step in node else []
    if type(node) is list:
        if step == "*":
            return range(len(node))
        if step.isascii() and step.isdigit() and len(step) < 9 and (step == "0" or step[0] != "0"):
            return [int(step)] if int(step) < len(node) else []
    return []


@dataclass(frozen=True, slots=True)
class Form:
    """Where what stands. ``path`` is the bot's, below its base URL."""

    text: tuple[Pointer, ...]
    reply: tuple[Pointer, ...]
    sender: Pointer = ()
    untouched: tuple[Pointer, ...] = ()
    path: str = "/"

    def left_alone(self, document: Any) -> set[tuple[int, Any]] | None:
        """The slots below ``untouched``; ``None``: all."""
        if () in self.untouched:
            return None
        alone: set[tuple[int, Any]] = set()
        for steps in self.untouched:
            for container, key in places(document, steps):
                alone.add((id(container), key))
                value = container[key]
                if type(value) is dict or type(value) is list:
                    alone.update((id(held), at) for held, at, _ in strings(value))
        return alone

    def spoken(self, sentence: str) -> bytes:
        """An answer that says one sentence and nothing else."""
        value: Any = sentence
        for step in reversed(self.reply[0]):
            value = [value] if step == "*" or step.isdigit() else {step: value}
        return orjson.dumps(value)


def words_of(document: Any, first: Sequence[Pointer], form: Form) -> Iterator[tuple[_Slot, str]]:
    """Every string to be read, with the key that names it: those at ``first`` in their order, then all others."""
    alone = form.left_alone(document)
    taken: set[tuple[int, Any]] = set()
    for steps in first:
        for container, key in places(document, steps):
            value = container[key]
            held: list[tuple[Any, Any, str]] = [(container, key, "text")] if type(value) is str else []
            if type(value) is dict or type(value) is list:
                held = strings(value, "text")
            for holder, at, name in held:
                if holder[at] and (id(holder), at) not in taken:
                    taken.add((id(holder), at))
                    yield (holder, at), name
    if alone is not None:
        for holder, at, name in strings(document):
            if (id(holder), at) not in taken and (id(holder), at) not in alone:
                yield (holder, at), name


class Webhook:
    """The wire to one such bot. ``signatures``: none are looked for without."""

    methods: Final = ("POST",)

    def __init__(
        self,
        name: str,
        bot: str,
        form: Form,
        signatures: Signatures | None = None,
        max_depth: int = 64,
        max_parts: int = 20_000,
    ) -> None:
        self.bot = bot
        self.paths = (f"/channels/{name}",)
        self.channel = name
        self.form = form
        self.signatures = signatures
        self.max_depth = max_depth
        self.max_parts = max_parts

    def bind(self, asked: Asked) -> WebhookBound:
        return WebhookBound(self, asked)


class WebhookBound(Plain):
    """The dialect of one request."""

    name = "webhook"

    def __init__(self, wire: Webhook, asked: Asked) -> None:
        self._wire = wire
        self._asked = asked
        self.path = wire.paths[0]
        self.vouches = wire.signatures is not None

    def sender(self, body: bytes) -> Principal:
        assert self._wire.signatures is not None
        self._wire.signatures.verify(self._asked.headers, body)
        number = f"channel:{self._wire.channel}"
        return Principal(number, Kind.SERVICE, assurance=Assurance.SINGLE, attributes={"via": VIA})

    def parse(self, body: bytes) -> WebhookCall:
        document = parse(body, self._wire.max_depth)
        return WebhookCall(Request(document, self._wire.max_parts), self._wire.form, self._wire.channel)

    def error(self, error: ChatwardError) -> Answer:
        told: dict[str, Any] = {"error": {"code": error.reason, "message": error.public}}
        if error.details:
            told["chatward"] = error.details
        return Answer(error.status, orjson.dumps(told))

    def target(self) -> str:
        return self._wire.form.path

    def headers(self, body: bytes, principal: Principal) -> Headers:
        known = self._asked.headers
        passing = [(name, value) for name in _PASSING if (value := known.get(name)) and _PLAIN.fullmatch(value)]
        if self._wire.signatures is not None:
            passing += self._wire.signatures.sign(known, body)
        return passing


class WebhookCall(CarriesFiles):
    """One request to such a bot."""

    model: Final = ""
    stream: Final = False
    tools: Final[Sequence[str]] = ()

    def __init__(self, request: Request, form: Form, channel: str) -> None:
        document = request.document
        self._request = request
        self._form = form
        named = next(iter(places(document, form.sender)), None) if form.sender else None
        sender = named[0][named[1]] if named is not None else None
        if sender is not None:
            if type(sender) is int:
                sender = str(sender)
            if type(sender) is not str or len(sender) > _MOST or not sender.isprintable():
                raise wrong_type("The sender", f"a number or a string of at most {_MOST} printable characters")
        self.conversation = f"{channel}/{sender}" if sender else ""
        for (container, key), owner in words_of(document, form.text, form):
            if named is not None and container is named[0] and key == named[1]:
                continue
            request.place(container, key, Source.USER, owner)
        request.close_message("user")

    @property
    def parts(self) -> Sequence[Part]:
        return self._request.parts

    @property
    def messages(self) -> Sequence[Message]:
        return self._request.messages

    @property
    def previous(self) -> str:
        return self.conversation

    @property
    def continues(self) -> Sequence[str]:
        return ()  # who calls chose the name

    def reply_id(self) -> str:
        """The bot keeps the turns, so the conversation is one thread."""
        return self.conversation

    def body(self, edits: Mapping[int, str]) -> bytes:
        return self._request.serialise(edits)

    def reply(self, body: bytes, reply: Reply) -> Answer:
        if not body:  # many only acknowledge
            return Answer(200, b"")
        try:
            document = surrogates.loads(body)
        except ValueError as error:
            raise malformed("it is not JSON") from error
        if type(document) is not dict and type(document) is not list:
            raise malformed("it is neither an object nor a list")
        for (container, key), owner in words_of(document, self._form.reply, self._form):
            rewrite_at(reply, container, key, owner)
        if reply.blocked is not None:
            return Answer(200, self._form.spoken(reply.refusal))
        return Answer(200, orjson.dumps(document))

    def rewriter(self, reply: Reply) -> StreamRewriter:
        raise malformed("a webhook's answer does not stream")

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        return Answer(200, self._form.spoken(sentence))
