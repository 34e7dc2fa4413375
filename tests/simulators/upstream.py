"""A guarded bot that plays scenes over a real socket, and remembers what it was told.

The rule: what it answers depends on the request alone. The model's name says which scene is played and how the bytes
are cut: ``<anything>~<scene>~<cut>~<anything>``. So one bot serves any number of tests at once, and a test finds what
the bot saw under the model's name that only it used.

``cut``: ``bytes`` one byte a chunk, ``hostile`` inside characters and strings with CR LF and comments, ``burst`` all
events in one write, ``events`` one a chunk.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulators import scenes
from tests.simulators.scenes import Json, Scene

CUTS: Final = ("bytes", "hostile", "burst", "events")
_WHOLE: Final = {
    "/v1/chat/completions": scenes.chat_whole,
    "/v1/responses": scenes.responses_whole,
    "/v1/messages": scenes.messages_whole,
    "/v1/embeddings": scenes.embeddings,
}
_STREAM: Final = {
    "/v1/chat/completions": scenes.chat_stream,
    "/v1/responses": scenes.responses_stream,
    "/v1/messages": scenes.messages_stream,
}


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Json:
        document: Json = json.loads(self.body)
        return document

    @property
    def texts(self) -> list[str]:
        """The texts of the conversation in order, the newest last."""
        document = self.document
        turns = document["messages"] if "messages" in document else document["input"]
        return [text for turn in ([turns] if isinstance(turns, str) else turns) for text in _texts(turn)]


def _texts(turn: Any) -> Iterator[str]:
    if isinstance(turn, str):
        yield turn
    elif isinstance(turn, list):
        for part in turn:
            yield from _texts(part)
    elif isinstance(turn, dict):
        for key in ("content", "output", "text"):
            if turn.get(key) is not None:
                yield from _texts(turn[key])


@dataclass
class _Record:
    seen: list[Seen] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


class ScriptedUpstream:
    """The bot, on a thread of its own. ``with ScriptedUpstream(scenes) as bot``."""

    def __init__(self, played: Mapping[str, Scene]) -> None:
        self.scenes = dict(played)
        self.port = 0
        self._records: dict[str, _Record] = {}
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._replies = 0
        self._thread = threading.Thread(target=self._run, name="scripted-bot", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> ScriptedUpstream:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def models(self) -> Sequence[str]:
        """The models that were asked for."""
        with self._lock:
            return list(self._records)

    def seen(self, model: str) -> Sequence[Seen]:
        """The requests for ``model``, in order."""
        return list(self._record(model).seen)

    def left(self, model: str, seconds: float) -> bool:
        """Whether a caller of ``model`` closes the connection before its reply has ended, within ``seconds``."""
        return self._record(model).left.wait(seconds)

    def _record(self, model: str) -> _Record:
        with self._lock:
            return self._records.setdefault(model, _Record())

    # --- the bot's own thread ---

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                while await self._answer(reader, writer):
                    pass
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.transport.abort()
                tasks.discard(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its reply; false once the connection is over."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rows = head[:-4].split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = line.split(" ")[1].partition("?")[0]
        document = json.loads(body)
        model = document["model"]
        record = self._record(model)
        seen = Seen(path, headers, body)
        record.seen.append(seen)
        name, cut = [*model.split("~"), "", ""][1:3]
        texts = seen.texts
        scene = self.scenes[name].filled(texts[-1] if texts else "")
        if scene.body is not None or path not in _STREAM or not document.get("stream"):
            await self._whole(writer, scene, path, model)
            return True
        return await self._streamed(reader, writer, scene, path, model, cut, record)

    def _identity(self, path: str) -> dict[str, str]:
        if path != "/v1/responses":
            return {}
        with self._lock:
            self._replies += 1
            return {"identity": f"resp_{self._replies:04d}"}

    async def _whole(self, writer: asyncio.StreamWriter, scene: Scene, path: str, model: str) -> None:
        body = scene.body
        if body is None:
            body = json.dumps(_WHOLE[path](scene, model, **self._identity(path)), ensure_ascii=False).encode()
        media = scene.content_type or "application/json"
        writer.write(
            f"HTTP/1.1 {scene.status} Said\r\ncontent-type: {media}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        )
        writer.write(body)
        await writer.drain()

    async def _streamed(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        scene: Scene,
        path: str,
        model: str,
        cut: str,
        record: _Record,
    ) -> bool:
        media = scene.content_type or "text/event-stream; charset=utf-8"
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        watch = asyncio.ensure_future(reader.read(1))
        try:
            for piece in self._pieces(scene, path, model, cut):
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
                await asyncio.sleep(0.005 if scene.endless else 0)
                if watch.done():
                    record.left.set()
                    return False
            if scene.cut:
                return False
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        except ConnectionError:
            record.left.set()
            raise
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        return True

    def _pieces(self, scene: Scene, path: str, model: str, cut: str) -> Iterator[bytes]:
        named, unkind = path != "/v1/chat/completions", cut == "hostile"
        events = (
            scenes.event(data, named=named, unkind=unkind)
            for data in _STREAM[path](scene, model, **self._identity(path))
        )
        if scene.cut:
            kept = [one for _, one in zip(range(scene.cut), events, strict=False)]
            yield b"".join(kept)[:-9]
        elif scene.endless or cut not in CUTS or cut == "events":
            yield from events
        elif cut == "burst":
            yield b"".join(events)
        else:
            data = b"".join(events)
            yield from scenes.chopped(data) if unkind else (data[at : at + 1] for at in range(len(data)))
