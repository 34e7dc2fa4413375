"""MCP over Streamable HTTP: requests, notifications and answers of JSON-RPC, each inspected as a whole.

Source: Model Context Protocol, specifications 2025-03-26, 2025-06-18 and 2025-11-25, "Transports" and the methods;
JSON-RPC 2.0. The messages of a server stand in ``channels.mcp_server``, its event streams in ``channels.mcp_stream``.

From a client
* POST holds one message, or a list of them (2025-03-26). GET opens the server's own stream, DELETE ends the session.
* The arguments of ``tools/call`` are read as the caller's text, ruled on as a call of that tool (rights, approvals),
  and read by the guards of tool calls, before the call goes on. What is hidden from models is the tool's to see.
* All other words in ``params``, and in answers to requests of the server (``sampling/createMessage``,
  ``elicitation/create``), are the caller's text.
* Of the head go on: ``mcp-protocol-version``, ``last-event-id``, and ``mcp-method`` and ``mcp-name`` where they say
  what the body says.
* Sessions are the caller's: an id leaves with a keyed digest of server, tenant and caller behind it, and comes back
  with it or is ``session-unknown`` (404, after which clients begin anew).

A refusal is a JSON-RPC error with the request's id, ``code`` ``STOPPED`` and ``data.reason``; any other error of the
gateway has ``FAILED`` or a code of JSON-RPC's own.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from chatward.channels import surrogates
from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.mcp_server import TEXTUAL, Brought, Pins, Server
from chatward.channels.mcp_stream import McpRewriter
from chatward.channels.openai_error import explained
from chatward.channels.outgoing import malformed
from chatward.channels.request import CarriesFiles, Request, wrong_type
from chatward.channels.strict_json import parse
from chatward.channels.wire import Asked, Plain
from chatward.channels.wording import is_file, is_identifier, strings
from chatward.core.errors import ChatwardError, ClientError
from chatward.core.identity import Principal
from chatward.core.ports import Headers, Reply
from chatward.core.values import Message, Part, PartKind, Source, Verdict

STOPPED: Final = -32080
FAILED: Final = -32081
INVALID: Final = -32600
UNREADABLE: Final = -32700
SESSION: Final = "mcp-session-id"
_VISIBLE: Final = re.compile(r"[!-~]{1,256}")
_VERSION: Final = re.compile(r"[0-9-]{1,32}")
_TOOL: Final = re.compile(r"[A-Za-z0-9_./:-]{1,128}")
_METHOD: Final = re.compile(r"[A-Za-z0-9_$./-]{1,128}")
_TAG: Final = 22

Id = str | int


@dataclass(frozen=True, slots=True)
class Place:
    """One server as the settings have it. ``path`` is its endpoint below the base URL, ``sessions`` the key that makes
    ids of sessions a caller's own, ``fields`` further headers for it."""

    name: str
    bot: str
    path: str
    sessions: bytes
    pins: Pins | None = None
    fields: Headers = ()
    max_depth: int = 64
    max_parts: int = 20_000


class Mcp:
    """The wire to one MCP server."""

    methods: Final = ("POST", "GET", "DELETE")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.bot = place.bot
        self.paths = (f"/mcp/{place.name}",)

    def bind(self, asked: Asked) -> McpBound:
        return McpBound(self.place, asked)


class McpBound(Plain):
    """The dialect of one request."""

    name = "mcp"
    converses = False

    def __init__(self, place: Place, asked: Asked) -> None:
        self._place = place
        self._asked = asked
        self.path = f"/mcp/{place.name}"
        self._call: McpCall | None = None

    def parse(self, body: bytes) -> McpCall:
        place = self._place
        session = self._asked.headers.get(SESSION) or ""
        self._call = McpCall(place, self._asked.method, session)
        if self._asked.method == "POST":
            self._call.read(body)
        return self._call

    def error(self, error: ChatwardError) -> Answer:
        code = FAILED
        if isinstance(error, ClientError) and error.status == 400:
            code = UNREADABLE if error.reason.startswith("json-") else INVALID
        data = {"reason": error.reason, **error.details}
        ids = self._call.ids if self._call is not None else ()
        batch = self._call is not None and self._call.batch
        return Answer(error.status, errors(ids, code, error.public, data, batch=batch))

    def target(self) -> str:
        return self._place.path

    def headers(self, body: bytes, principal: Principal) -> Headers:
        """Raises ``ClientError`` (404, ``session-unknown``)."""
        known, sent = self._asked.headers, list(self._place.fields)
        session = known.get(SESSION)
        if session is not None:
            number, _, tag = session.rpartition(".")
            if len(known.get_all(SESSION)) > 1 or not hmac.compare_digest(tag, self._tag(number, principal)):
                said = "There is no such session of this caller; begin a new one."
                raise ClientError(said, reason="session-unknown", status=404)
            sent.append((SESSION, number))
        for name, shape in (("mcp-protocol-version", _VERSION), ("last-event-id", _VISIBLE)):
            value = known.get(name)
            if value is not None and shape.fullmatch(value):
                sent.append((name, value))
        sent += self._call.mirrored(known) if self._call is not None else []
        return sent

    def received(self, headers: Headers, principal: Principal) -> Headers:
        passing = []
        for name, value in headers:
            if name != SESSION:
                passing.append((name, value))
            elif _VISIBLE.fullmatch(value):
                passing.append((name, f"{value}.{self._tag(value, principal)}"))
        return passing

    def _tag(self, session: str, principal: Principal) -> str:
        bound = "\0".join((self._place.name, principal.tenant, principal.id, session))
        digest = hmac.digest(self._place.sessions, bound.encode("utf-8", "replace"), "sha256")
        return urlsafe_b64encode(digest).decode()[:_TAG]

    def screened(self, call: McpCall, screening: Any) -> None:
        """Rules on the tool calls of a request, and remembers who reads what the server will say."""
        call.screening = screening
        if screening.verdict.blocked:
            return
        for tool in call.called:
            self._allowed(tool.name)
            if screening.inspects:
                tool.ruled(screening)
            if screening.verdict.blocked:
                return

    def _allowed(self, tool: str) -> None:
        pins = self._place.pins
        reason = pins.refusal(self._place.name, tool) if pins is not None else ""
        if reason:
            said = "This tool is not what it was when it was accepted, or nobody has accepted it yet."
            raise ClientError(said, reason=reason, status=403)


@dataclass(slots=True)
class Called:
    """One ``tools/call``: its ``params`` are changed in place."""

    name: str
    params: dict[str, Any]

    def ruled(self, screening: Any) -> None:
        """Reads and rules on it; makes the screening's verdict stricter where something was found that matters."""
        arguments = self.params.get("arguments")
        text = orjson.dumps({} if arguments is None else arguments).decode()
        part = Part(text, Source.USER, PartKind.JSON, name=self.name)
        found, edits = screening.reads(Brought((part,)))
        if found.blocked:
            screening.verdict |= found
            return
        reply = screening.reply()
        reply.call(self.name)
        out = reply.lane(PartKind.JSON, name=self.name).whole(edits.get(0, text))
        reply.end_calls()
        if reply.blocked is not None:
            screening.verdict |= reply.blocked
            return
        if out != text:
            try:
                self.params["arguments"] = orjson.loads(out)
            except orjson.JSONDecodeError as error:
                raise ChatwardError("An edited tool call is not JSON.", reason="edit-invalid") from error
            screening.verdict |= found | reply.verdict()


class McpCall(CarriesFiles):
    """One request of a client: its messages, or none (GET, DELETE)."""

    model: Final = ""

    def __init__(self, place: Place, method: str, session: str) -> None:
        self._place = place
        self._method = method
        self._request = Request({}, place.max_parts)
        self.screening: Any = None
        self.batch = False
        self.ids: list[Id] = []
        """Of the requests, in order."""
        self.asked: dict[Id, str] = {}
        """Methods by the ids of requests."""
        self.called: list[Called] = []
        self.conversation = f"{place.name}/{session}" if session else ""
        self._messages: list[dict[str, Any]] = []

    def read(self, body: bytes) -> None:
        """Raises ``ClientError``."""
        place = self._place
        self.batch = body[:64].lstrip(b" \t\r\n")[:1] == b"["
        if self.batch:
            document = parse(b'{"batch":' + body + b"}", place.max_depth + 1)
            if list(document) != ["batch"]:
                raise ClientError("The request body is not valid JSON in UTF-8.", reason="json-invalid")
            messages = document["batch"]
        else:
            document = parse(body, place.max_depth)
            messages = [document]
        self._request.document = document
        if not messages:
            raise wrong_type("The batch", "a list with at least one message")
        for message in messages:
            self._read(message)
        self._messages = messages
        self._request.close_message("user")

    def _read(self, message: Any) -> None:
        if type(message) is not dict or message.get("jsonrpc") != "2.0":
            raise wrong_type("The message", "an object of JSON-RPC 2.0")
        number = message.get("id")
        if "id" in message and not _is_id(number):
            raise wrong_type("id", "an integer or a string of at most 256 visible characters")
        if "method" in message:
            self._asks(message, number)
        elif "id" in message and ("result" in message) != ("error" in message):
            for key in message:
                if key not in {"jsonrpc", "id"}:
                    self._words(message, key)
        else:
            raise wrong_type("The message", "a request, a notification or a response")

    def _asks(self, message: dict[str, Any], number: Any) -> None:
        method, params = message["method"], message.get("params")
        if type(method) is not str or _METHOD.fullmatch(method) is None:
            raise wrong_type("method", "a name")
        if params is not None and type(params) is not dict:
            raise wrong_type("params", "an object")
        if number is not None:
            if number in self.asked:
                raise ClientError("Two requests have one id.", reason="field-type")
            self.ids.append(number)
            self.asked[number] = method
        left_out: frozenset[str] = frozenset()
        if method == "tools/call":
            name = params.get("name") if params else None
            if type(name) is not str or _TOOL.fullmatch(name) is None:
                raise wrong_type("params.name", "the name of a tool")
            if number is None:
                raise wrong_type("id", "there: calling a tool is a request")
            assert params is not None
            if type(params.get("arguments", {})) is not dict:
                raise wrong_type("params.arguments", "an object")
            self.called.append(Called(name, params))
            self._files(params.get("arguments"))
            left_out = frozenset({"name", "arguments"})
        for key in params or ():
            if key not in left_out:
                self._words(params, key)
        for key in message:
            if key not in {"jsonrpc", "id", "method", "params"}:
                self._words(message, key)

    def _words(self, container: Any, key: str) -> None:
        value = container[key]
        held = [(container, key, key)] if type(value) is str else []
        if type(value) is dict or type(value) is list:
            held = strings(value, key)
        for holder, at, name in held:
            text = holder[at]
            if name in TEXTUAL and is_identifier(text):
                continue
            self._request.place(holder, at, Source.USER, name)

    def _files(self, arguments: Any) -> None:
        """The files in what a tool is called with; all else in it is read as the call is ruled on."""
        for holder, at, name in strings(arguments or {}):
            if is_file(holder, name, holder[at]):
                self._request.place(holder, at, Source.USER, name)

    def mirrored(self, headers: Any) -> list[tuple[str, str]]:
        """``mcp-method`` and ``mcp-name`` (2026-07-28), where they say what the one message says."""
        if len(self._messages) != 1:
            return []
        message = self._messages[0]
        params = message.get("params") or {}
        said = {"mcp-method": (message.get("method"),), "mcp-name": (params.get("name"), params.get("uri"))}
        return [(name, value) for name, truth in said.items() if (value := headers.get(name)) and value in truth]

    # --- as the engine reads it ---

    @property
    def parts(self) -> Sequence[Part]:
        return self._request.parts

    @property
    def messages(self) -> Sequence[Message]:
        return self._request.messages

    @property
    def stream(self) -> bool:
        return self._method == "GET" or bool(self.ids)

    @property
    def tools(self) -> Sequence[str]:
        return [tool.name for tool in self.called]

    @property
    def previous(self) -> str:
        return self.conversation

    @property
    def continues(self) -> Sequence[str]:
        return ()  # a session says itself whose it is (``received``)

    def reply_id(self) -> str:
        return self.conversation

    # --- and back ---

    def body(self, edits: Mapping[int, str]) -> bytes:
        if self._method != "POST":
            return b""
        whole = self._request.serialise(edits)
        return whole[len(b'{"batch":') : -1] if self.batch else whole

    def server(self, reply: Reply) -> Server:
        return Server(self._place.name, self._place.pins, self.asked, self.screening, reply)

    def reply(self, body: bytes, reply: Reply) -> Answer:
        if not body:
            if self.ids:
                raise malformed("a request has no answer")
            return Answer(202 if self._method == "POST" else 200, b"")
        try:
            document = surrogates.loads(body)
        except ValueError as error:
            raise malformed("it is not JSON") from error
        server = self.server(reply)
        for message in document if type(document) is list else [document]:
            server.read(message)
            if reply.blocked is not None:
                return Answer(200, self.stopped(reply, self.ids))
        return Answer(200, orjson.dumps(document))

    def rewriter(self, reply: Reply) -> StreamRewriter:
        return McpRewriter(self, reply, listening=self._method == "GET")

    def stopped(self, reply: Reply, ids: Sequence[Id], *, batch: bool | None = None) -> bytes:
        """What the client gets for what the server said."""
        verdict = reply.blocked or Verdict()
        data = {**explained(verdict), "reason": "reply-blocked"}
        return errors(ids, STOPPED, reply.refusal, data, batch=self.batch if batch is None else batch)

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        """A notification has no answer: it is refused by the status."""
        body = errors(self.ids, STOPPED, sentence, explained(verdict), batch=self.batch)
        return Answer(200 if self.ids else 400, body)


def errors(ids: Sequence[Id], code: int, sentence: str, data: Mapping[str, Any], *, batch: bool = False) -> bytes:
    """A JSON-RPC error for each request of a batch; without any, one with the id ``null``."""
    told = {"code": code, "message": sentence, "data": data}
    made = [{"jsonrpc": "2.0", "id": number, "error": told} for number in (ids or (None,))]
    return orjson.dumps(made if batch and ids else made[0])


def _is_id(number: Any) -> bool:
    if type(number) is str:
        return _VISIBLE.fullmatch(number) is not None
    return type(number) is int
