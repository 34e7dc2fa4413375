"""Streamed chat completions, rewritten chunk by chunk.

The rules:

1. Each text of a choice (content, refusal, reasoning, the arguments of one tool call, any other words) has a
   lane of its own. A chunk leaves with what its lanes let go. A chunk that lost all its text is dropped,
   unless it carries a role, a finish reason, usage or the start of a tool call.
2. A choice speaks in one **voice** at a time: reasoning, then content, then each tool call. When another
   voice sets in, the former one's lanes are closed and the rest leaves first, in a chunk of the same shape:
   clients take the former as complete from then on. Content or reasoning that comes back later starts anew, a
   blank line apart; a tool call that comes back is malformed.
3. Before a chunk with a finish reason, all lanes of its choice are closed and the rest leaves.
4. ``logprobs`` of a choice become null from its first changed or held piece on. ``obfuscation`` is dropped.
5. A block: the refusal sentence as content of every choice that is not finished, ``finish_reason:
   "content_filter"``, ``[DONE]``. Tool calls that have begun stay incomplete.
"""

from __future__ import annotations

from typing import Any, Final, cast

import orjson

from chatward.channels.frames import Frame
from chatward.channels.openai_error import error_object
from chatward.channels.outgoing import holds_tokens_only, malformed, pass_file, rewrite, rewrite_field, through
from chatward.channels.stream import EventRewriter, Strand
from chatward.channels.wording import is_blob, is_file, is_identifier, is_words, strings
from chatward.core.errors import ChatwardError
from chatward.core.ports import Reply
from chatward.core.values import PartKind

DONE: Final = b"data: [DONE]\n\n"
_USAGE: Final = {"prompt_tokens": "input", "completion_tokens": "output"}
_SHELL: Final = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
_CHUNK: Final = frozenset({"choices", "usage", *_SHELL})
_MERGED: Final = _CHUNK | {"obfuscation"}
_NO_SHELL: Final = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": ""}
_CHOICE: Final = frozenset({"delta", "finish_reason", "index", "logprobs"})
_SPOKEN: Final = frozenset({"content", "refusal"})
_REASONING: Final = frozenset({"reasoning", "reasoning_content", "reasoning_details", "thinking"})

_Voice = str | int
_Steps = tuple[Any, ...]
_Spec = tuple[_Voice, PartKind, str, dict[str, Any]]
"""How a lane is opened: voice, kind, name of the tool, identifiers beside the text."""
_CONTENT: Final[_Spec] = ("content", PartKind.TEXT, "", {})
_CONTENT_STEPS: Final[_Steps] = ("content",)


class _Track:
    """One lane of a choice: where its text stands in a delta. ``marks`` are the identifiers beside it."""

    __slots__ = ("marks", "steps", "strand", "voice")

    def __init__(self, reply: Reply, steps: _Steps, spec: _Spec) -> None:
        self.voice, kind, name, self.marks = spec
        self.strand = Strand(reply.lane(kind, name=name))
        self.steps = steps

    def delta(self, text: str) -> dict[str, Any]:
        """A delta that carries ``text`` at this track's place and nothing else."""
        value: Any = text
        for step in reversed(self.steps):
            if type(step) is not int:
                value = {step: value}
                continue
            value = [{**self.marks, **value} if type(value) is dict else value]
        return cast(dict[str, Any], value)


class _Choice:
    """What is known of one choice while it streams."""

    __slots__ = ("calls", "exact", "finished", "index", "paused", "role", "spoke", "tracks", "voices")

    def __init__(self, index: int) -> None:
        self.index = index
        self.role = False
        self.spoke = False  # content went out
        self.exact = True
        self.finished = False
        self.tracks: dict[_Steps, _Track] = {}
        self.voices: set[_Voice] = set()
        self.paused: set[_Steps] = set()  # closed by another voice after text went out
        self.calls: dict[int, str] = {}  # names of the tool calls; index -1 is the legacy function call


class ChatRewriter(EventRewriter):
    """Rewrites the stream of one chat completion."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self._choices: dict[int, _Choice] = {}
        self._speaking = _Choice(0)  # whose text goes on in a frame
        self._shell: dict[str, Any] = _NO_SHELL
        self._identity: tuple[Any, ...] = ()

    # --- events ---

    def _end_mark(self) -> None:
        self._settle()
        if not self._done:
            self._out.append(DONE)
            self._done = True

    def _adds_to(self, event: dict[str, Any]) -> tuple[Any, ...]:
        choices = event.get("choices")
        if type(choices) is not list or len(choices) != 1 or event.get("usage") is not None:
            return ()
        choice = choices[0]
        if type(choice) is not dict or not event.keys() <= _MERGED or not choice.keys() <= _CHOICE:
            return ()
        delta = choice.get("delta")
        if type(delta) is not dict or len(delta) != 1 or type(delta.get("content")) is not str:
            return ()
        if choice.get("finish_reason") is not None or choice.get("logprobs") is not None:
            return ()
        return (choice.get("index"), *map(event.get, _SHELL))

    def _add(self, event: dict[str, Any], later: dict[str, Any]) -> None:
        event["choices"][0]["delta"]["content"] += later["choices"][0]["delta"]["content"]

    def _text_of(self, event: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
        event.pop("obfuscation", None)  # differs each time, so such events have no frame
        return event["choices"][0]["delta"], "content"

    def _goes_on(self, place: tuple[Any, ...]) -> bool:
        index = place[0]
        state = self._speaking = self._choices[index if index is not None else 0]
        track = state.tracks.get(_CONTENT_STEPS)
        return place[1:] == self._identity and track is not None and not track.strand.closed and not state.paused

    def _go_on(self, text: str, frame: Frame) -> None:
        state = self._speaking
        strand = state.tracks[_CONTENT_STEPS].strand
        out = strand.feed(text) if text else ""
        if not strand.exact:
            state.exact = False
        if out:
            state.spoke = True
        if self._reply.blocked is not None:
            if out and not state.finished:
                self._send_delta(state, {"content": out})
            self._block()
        elif out or not text:
            self._out.append(frame.event(out))

    def _event(self, event: dict[str, Any]) -> None:
        chunk = event
        if chunk.get("error") is not None:
            self._upstream_error(chunk["error"])
            return
        choices = chunk.get("choices")
        if type(choices) is not list:
            raise malformed("choices is not a list")
        self._check_shell(chunk)
        usage = chunk.get("usage")
        if usage is not None:
            self._count(usage, _USAGE)
        kept = [choice for choice in choices if self._choice(choice)]
        if self._reply.blocked is not None:
            for choice in kept:
                self._let_spoken_out(choice)
            self._block()
            return
        if len(kept) != len(choices):
            if not kept and usage is None:
                return  # all of it is held
            chunk["choices"] = kept
        self._send(chunk)

    def _check_shell(self, chunk: dict[str, Any]) -> None:
        """Inspects what stands around the choices; it hardly ever differs from chunk to chunk."""
        chunk.pop("obfuscation", None)  # random padding to hide lengths, which differ now
        if chunk.get("usage") is not None:
            rewrite_field(self._reply, chunk, "usage")
        identity = tuple(map(chunk.get, _SHELL))
        if identity == self._identity and chunk.keys() <= _CHUNK:
            return
        changed = False
        for key in chunk:
            if key != "choices":
                changed |= rewrite_field(self._reply, chunk, key)
        self._identity = () if changed else identity
        self._shell = {**_NO_SHELL, **{key: chunk[key] for key in _SHELL if key in chunk}}

    def _choice(self, choice: Any) -> bool:
        """Rewrites one choice in place; False when nothing of it is left to send."""
        if type(choice) is not dict:
            raise malformed("a choice is not an object")
        delta = choice.get("delta")
        if delta is None:
            delta = choice["delta"] = {}
        index = choice.get("index", 0)
        if type(delta) is not dict or type(index) is not int:
            raise malformed("a delta is not an object or a choice has no index")
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice(index)
        if not choice.keys() <= _CHOICE:
            for key in choice:
                if key not in _CHOICE:
                    rewrite_field(self._reply, choice, key)
        had_role = state.role
        held = False
        if delta:
            held = self._delta(state, delta)
        finish = choice.get("finish_reason")
        if finish is not None:
            if type(finish) is not str:
                raise malformed("finish_reason is not a string")
            if not is_identifier(finish):
                rewrite(self._reply, choice, "finish_reason")
            self._finish(state, delta)
        logprobs = choice.get("logprobs")
        if logprobs is not None and not (state.exact and holds_tokens_only(logprobs)):
            choice["logprobs"] = None
        if not held or finish is not None:
            return True
        return any(value and (key != "role" or not had_role) for key, value in delta.items())

    def _finish(self, state: _Choice, delta: dict[str, Any]) -> None:
        tracks = [track for track in state.tracks.values() if not track.strand.closed]
        if tracks:
            texts = {key: delta[key] for key in _SPOKEN | _REASONING if type(delta.get(key)) is str}
            for track in tracks:
                key = track.steps[0]
                rest = self._close(state, track)
                if rest and len(track.steps) == 1 and key in texts:
                    delta[key] += rest
                elif rest:
                    self._send_delta(state, track.delta(rest))
        self._reply.end_calls()
        state.finished = self._reply.blocked is None

    # --- one delta ---

    def _delta(self, state: _Choice, delta: dict[str, Any]) -> bool:
        """Puts every text of ``delta`` through its lane; True when one of them is held whole."""
        before = len(delta)
        voices = _voices(delta)
        if voices and state.voices and not state.voices <= voices:
            self._switch(state, voices)
        state.voices |= voices
        for key, value in list(delta.items()):
            kind = type(value)
            if kind is str:
                if not value:
                    continue
                if key == "content":
                    self._piece(state, delta, key, (key,), _CONTENT)
                    state.spoke = state.spoke or key in delta
                elif key == "role" and is_identifier(value):
                    state.role = True
                elif is_words(key, value):
                    self._piece(state, delta, key, (key,), (_voice(key), PartKind.TEXT, "", {}))
            elif key == "tool_calls" and kind is list:
                self._tool_calls(state, delta, value)
            elif key == "function_call" and kind is dict:
                self._function(state, delta, key, -1)
            elif kind is dict or kind is list:
                self._nested(state, delta, key, value)
        return len(delta) < before

    def _piece(self, state: _Choice, container: Any, key: Any, steps: _Steps, spec: _Spec) -> None:
        """Puts the piece at ``container[key]`` through its lane; removes the key when nothing leaves."""
        track = state.tracks.get(steps)
        if track is None or track.strand.closed:
            if track is not None and type(track.voice) is int:
                raise malformed("a tool call goes on after it ended")
            track = _Track(self._reply, steps, spec)
            state.tracks[steps] = track
        strand = track.strand
        out = strand.feed(container[key])
        if not strand.exact:
            state.exact = False
        if out:
            if steps in state.paused:
                state.paused.discard(steps)
                out = "\n\n" + out
            container[key] = out
        elif type(container) is dict:
            del container[key]
        else:
            container[key] = ""

    def _close(self, state: _Choice, track: _Track) -> str:
        rest = track.strand.close()
        if rest:
            state.exact = False
            if track.steps in state.paused:
                state.paused.discard(track.steps)
                rest = "\n\n" + rest
            if track.voice == "content":
                state.spoke = True
        return rest

    def _switch(self, state: _Choice, voices: set[_Voice]) -> None:
        """Other voices set in: closes the lanes of those that fell silent and sends what they held."""
        for track in state.tracks.values():
            if track.voice != "" and track.voice not in voices and not track.strand.closed:
                rest = self._close(state, track)
                if rest:
                    self._send_delta(state, track.delta(rest))
                if track.strand.wrote:
                    state.paused.add(track.steps)
        state.voices.clear()

    def _tool_calls(self, state: _Choice, delta: dict[str, Any], calls: list[Any]) -> None:
        kept: list[Any] = []
        for position, call in enumerate(calls):
            if type(call) is not dict:
                raise malformed("a tool call is not an object")
            index = call.get("index", position)
            if type(index) is not int or index < 0:
                raise malformed("a tool call has no index")
            began = index not in state.calls
            state.calls.setdefault(index, "")
            before = len(call)
            for key in list(call):
                value = call[key]
                if key in {"function", "custom"} and type(value) is dict:
                    self._function(state, call, key, index)
                elif key != "index" and value is not None:
                    rewrite_field(self._reply, call, key)
            if began or len(call) == before or len(call) > 1:
                kept.append(call)
        if kept:
            delta["tool_calls"] = kept
        else:
            del delta["tool_calls"]

    def _function(self, state: _Choice, holder: dict[str, Any], key: str, index: int) -> None:
        """A piece of the tool call ``index`` in ``holder[key]``; -1 is the legacy function call."""
        function = holder[key]
        steps: _Steps = (key,) if index < 0 else ("tool_calls", index, key)
        marks = {} if index < 0 else {"index": index}
        name = function.get("name")
        if name is not None and type(name) is not str:
            raise malformed("the name of a tool call is not a string")
        if name:
            self._named(state, function, name, index)
        tool = state.calls.get(index, "")
        had = bool(function)
        for field, value in list(function.items()):
            if field == "name" or value is None or value == "":
                continue
            if field in {"arguments", "input"}:
                if type(value) is not str:
                    raise malformed("tool call arguments are not a string")
                kind = PartKind.JSON if field == "arguments" else PartKind.TEXT
                self._piece(state, function, field, (*steps, field), (index, kind, tool, marks))
                if field not in function and name:
                    function[field] = ""  # the start of a call shows that arguments will follow
            else:
                rewrite_field(self._reply, function, field)
        if had and not function:
            del holder[key]

    def _named(self, state: _Choice, function: dict[str, Any], name: str, index: int) -> None:
        known = state.calls.get(index, "")
        if known:
            # Clients put the pieces of a name together, so a name that goes on was not the one that was judged.
            if name != known:
                raise malformed("the name of a tool call comes in pieces")
            del function["name"]
            return
        state.calls[index] = name
        self._reply.call(name)
        if not is_identifier(name):
            rewrite(self._reply, function, "name")

    def _nested(self, state: _Choice, delta: dict[str, Any], key: str, value: Any) -> None:
        """Words in a field that this dialect does not place: one lane for each path, so that pieces add up."""
        emptied = False
        for container, index, owner in strings(value, key):
            text = container[index]
            if is_words(owner, text):
                steps = (key, *_steps_to(value, container), index)
                marks = _marks(container, index)
                self._piece(state, container, index, steps, (_voice(key), PartKind.TEXT, "", marks))
                emptied |= type(container) is dict and index not in container
            elif is_file(container, owner, text) and key != "audio":  # whose pieces are no files
                pass_file(self._reply, container, index)
            elif is_blob(owner, text):
                self._reply.opaque(owner)
        if emptied and not any(is_words(owner, box[at]) for box, at, owner in strings(value, key)):
            del delta[key]

    # --- sending ---

    def _send(self, chunk: dict[str, Any]) -> None:
        self._out.append(b"data: " + orjson.dumps(chunk) + b"\n\n")

    def _send_delta(self, state: _Choice, delta: dict[str, Any], finish: str | None = None) -> None:
        if not state.role and finish is None:
            delta = {"role": "assistant", **delta}
            state.role = True
        choice = {"index": state.index, "delta": delta, "logprobs": None, "finish_reason": finish}
        self._send({**self._shell, "choices": [choice]})

    def _let_spoken_out(self, choice: dict[str, Any]) -> None:
        """What lanes had let go of in the chunk in which the block came: content only."""
        content = choice["delta"].get("content")
        state = self._choices[choice.get("index", 0)]
        if type(content) is str and content and not state.finished:
            self._send_delta(state, {"content": content})

    def _block(self) -> None:
        for state in self._choices.values() or (_Choice(0),):
            if not state.finished:
                sentence = self._reply.refusal
                self._send_delta(state, {"content": "\n\n" + sentence if state.spoke else sentence})
                self._send_delta(state, {}, "content_filter")
        self._out.append(DONE)
        self._done = True

    def _settle(self) -> None:
        for state in self._choices.values():
            for track in state.tracks.values():
                rest = self._close(state, track)
                if rest:
                    self._send_delta(state, track.delta(rest))
        if self._reply.blocked is not None:
            self._block()

    def _upstream_error(self, error: Any) -> None:
        self._settle()
        if self._done:
            return
        if type(error) is dict:
            for key in error:
                rewrite_field(self._reply, error, key)
        elif type(error) is str:
            error = {
                "message": through(self._reply, error),
                "type": "server_error",
                "param": None,
                "code": None,
            }
        else:
            raise malformed("an error is neither an object nor a string")
        if self._reply.blocked is not None:
            self._block()
            return
        self._send({"error": error})
        self._out.append(DONE)
        self._done = True

    def _error(self, error: ChatwardError) -> None:
        self._send({"error": error_object(error)})
        self._out.append(DONE)


def _voice(key: str) -> _Voice:
    """The voice of a text field: fields that nobody knows have none (``""``) and stay open to the end."""
    if key in _SPOKEN:
        return "content"
    return "reasoning" if key in _REASONING else ""


def _voices(delta: dict[str, Any]) -> set[_Voice]:
    """Which voices say something in ``delta``."""
    voices: set[_Voice] = set()
    for key, value in delta.items():
        if not value:
            continue
        if key == "tool_calls":
            if type(value) is list:
                voices.update(call["index"] for call in value if type(call) is dict and type(call.get("index")) is int)
        elif key == "function_call":
            voices.add(-1)
        else:
            voice = _voice(key)
            if voice:
                voices.add(voice)
    return voices


def _marks(container: Any, key: Any) -> dict[str, Any]:
    """The numbers and identifiers that stand beside the text at ``container[key]``."""
    if type(container) is not dict:
        return {}
    return {
        name: value
        for name, value in container.items()
        if type(value) is int or (type(value) is str and name != key and not is_words(name, value))
    }


def _steps_to(root: Any, wanted: Any) -> _Steps:
    """The way from ``root`` to the container ``wanted`` in it. A list's element is known by its ``index``."""
    stack: list[tuple[Any, _Steps]] = [(root, ())]
    while stack:
        node, steps = stack.pop()
        if node is wanted:
            return steps
        for name, value in node.items() if type(node) is dict else enumerate(node):
            if type(value) is dict or type(value) is list:
                number = value.get("index") if type(name) is int and type(value) is dict else None
                stack.append((value, (*steps, number if type(number) is int else name)))
    raise LookupError("not below the root")
