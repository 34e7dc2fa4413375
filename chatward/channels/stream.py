"""What rewriters of streamed replies have in common.

The rule, for every dialect: an event goes out only after every string in it was seen. When the stream ends
badly (cut short, malformed, broken), what is held is settled first, then the dialect's error event goes out,
then nothing more. When something is blocked, the dialect's block goes out, then nothing more. All output of
one ``feed`` is one bytes. Events that came together and only add to one text go on as one event: what a client
puts together is the same, and a bot that is faster than its reader costs one look at the text instead of many. An event
that is the one before it with another text is read and written without what stands around the text (``frames``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from chatward.channels import surrogates
from chatward.channels.frames import Frame
from chatward.channels.outgoing import malformed
from chatward.channels.sse import KEEP_ALIVE, Decoder, Event
from chatward.core.errors import ChatwardError, UpstreamError
from chatward.core.ports import Lane, Reply

END_MARK: Final = b"[DONE]"


def truncated() -> UpstreamError:
    return UpstreamError("The bot's answer ended too early.", reason="upstream-truncated")


class Strand:
    """One lane and what a rewriter knows of it. ``exact`` is lost as soon as a piece is changed or held,
    ``changed`` is gained once what went out is not what came in. Half a character at the end of a piece waits for the
    other half."""

    __slots__ = ("_half", "_lane", "_pending", "changed", "closed", "exact", "wrote")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.exact = True
        self.changed = False
        self.closed = False
        self.wrote = False
        self._half = ""
        self._pending = ""  # came in, did not go out yet; kept while nothing is changed

    def feed(self, piece: str) -> str:
        if self._half or not piece.isascii():
            piece = self._joined(piece)
            if not piece:
                return ""
        out = self._lane.feed(piece)
        if out != piece or self._pending:
            self.exact = False
            self._compare(piece, out)
        if out:
            self.wrote = True
        return out

    def close(self) -> str:
        if self.closed:
            return ""
        self.closed = True
        rest = surrogates.REPLACEMENT if self._half else ""
        out = (self._lane.feed(rest) if rest else "") + self._lane.close()
        if out:
            self.exact = False
            self.wrote = True
        self._compare(rest, out)
        self.changed = self.changed or bool(self._pending)
        return out

    def _joined(self, piece: str) -> str:
        """What is whole of ``piece`` after the half that waits."""
        text, half = surrogates.cut(self._half + piece)
        self.exact = self.exact and not half and not self._half
        self._half = half
        return surrogates.scalars(text)

    def _compare(self, piece: str, out: str) -> None:
        if not self.changed:
            pending = self._pending + piece
            if pending.startswith(out):
                self._pending = pending[len(out) :]
            else:
                self.changed = True
                self._pending = ""


class EventRewriter(ABC):
    """Template of a rewriter: decodes, parses each event once, gathers output."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._decoder = Decoder()
        self._out: list[bytes] = []
        self._done = False
        self._usage: dict[str, int] = {}
        self._later: list[Event] = []  # what came while the reply waits
        self._waiting: dict[str, Any] | None = None  # an event that the next one may add to
        self._payload = b""  # its data
        self._place: tuple[Any, ...] = ()
        self._place_before: tuple[Any, ...] = ()  # the place of the event before it
        self._frame: Frame | None = None  # of the event that went on last
        self._more: list[str] = []  # of events with that frame, which wait

    @property
    def done(self) -> bool:
        return self._done

    @property
    def usage(self) -> Mapping[str, int]:
        return self._usage

    def feed(self, data: bytes) -> bytes:
        if self._done:
            return b""
        try:
            events = self._decoder.feed(data)
            if self._later:
                events, self._later = [*self._later, *events], []
            for at, (_, payload) in enumerate(events):
                if payload is None:
                    self._out.append(KEEP_ALIVE)
                elif not self._received(payload):
                    self._later = events[at:]
                    return self._take()
                if self._done:
                    break
            self._flush()
        except UpstreamError as error:
            self._fail(error)
        return self._take()

    def close(self) -> bytes:
        if self._done:
            return b""
        try:
            for _, payload in (*self._later, *self._decoder.close()):
                if payload is not None and not self._done:
                    self._received(payload, last=True)
            self._flush()
        except UpstreamError:
            self._fail(truncated())  # half an event is what a cut leaves behind
        if not self._done:
            self._ended()
        return self._take()

    def fail(self, error: ChatwardError) -> bytes:
        if not self._done:
            self._fail(error)
        return self._take()

    def _received(self, payload: bytes, *, last: bool = False) -> bool:
        """One event's data: kept for a moment if the next event may add to it, else done at once. False where it is to
        come again, since what came before it waits (``Reply.waits``), which the ``last`` events do not mind."""
        if self._frame is not None:
            text = self._frame.text(payload)
            if text is not None:
                return self._framed(text, last=last)
        if payload == END_MARK:
            self._flush()
            if self._reply.waits and not last:
                return False
            if not self._done:
                self._end_mark()
            return True
        event = parsed(payload)
        place = self._adds_to(event)
        if place and place == self._place and self._waiting is not None:
            self._add(self._waiting, event)
            return True
        box = self._text_of(event) if place and place == self._place and self._more else None
        if box is not None:  # said of the same place in other bytes
            self._more.append(box[0][box[1]])
            return True
        self._flush()
        if self._done:
            return True
        if self._reply.waits and not last:
            return False
        if place:
            self._waiting, self._place, self._payload, self._frame = event, place, payload, None
        else:
            self._frame, self._place_before = None, ()
            self._event(event)
        return True

    def _framed(self, text: str, *, last: bool) -> bool:
        """An event that is the one before it with another text. Says what ``_received`` says."""
        if not self._more and self._reply.waits and not last:
            return False
        self._more.append(text)
        return True

    def _flush(self) -> None:
        event, self._waiting = self._waiting, None
        if event is not None and not self._done:
            # Twice in a row: what is said by turns has no use for a frame.
            box = self._text_of(event) if self._place == self._place_before else None
            frame = Frame.of(self._payload, event, *box) if box is not None else None
            self._place_before = self._place
            self._event(event)
            if frame is not None and self._goes_on(self._place):
                self._frame = frame
        elif self._more:
            text = "".join(self._more)
            self._more.clear()
            if not self._done and self._frame is not None:
                self._go_on(text, self._frame)

    def _fail(self, error: ChatwardError) -> None:
        with suppress(UpstreamError):  # the first thing that went wrong is the one to tell
            self._flush()
        if not self._done:
            self._settle()
        if not self._done:  # settling may have found something to block
            self._error(error)
        self._done = True

    def _ended(self) -> None:
        """The upstream closed without the dialect's end mark."""
        self._fail(truncated())

    def _take(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _count(self, usage: Any, names: Mapping[str, str]) -> None:
        """Takes token counts: ``names`` maps the dialect's field to ``input`` or ``output``."""
        if type(usage) is dict:
            for name, ours in names.items():
                count = usage.get(name)
                if type(count) is int:
                    self._usage[ours] = count

    @abstractmethod
    def _event(self, event: dict[str, Any]) -> None:
        """One event. Appends to ``_out``; sets ``_done``; raises ``UpstreamError``."""

    @abstractmethod
    def _end_mark(self) -> None:
        """``[DONE]`` came."""

    @abstractmethod
    def _adds_to(self, event: dict[str, Any]) -> tuple[Any, ...]:
        """The place of the text that ``event`` adds to, if it does nothing else; else ``()``. Events with equal
        places differ in that text alone."""

    @abstractmethod
    def _add(self, event: dict[str, Any], later: dict[str, Any]) -> None:
        """Appends the text of ``later`` to that of ``event``, which has the same place."""

    def _text_of(self, event: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
        """Where the text of an event with a place stands, in a dialect whose events have frames."""
        return None

    def _goes_on(self, place: tuple[Any, ...]) -> bool:
        """Whether the next text at ``place`` can be told to ``_go_on``."""
        return False

    def _go_on(self, text: str, frame: Frame) -> None:
        """The next text at the place that ``_goes_on``; goes out in ``frame``."""
        raise NotImplementedError("asked only where `_goes_on` says so")

    @abstractmethod
    def _settle(self) -> None:
        """Closes all open lanes and lets out what they held; a block found so is sent and sets ``_done``."""

    @abstractmethod
    def _error(self, error: ChatwardError) -> None:
        """The dialect's error event, and its end mark if it has one."""


def parsed(payload: bytes) -> dict[str, Any]:
    """The object that an event's data hold."""
    try:
        event = surrogates.loads(payload, pieces=True)
    except ValueError as error:
        raise malformed("an event is not JSON") from error
    if type(event) is not dict:
        raise malformed("an event is not a JSON object")
    return event
