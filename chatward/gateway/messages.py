"""One message: inspected, recorded, forwarded; its reply inspected, recorded, answered.

The order is code and the same for every dialect (DESIGN section 5); ``app`` has admitted the request by path. The
record of a stream's start is begun, and what reads its reply made ready, while the bot is still thinking; both are
awaited before the first byte, so they cost the first token nothing. What goes wrong is raised as ``ChatwardError`` and
answered by ``app``, except inside a stream, where the dialect's own error event ends it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from granian._granian import RSGIProtocolClosed as ProtocolClosed

from chatward.channels import surrogates
from chatward.channels.dialect import JSON_TYPE, SSE_TYPE, Answer, Call, Dialect
from chatward.core.errors import ChatwardError, ClientError, UpstreamError
from chatward.core.identity import ANONYMOUS, Caller, Kind, Principal
from chatward.core.ports import Reply, UpstreamResponse
from chatward.core.values import Verdict
from chatward.gateway import inflight, upstream_errors
from chatward.gateway.answers import Answers, answer_headers, detailed, log_unexpected
from chatward.gateway.bodies import Fields, check_declared, read_body
from chatward.gateway.checkpoint import Checkpoint, near_address
from chatward.gateway.credentials import Keys, for_bot
from chatward.gateway.inflight import Flight, Flights
from chatward.gateway.meter import Meter
from chatward.gateway.notices import PROOF, Noticing, notice, tip
from chatward.gateway.parties import (
    Beside,
    BotLink,
    Door,
    Engine,
    Limits,
    Scope,
    Screening,
)
from chatward.gateway.records import Records
from chatward.gateway.router import upstream_path
from chatward.gateway.wired import Heard, Uncommented, screened
from chatward.gateway.withheld import Kept, Waiting, Withheld, may_call

REST_OF_STREAM: Final = 1.0
"""Seconds that a bot gets to end its stream after the dialect's end mark, so that the connection can be kept."""
CONVERSING: Final = frozenset({"/v1/chat/completions", "/v1/responses", "/v1/messages"})
"""Paths of what is a turn of a conversation: kept where settings say so."""
FORWARDED: Final = (
    "accept",
    "anthropic-version",
    "http-referer",
    "idempotency-key",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "traceparent",
    "user-agent",
    "x-client-request-id",
    "x-title",
)
"""Request headers that go to the bot as they are, besides credentials and ``anthropic-beta`` (a list). ``http-referer``
and ``x-title`` name the program to OpenRouter."""

Feed = Callable[[bytes | None], Awaitable[bytes]]
"""Takes a piece of a stream, or ``None`` for what is held at its end."""

_CONTENT_TYPE: Final = ("content-type", JSON_TYPE)


class Messages:
    """Serves messages in any dialect, and sends requests to bots."""

    def __init__(
        self,
        engine: Engine,
        bots: Mapping[str, BotLink],
        records: Records,
        meter: Meter,
        answers: Answers,
        checkpoint: Checkpoint,
        keys: Keys,
        limits: Limits,
        flights: Flights,
        beside: Beside,
    ) -> None:
        self._engine = engine
        self._bots = dict(bots)
        self._records = records
        self._meter = meter
        self._answers = answers
        self._checkpoint = checkpoint
        self._keys = keys
        self._limits = limits
        self._flights = flights
        self._beside = beside
        self._withheld = Withheld()

    async def serve(self, flight: Flight, scope: Scope, door: Door, dialect: Dialect, path: str) -> None:
        """One request from its head to its answer. Raises ``ChatwardError`` while none was given."""
        caller, body = await self._admit(flight, scope, door)
        flight.caller, principal = caller, caller.principal
        call = dialect.parse(body)
        if self._beside.watching is not None:
            await self._watch(flight, scope, caller, path, call)
        if self._beside.limiting is not None:
            flight.taken = taken = await self._beside.limiting.take(caller, path, call, body)
            flight.sharing = (*flight.sharing, *taken.headers)
        screening = await self._screen(flight, caller, dialect, path, call)
        verdict = screening.verdict
        if self._beside.tracing is not None:
            flight.trace = self._beside.tracing(flight.id, scope.headers.get("traceparent"))
        if verdict.blocked:
            screening.finish(None, "")
            await self._records.judged(flight, caller.person.id, verdict)
            self._answers.give(flight, door, call.refused(verdict, screening.refusal), reason="input-blocked")
            return
        bot = self._admitted(screening.bot)
        self._checkpoint.still(principal)  # the body may have taken its time
        if self._beside.budgets is not None and principal.kind is not Kind.ANONYMOUS:
            await self._beside.budgets.reserve(principal.id)
        body = await self._intend(flight, caller, call, screening)
        started = asyncio.ensure_future(self._begin(flight, call, screening, principal)) if call.stream else None
        try:
            response: UpstreamResponse | None = self._withheld.take(caller, body)
            if response is None:
                response = await self._send(flight, scope, principal, bot, path, body)
                if flight.bound is not None:
                    response = Heard(response, flight.bound.received(response.headers, principal))
            try:
                kind = _media(response)
                if started is not None and response.status == 200 and kind == SSE_TYPE:
                    waiting, started = started, None
                    reader = await waiting
                    await self._stream(flight, door, call, screening, response, bot.max_reply, principal, reader)
                else:
                    await self._whole(flight, door, dialect, call, screening, response, kind, bot, (principal, body))
            finally:
                await response.aclose()
        finally:
            if started is not None:
                self._records.later(started)

    async def _watch(self, flight: Flight, scope: Scope, caller: Caller, path: str, call: Call) -> None:
        assert self._beside.watching is not None
        if scope.method != "POST":
            return
        near = getattr(scope, "client", "")
        flight.watched = watched = await self._beside.watching.look(caller, path, call, near_address(near), flight.id)
        flight.sharing = (*flight.sharing, *watched.headers)

    async def _screen(self, flight: Flight, caller: Caller, dialect: Dialect, path: str, call: Call) -> Screening:
        """The message judged, and all who are told so before anything is done about it."""
        screening = await self._engine.screen(
            call, channel=dialect.name, path=path, caller=caller, request_id=flight.id
        )
        if flight.bound is not None:
            await screened(flight.bound, call, screening)
        verdict = screening.verdict
        flight.route = screening.route
        flight.action = verdict.action.label
        if self._beside.teaching is not None:
            taught = self._beside.teaching.message(caller, verdict)
            flight.sharing = (*flight.sharing, *tip(taught))
            flight.teach = partial(self._beside.teaching.reply, caller) if taught is None else None  # one tip an answer
        for missing in verdict.unavailable:
            self._meter.unavailable(flight.route, missing.guard, missing.reason)
            self._records.unavailable(flight, missing.guard, missing.reason)
        if converses(flight, path):
            if self._beside.observing is not None:
                flight.observed = partial(self._beside.observing.finished, flight, caller, screening)
            if self._beside.keeping is not None:
                await self._beside.keeping.asked(flight.id, caller.person, screening)
        return screening

    async def _admit(self, flight: Flight, scope: Scope, door: Door) -> tuple[Caller, bytes]:
        """Who asks, and the body. What can be refused unread is refused unread."""
        limits = self._limits
        headers = scope.headers
        if len(self._flights) > limits.max_concurrent:
            raise ClientError("Too many requests at once; try again.", reason="overloaded", status=503)
        if scope.method != "POST":
            return await self._checkpoint.identify(scope), b""
        check_declared(headers, limits.max_body)
        bound = flight.bound
        if bound is not None and bound.vouches:  # nobody yet: the signature over the body says who
            caller = Caller(ANONYMOUS, self._checkpoint.presented(scope))
        else:
            flight.caller = caller = await self._checkpoint.identify(scope)
        if self._beside.limiting is not None:
            self._beside.limiting.known(caller)
        began = time.perf_counter()
        flight.reading = flight.body_begun = True
        body = await read_body(headers, door, limits.max_body)
        flight.reading = False
        flight.waited += time.perf_counter() - began
        if bound is not None and bound.vouches:
            return Caller(bound.sender(body), caller.presented), body
        return caller if self._beside.end_users is None else self._beside.end_users.named(caller, body), body

    def _admitted(self, name: str) -> BotLink:
        """A bot that may be asked just now. Raises ``ChatwardError``."""
        bot = self._bots[name]
        if bot.admits is not None:
            bot.admits()
        return bot

    async def _intend(self, flight: Flight, caller: Caller, call: Call, screening: Screening) -> bytes:
        """What goes to the bot, once the intent to send it is on record."""
        body = call.body(screening.edits)
        if self._beside.end_users is not None and not screening.names_people:
            body = self._beside.end_users.veiled(caller, body)
        await self._records.intended(flight, screening.bot, caller, screening.verdict, call.stream)
        flight.intended = True
        return body

    async def _send(
        self, flight: Flight, scope: Scope, principal: Principal, bot: BotLink, path: str, body: bytes
    ) -> UpstreamResponse:
        sent = self._request_headers(scope.headers, principal, bot, flight.channel)
        method = "GET"
        if scope.method == "POST":
            method = "POST"
            sent.append(_CONTENT_TYPE)
        target: str | None = None
        if flight.bound is not None:
            method, target = scope.method, flight.bound.target()
            sent += flight.bound.headers(body, principal)
        if flight.trace is not None:  # the bot's spans are below ours
            sent = [header for header in sent if header[0] != "traceparent"]
            sent.append(("traceparent", flight.trace.header))
        if bot.sign is not None:
            sent += bot.sign(method)
        began = time.perf_counter()
        try:
            if target is None:
                target = upstream_path(path, scope.query_string)
            return await bot.upstream.send(method, target, sent, body)
        finally:
            took = time.perf_counter() - began
            flight.waited += took
            self._meter.upstream(flight.route, flight.channel, took)

    def _request_headers(
        self, headers: Fields, principal: Principal, bot: BotLink, channel: str
    ) -> list[tuple[str, str]]:
        """The headers of the request to the bot."""
        sent = [(name, headers.get(name) or "") for name in FORWARDED if name in headers]
        if "anthropic-beta" in headers:
            sent.append(("anthropic-beta", ",".join(headers.get_all("anthropic-beta"))))
        sent.extend(for_bot(headers, principal, self._keys, bot.api_key, channel))
        return sent

    async def _whole(
        self,
        flight: Flight,
        door: Door,
        dialect: Dialect,
        call: Call,
        screening: Screening,
        response: UpstreamResponse,
        kind: str,
        bot: BotLink,
        asked: tuple[Principal, bytes],
    ) -> None:
        principal, sent = asked
        began = time.perf_counter()
        good = 200 <= response.status < 300
        body = await response.read(bot.max_reply if good else min(bot.max_reply, upstream_errors.MAX_BODY))
        flight.waited += time.perf_counter() - began
        if good and kind != JSON_TYPE and (body or flight.bound is None):
            raise _not_json()
        verdict: Verdict | None = None
        reason = ""
        extra = notice(screening.verdict)
        if not good:
            reason = upstream_errors.REASON
            inspected = screening.reply() if screening.inspects else None
            own = bot.api_key is not None
            answer = upstream_errors.passed_on(dialect, response.status, body, inspected, own_key=own)
            await self._records.failed(flight, reason, response.status)
        else:
            if screening.inspects:
                flight.reply = reply = screening.reply()
                gate = screening.gate
                answer = await self._read(flight, call, screening, body, reply)
                verdict = screening.finish(reply, call.reply_id())
                flight.action = max(screening.verdict.action, verdict.action).label
                reason = "reply-blocked" if verdict.blocked else ""
                extra = notice(screening.verdict, reply)
                if flight.teach is not None and reply.notice:
                    extra = [*extra, *tip(flight.teach(reply.notice))]
                if gate is not None and gate.pending is not None:
                    self._withheld.put(gate.pending, principal, sent, Kept(response.status, response.headers, body))
                    demand = gate.demand()
                    reason, extra = demand.reason, [*extra, *demand.headers]
                    answer = detailed(dialect.error(demand), demand)
                else:
                    if self._beside.keeping is not None:
                        self._beside.keeping.replied(flight.id, screening.person or principal, screening, reply)
                    proof = "" if reply.blocked is not None else self._proof(principal, screening, reply)
                    extra = [*extra, (PROOF, proof)] if proof else extra
            else:
                answer = Answer(response.status, body)
            if self._beside.budgets is not None and principal.kind is not Kind.ANONYMOUS:
                self._beside.budgets.spend(principal.id, sum(_tokens(body)))
            if flight.taken is not None:
                flight.taken.used(*_tokens(body))
            await self._records.answered(flight, answer.status, verdict)
        self._answers.give(flight, door, answer, response.headers, reason=reason, extra=extra)

    @staticmethod
    async def _read(flight: Flight, call: Call, screening: Screening, body: bytes, reply: Reply) -> Answer:
        """A whole reply as it may leave, its files looked at before."""
        gate, files = screening.gate, screening.files
        if files is not None:
            await files.whole(body)
        if gate is not None and (flight.bound is not None or may_call(body)):  # what is written takes a thread
            gate.on_thread = True
            answer = await asyncio.to_thread(call.reply, body, reply)
        else:
            answer = call.reply(body, reply)
        if files is not None:
            await files.settle()
        return answer

    def _proof(self, principal: Principal, screening: Screening, reply: Any) -> str:
        if self._beside.signing is None:
            return ""
        person = screening.person or principal
        return self._beside.signing.prove(f"{person.tenant}\0{person.id}", screening.thread, reply.parts())

    def _ended(
        self, flight: Flight, outcome: str, verdict: Verdict | None, usage: Mapping[str, int], principal: Principal
    ) -> None:
        self._records.ended(flight, outcome, verdict, usage)
        if self._beside.budgets is not None:
            self._beside.budgets.spend(principal.id, sum(usage.values()))
        if flight.taken is not None:
            flight.taken.used(usage.get("input", 0), usage.get("output", 0))

    def _feeding(
        self,
        screening: Screening,
        rewriter: Noticing | None,
        transport: Any,
        limit: int,
        still: Callable[[], None],
        threaded: bool,
    ) -> Feed:
        """How the pieces of a stream are read: as they come; on a thread, which may wait for a proof, from the first
        piece on that may hold a tool call. Raises ``IdentityError`` and ``UpstreamError``."""
        gate, files = screening.gate, screening.files
        waiting: Waiting | None = None
        size = 0

        async def feed(piece: bytes | None) -> bytes:
            nonlocal waiting, size
            still()
            size += len(piece or b"")
            if size > limit:
                raise UpstreamError("The bot's reply is too large.", reason="upstream-too-large")
            if rewriter is None:
                return piece or b""
            if files is not None:
                piece = await (files.rest() if piece is None else files.ready(piece))
            elif piece is None:
                return b""
            if gate is not None and (waiting is not None or threaded or may_call(piece)):
                waiting = waiting or Waiting(gate, self._limits.proof_wait, transport.send_bytes)
            run = None if waiting is None else waiting.run
            out = rewriter.feed(piece) if run is None else await run(partial(rewriter.feed, piece))
            while files is not None and files.waits:
                await files.look()
                out += rewriter.feed(b"") if run is None else await run(partial(rewriter.feed, b""))
            return out

        return feed

    async def _begin(
        self, flight: Flight, call: Call, screening: Screening, principal: Principal
    ) -> tuple[Reply, Noticing] | None:
        """All that a stream needs before its first byte, while its bot thinks: the record of its start, and what reads
        the reply, where anything does."""
        writing = self._records.started(flight)
        reader: tuple[Reply, Noticing] | None = None
        if screening.inspects:
            reply = screening.reply()
            rewriter = call.rewriter(reply)
            if flight.bound is not None and not flight.bound.comments:
                reader = reply, Uncommented(rewriter, reply)
            else:
                prove = partial(self._proof, principal, screening, reply)
                reader = reply, Noticing(rewriter, reply, prove, flight.teach)
        await writing
        return reader

    async def _stream(  # noqa: PLR0915 - one stream, from its first byte to its record
        self,
        flight: Flight,
        door: Door,
        call: Call,
        screening: Screening,
        response: UpstreamResponse,
        limit: int,
        principal: Principal,
        reader: tuple[Reply, Noticing] | None,
    ) -> None:
        reply, rewriter = reader or (None, None)
        flight.reply = reply
        flight.took = flight.overhead
        transport = door.response_stream(
            200, answer_headers(flight, SSE_TYPE, response.headers, notice(screening.verdict))
        )
        flight.streaming = True
        outcome = "complete"
        verdict: Verdict | None = None
        chunks: Any = response.chunks()
        still = self._checkpoint.watch(principal)
        feed = self._feeding(screening, rewriter, transport, limit, still, flight.bound is not None)
        try:
            try:
                async for piece in chunks:
                    out = await feed(piece)
                    if out:
                        await transport.send_bytes(out)
                    if rewriter is not None and rewriter.done:
                        break
                held = b"" if screening.files is None or rewriter is None or rewriter.done else await feed(None)
                rest = held if rewriter is None or rewriter.done else held + rewriter.close()
            except ChatwardError as error:
                outcome = error.reason
                # On a route without guards too: a stream that was cut must not look whole.
                rest = (rewriter or call.rewriter(screening.reply())).fail(error)
            if rest:
                await transport.send_bytes(rest)
        except (ProtocolClosed, asyncio.CancelledError):
            outcome = flight.ended_by or inflight.CLIENT_LEFT
            raise
        except Exception as error:
            outcome = "internal-error"
            log_unexpected(flight, error)
            # A rewriter that has failed is not asked again: what it holds stays in it.
            unread = call.rewriter(screening.reply())
            await transport.send_bytes(unread.fail(ChatwardError("Something went wrong here.")))
        finally:
            _end(transport)
            del transport
            flight.over = True
            if reply is not None:
                if screening.files is not None:
                    await screening.files.settle()
                verdict = screening.finish(reply, call.reply_id())
                flight.action = max(screening.verdict.action, verdict.action).label
                outcome = "blocked" if verdict.blocked else outcome
                if self._beside.keeping is not None:
                    self._beside.keeping.replied(flight.id, screening.person or principal, screening, reply)
            self._meter.stream(flight.route, flight.channel, outcome)
            self._answers.note(flight, 200, "" if outcome == "complete" else outcome, flight.took)
            self._ended(flight, outcome, verdict, rewriter.usage if rewriter is not None else {}, principal)
            if outcome != "complete":
                await chunks.aclose()
        await _let_end(chunks)


def converses(flight: Flight, path: str) -> bool:
    """Whether a request is a turn of a conversation."""
    return path in CONVERSING or (flight.bound is not None and flight.bound.converses)


def _media(response: UpstreamResponse) -> str:
    """The media type of a response, without parameters."""
    for name, value in response.headers:
        if name == "content-type":
            return value if value == JSON_TYPE else value.partition(";")[0].strip().lower()
    return ""


def _tokens(body: bytes) -> tuple[int, int]:
    """The tokens that a whole reply says the bot read and wrote, in the words of any dialect; 0 where it says none."""
    try:
        usage = surrogates.loads(body)["usage"]
        return _count(usage, "prompt_tokens", "input_tokens"), _count(usage, "completion_tokens", "output_tokens")
    except (ValueError, LookupError, TypeError, AttributeError):
        return 0, 0


def _count(usage: Mapping[str, object], *names: str) -> int:
    return sum(count for count in map(usage.get, names) if isinstance(count, int) and count > 0 and count is not True)


def _not_json() -> UpstreamError:
    return UpstreamError("The bot answered with another content type than asked for.", reason="upstream-content-type")


def _end(transport: Any) -> None:
    """The caller's stream ends here: ours is told, granian's ends when nobody holds it any more."""
    end = getattr(transport, "end", None)
    if end is not None:
        end()


async def _let_end(chunks: Any) -> None:
    """Reads what a bot sends after the end mark, so that its connection can be used again."""
    try:
        async with asyncio.timeout(REST_OF_STREAM):
            async for _ in chunks:
                pass
    except (UpstreamError, TimeoutError):
        pass
    await chunks.aclose()
