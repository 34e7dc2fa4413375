"""``chatward scan``: verdicts on text, or on JSON Lines as a stream.

The rules: output lines come in the order of input lines, each as soon as it and all before it are done. Lines of
one conversation are judged in order by one worker, because they share placeholders. What cannot be
read is an error that names the line, never a line that is passed over: lines before it are still
answered. Exit status: 0 nothing above ``allow``, 1 something was, 2 an error.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import IO
from zlib import crc32

import orjson

from chatward.console.verdicts import verdict_object
from chatward.core.errors import ChatwardError, ClientError
from chatward.core.values import Action
from chatward.lines import MAX_LINE, refusal, row_of, spoken
from chatward.ward import Ward

_READ = 64 * 1024
_AHEAD = 4  # batches that are given to workers before the first of them has to be answered


@dataclass(frozen=True, slots=True)
class Options:
    """What to do with the input. ``workers`` 0 takes one a core."""

    jsonl: bool = False
    scores: bool = False
    role: str = "user"
    config: Path | None = None
    route: str = "default"
    workers: int = 0


def run(source: IO[bytes], out: IO[bytes], options: Options) -> int:
    """Scans ``source`` and writes to ``out``; returns the exit status. Raises ``ChatwardError``."""
    ward = Ward.from_config(options.config, route=options.route) if options.config else Ward(route=options.route)
    if not options.jsonl:
        return _text(ward, source, out, options)
    worst = Action.ALLOW
    for answer, action in _answers(ward, source, options):
        out.write(answer)
        worst = max(worst, action)
        out.flush()
    return 1 if worst > Action.ALLOW else 0


def _text(ward: Ward, source: IO[bytes], out: IO[bytes], options: Options) -> int:
    try:
        text = source.read().decode()
    except UnicodeDecodeError as error:
        raise ClientError(f"the input is not UTF-8 (at byte {error.start})", reason="not-utf-8") from error
    verdict = ward.check(text, options.role)
    out.write(orjson.dumps(verdict_object(verdict, text, scores=options.scores), option=orjson.OPT_APPEND_NEWLINE))
    out.flush()
    return 1 if verdict.action > Action.ALLOW else 0


# --- JSON Lines --------------------------------------------------------------------------------------


def answer(ward: Ward, line: bytes, number: int, *, scores: bool) -> tuple[bytes, Action]:
    """The answer to one input line. Raises ``ClientError`` that names the line's number."""
    said = spoken(row_of(line, number), number)
    verdict = ward.check(said.text, said.role, conversation=said.conversation)
    fields = verdict_object(verdict, said.text, id=said.id, scores=scores)
    try:
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE), verdict.action
    except orjson.JSONEncodeError as error:
        raise refusal(number, '"id" is nested too deeply') from error


def _answers(ward: Ward, source: IO[bytes], options: Options) -> Iterator[tuple[bytes, Action]]:
    workers = options.workers or os.cpu_count() or 1
    can_fork = workers > 1 and "fork" in multiprocessing.get_all_start_methods()
    crew: _Crew | None = None
    try:
        for batch in _batches(source):
            full = sum(len(line) for _, line in batch) >= _READ // 2
            if crew is None and full and can_fork:
                crew = _Crew(ward, workers, options.scores)
            if crew is None:
                for number, line in batch:
                    yield answer(ward, line, number, scores=options.scores)
            else:
                yield from crew.answers(batch, wait=not full or _waits(source))
        if crew is not None:
            yield from crew.answers([], wait=True)
    finally:
        if crew is not None:
            crew.close()


Batch = list[tuple[int, bytes]]


def _batches(source: IO[bytes]) -> Iterator[Batch]:
    """Input lines with their numbers, blank ones left out: what each read brought, so that a line that comes
    alone is answered at once. A line that is too long is the last: it is refused by whoever reads it."""
    read = getattr(source, "read1", source.read)
    rest, number = b"", 0
    while data := read(_READ):
        *lines, rest = (rest + data).split(b"\n")
        batch = [(number + at, line) for at, line in enumerate(lines, 1) if line.strip()]
        number += len(lines)
        if batch:
            yield batch
        if len(rest) > MAX_LINE:
            break
    if rest.strip():
        yield [(number + 1, rest)]


def _waits(source: IO[bytes]) -> bool:
    """True where nothing more has come yet: who writes may be waiting for answers before going on."""
    try:
        return not select.select([source], [], [], 0)[0]
    except (OSError, ValueError):  # no descriptor behind it: all of it is there
        return False


class _Crew:
    """Worker processes that share the compiled patterns (they are forked) and answer in order.

    A thread for each worker takes its answers in, so that neither side ever waits for the other's pipe.
    """

    def __init__(self, ward: Ward, workers: int, scores: bool) -> None:
        context = multiprocessing.get_context("fork")
        self._pipes: list[Connection] = []
        self._results: list[SimpleQueue[_Answers]] = []
        self._processes = []
        for _ in range(workers):
            ours, theirs = context.Pipe()
            inherited = [*self._pipes, ours]
            process = context.Process(target=_work, args=(ward, theirs, inherited, scores), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            results: SimpleQueue[_Answers] = SimpleQueue()
            self._results.append(results)
            threading.Thread(target=_collect, args=(pipe, results), daemon=True).start()
        self._waiting: deque[list[int]] = deque()

    def answers(self, batch: Batch, *, wait: bool) -> Iterator[tuple[bytes, Action]]:
        """Hands out a batch; yields answers that are due: all where ``wait``, else those of batches long given."""
        if batch:
            self._waiting.append(self._give(batch))
        while self._waiting and (wait or len(self._waiting) > _AHEAD):
            yield from self._take(self._waiting.popleft())

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(5)

    def _give(self, batch: Batch) -> list[int]:
        """Hands the lines of a batch out; returns which worker has each line."""
        shares: list[Batch] = [[] for _ in self._pipes]
        owners: list[int] = []
        for number, line in batch:
            owner = _owner(number, line, len(self._pipes))
            owners.append(owner)
            shares[owner].append((number, line))
        for pipe, share in zip(self._pipes, shares, strict=True):
            if share:
                pipe.send(share)
        return owners

    def _take(self, owners: list[int]) -> Iterator[tuple[bytes, Action]]:
        answers: dict[int, Iterator[tuple[bytes, Action] | ClientError]] = {}
        for owner in owners:
            if owner not in answers:
                answers[owner] = iter(self._results[owner].get())
            got = next(answers[owner], None)
            if got is None:
                raise ChatwardError("a worker of the scan ended unexpectedly", reason="worker-lost")
            if isinstance(got, ClientError):
                raise got
            yield got


_Answers = list[tuple[bytes, Action] | ClientError]


def _collect(pipe: Connection, results: SimpleQueue[_Answers]) -> None:
    try:
        while True:
            results.put(pipe.recv())
    except (EOFError, OSError):
        results.put([])


def _owner(number: int, line: bytes, workers: int) -> int:
    if b'"conversation"' in line or b"\\u" in line:  # keys may be written in escapes
        try:
            conversation = orjson.loads(line).get("conversation")
        except (orjson.JSONDecodeError, AttributeError):
            return 0  # the worker says what is wrong with it
        if isinstance(conversation, str) and conversation:
            return crc32(conversation.encode()) % workers
    return number % workers


def _work(ward: Ward, pipe: Connection, inherited: list[Connection], scores: bool) -> None:
    for other in inherited:  # the parent's ends: kept open here, they would hide that the parent is gone
        other.close()
    while True:
        try:
            share: Batch = pipe.recv()
        except EOFError:
            return
        answers: _Answers = []
        for number, line in share:
            try:
                answers.append(answer(ward, line, number, scores=scores))
            except ClientError as error:
                answers.append(ClientError(error.public, reason=error.reason))
                break
        pipe.send(answers)


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """Standard input for ``-``, else the file, whose name is then told with what is wrong in it."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as source:
        try:
            yield source
        except ClientError as error:
            raise ClientError(f"{name}: {error.public}", reason=error.reason) from error
