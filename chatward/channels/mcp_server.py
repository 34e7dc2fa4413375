"""What an MCP server says, message by message.

The rules:

1. Every string that is words is read twice before it leaves: as text of a tool (of a document, where it is the contents
   of a resource or a prompt), for instructions that are hidden in it; and as a reply, for what must not leave. What the
   first hides, the second masks, since nobody restores placeholders for the model behind the client.
2. This holds for results and errors, for what the server asks of the client (``sampling/createMessage``,
   ``elicitation/create``), for its notifications and logs, and for names, titles and descriptions of tools, resources
   and prompts. Of files (``data``, ``blob``), what they say is.
3. A tool that is listed is pinned: by the SHA-256 of its canonical JSON (keys sorted), without ``_meta``. One that
   may not be used is left out of the list.
4. A block stops the whole answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

import orjson

from chatward.channels.outgoing import malformed, put_file
from chatward.channels.wording import is_blob, is_file, is_identifier, is_words, media_in, name_in, strings
from chatward.core.ports import Reply
from chatward.core.values import Message, Part, PassedFile, Source

TEXTUAL: Final = frozenset(
    {
        "$schema", "cursor", "enum", "format", "jsonrpc", "level", "logger", "method", "mimeType", "name", "nextCursor",
        "progressToken", "protocolVersion", "requestId", "required", "type", "version",
    }
)  # fmt: skip
"""Further keys of MCP and of JSON Schema whose values are identifiers, if they have the shape of one."""
_SHOWN: Final = frozenset({"audio", "image"})
"""Types of blocks that hold a file and nothing else."""
_DOCUMENTS: Final = frozenset({"prompts/get", "resources/read"})


class Pins(Protocol):
    """What is remembered of tools (``stores.tool_pins``)."""

    def admits(self, server: str, tool: str, digest: str, definition: bytes) -> bool:
        """A tool is listed in this form, which is what ``digest`` is of: whether it may be used. Remembers it."""
        ...

    def refusal(self, server: str, tool: str) -> str:
        """Why a tool may not be called (``tool-changed``, ``tool-not-accepted``), or ``""``."""
        ...


@dataclass(frozen=True, slots=True)
class Brought:
    """Texts that come in from elsewhere in the middle of a turn, as ``core.ports.Request``."""

    parts: tuple[Part, ...]

    @property
    def messages(self) -> Sequence[Message]:
        return (Message("tool", tuple(range(len(self.parts)))),)

    @property
    def model(self) -> str:
        return ""

    @property
    def stream(self) -> bool:
        return False

    @property
    def tools(self) -> Sequence[str]:
        return ()

    @property
    def conversation(self) -> str:
        return ""

    @property
    def previous(self) -> str:
        return ""

    @property
    def continues(self) -> Sequence[str]:
        return ()


class Server:
    """The messages of one answer. ``asked``: methods by the ids of requests that it answers; ``screening`` is the
    engine's own of the request, ``reply`` that of the answer."""

    def __init__(
        self, name: str, pins: Pins | None, asked: Mapping[str | int, str], screening: Any, reply: Reply
    ) -> None:
        self._name = name
        self._pins = pins
        self._asked = asked
        self._screening = screening
        self._reply: Any = reply

    def read(self, message: Any) -> None:
        """Inspects one message in place; afterwards ``reply.blocked`` says whether it may leave. Raises
        ``UpstreamError``."""
        if type(message) is not dict or message.get("jsonrpc") != "2.0":
            raise malformed("a message is not of JSON-RPC 2.0")
        source, name = Source.TOOL, ""
        if "method" in message:
            if type(message["method"]) is not str:
                raise malformed("method is not a string")
        elif "result" in message or "error" in message:
            number = message.get("id")
            method = self._asked.get(number, "") if isinstance(number, (int, str)) else ""
            if method in _DOCUMENTS:
                source = Source.DOCUMENT
            result = message.get("result")
            if type(result) is dict and type(result.get("tools")) is list:
                result["tools"] = [tool for tool in result["tools"] if self._pinned(tool)]
        else:
            raise malformed("a message is neither a request nor an answer")
        self._inspect(message, source, name)

    def _pinned(self, tool: Any) -> bool:
        if type(tool) is not dict or type(tool.get("name")) is not str:
            raise malformed("a tool has no name")
        if self._pins is None:
            return True
        definition = definition_of(tool)
        return self._pins.admits(self._name, tool["name"], sha256(definition).hexdigest(), definition)

    def _inspect(self, message: dict[str, Any], source: Source, name: str) -> None:
        places: list[tuple[Any, Any]] = []
        parts: list[Part] = []
        files: list[tuple[Any, Any]] = []
        for container, key, owner in strings(message):
            text = container[key]
            if is_file(container, owner, text):
                files.append((container, key))
            elif owner in TEXTUAL and is_identifier(text):
                continue
            elif container is message and key == "id":
                if not is_identifier(text):
                    raise malformed("an id is not one")
            elif is_words(owner, text):
                places.append((container, key))
                parts.append(Part(text, source, name=name))
            elif is_blob(owner, text):
                self._reply.opaque(owner)
        self._pass_files(files, source)
        if not parts:
            return
        found, edits = self._screening.reads(Brought(tuple(parts)))
        self._reply.brought(found)
        for index, (container, key) in enumerate(places):
            if self._reply.blocked is not None:
                return
            text = edits.get(index, parts[index].text)
            out = self._reply.lane().whole(text)
            if out != parts[index].text:
                container[key] = out

    def _pass_files(self, files: Sequence[tuple[Any, Any]], source: Source) -> None:
        """Puts what may leave of them in their places. What they say is read as the words around them are. Where that
        or the file may not stay, a block of text takes the place of an image or sound."""
        for container, key in files:
            passed = self._reply.file(container[key], name_in(container), media_in(container))
            if self._reply.blocked is not None:
                return
            if passed.text:
                found, edits = self._screening.reads(Brought((Part(passed.text, source),)))
                self._reply.brought(found)
                if edits:
                    passed = PassedFile(edits[0].encode("utf-8", "surrogatepass"), "text/plain")
            if passed.media and type(container) is dict and container.get("type") in _SHOWN:
                text = (passed.content or b"").decode("utf-8", "replace")
                container.clear()
                container.update(type="text", text=text)
            elif passed.content is not None:
                put_file(container, key, passed)


def definition_of(tool: Mapping[str, Any]) -> bytes:
    """What a tool is: all that a model or a program reads of it."""
    whole = {key: value for key, value in tool.items() if key != "_meta"}
    return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
