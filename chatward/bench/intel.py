"""``chatward bench intel``: memory, speed of looking up, of importing, and how soon a changed list holds.

The method. ``rss_mb_10m`` and ``lookup_us_p99``: a snapshot of ten million entries is made on the disk, in which nearly
all are random digests (what a reader does with them does not depend on the values they stand for) and ``KNOWN`` are
real values, written by the same ``Writer`` as any snapshot. A process of its own loads what a gateway loads for it,
notes its resident memory, opens the snapshot, looks up ``ASKED`` links, one in two hundred of them listed, and notes it
again. One look-up is all that the guard does with a link: the WHATWG parser, the written forms, the URL with and
without its query, the host with the domains above it, or the address; each is timed on this thread's CPU clock, and
a link's time is the least over the rounds: what else the machine does only adds. A hundred thousand other links lie
between two times that one link is asked for, so that its words of the filter are as far away as ever.

``import_s_1m``: a list of a million URLs, domains and addresses, from the file to the snapshot in force, by the clock
on the wall. ``enforce_s``: ``chatward intel update --watch`` runs as a process of its own, a line is added to a list,
and a ``Ward`` is asked about it until it says ``block``; by the clock on the wall, median over rounds.
"""

from __future__ import annotations

import multiprocessing
import random
import statistics
import tempfile
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from chatward.bench.report import Progress, Report, machine, median, significant
from chatward.bench.times import one_core

FIGURES: Final = ("rss_mb_10m", "lookup_us_p99", "import_s_1m", "enforce_s")
KNOWN: Final = 100_000
ASKED: Final = 100_000
_CHUNKS: Final = 64
_SETTLE: Final = 1.0
_LOOKS: Final = 3
"""How often a round looks every link up."""
_LIMIT: Final = 60.0
"""Seconds after which a change counts as not enforced."""


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements; ``entries`` of the large snapshot; ``rows`` of the list that is imported."""

    rounds: int = 3
    entries: int = 10_000_000
    rows: int = 1_000_000


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes minutes, and 0.4 GB of disk."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress(f"a snapshot of {options.entries} entries")
        began = time.perf_counter()
        size = _large(folder, options.entries)
        report.details["snapshot"] = {
            "entries": options.entries,
            "mb": significant(size / 1e6),
            "made_s": significant(time.perf_counter() - began),
        }
        progress("looking up")
        _reading(folder, options, report)
        progress(f"a list of {options.rows} lines")
        report.figures["import_s_1m"] = _import(folder / "import", options.rows, report)
        progress("a list that changes")
        times = [_enforce(folder / f"enforce{turn}") for turn in range(options.rounds)]
        report.figures["enforce_s"] = median(times)
        report.details["enforce"] = {"each_s": [significant(one) for one in times]}
    return report


# --- ten million -------------------------------------------------------------------------------------


def known_url(number: int) -> str:
    """A link whose URL is listed."""
    return f"https://host{number}.example{number % 89}.net/path/{number:x}/login.php?id={number}"


def other_url(number: int) -> str:
    """A link that is not listed."""
    return f"https://www.shop{number}.example.org/products/{number:x}/view?utm_source=mail&id={number % 977}"


def _large(folder: Path, entries: int) -> int:
    """Makes the snapshot; its size in bytes."""
    import numpy as np  # noqa: PLC0415

    from chatward.core.indicators import IndicatorKind  # noqa: PLC0415
    from chatward.intel.entries import normalise  # noqa: PLC0415
    from chatward.intel.index import SNAPSHOT  # noqa: PLC0415
    from chatward.intel.snapshot import KINDS, RECORD, Writer, digest_of, key_of, mark_of  # noqa: PLC0415

    known = min(KNOWN, entries // 10)
    own: list[tuple[bytes, int]] = []
    for number in range(known):
        made = normalise(known_url(number), IndicatorKind.URL)
        if made is not None:
            key = key_of(*made)
            own.append((digest_of(key), mark_of(key)))
    own.sort()
    rest = RECORD.pack(b"", 1, KINDS.index(IndicatorKind.URL), 0, 0, 160, 0, 1, int(time.time()), 0)[12:]
    chance = np.random.default_rng(7)
    writer = Writer(folder / SNAPSHOT, entries)
    fill, at = entries - len(own), 0
    for chunk in range(_CHUNKS):
        count = fill // _CHUNKS + (chunk < fill % _CHUNKS)
        low, high = chunk << 58, (chunk + 1) << 58
        heads = np.sort(chance.integers(low, high, count, np.uint64, endpoint=False) if chunk < 63 else
                        chance.integers(low, (1 << 64) - 1, count, np.uint64, endpoint=True))  # fmt: skip
        block = np.empty((count, RECORD.size), np.uint8)
        block[:, :8] = heads.astype(">u8").view(np.uint8).reshape(-1, 8)
        block[:, 8:12] = chance.integers(0, 256, (count, 4), np.uint8)
        block[:, 12:] = np.frombuffer(rest, np.uint8)
        marks = chance.integers(0, (1 << 64) - 1, count, np.uint64)
        mine: list[tuple[bytes, int]] = []
        while at < len(own) and int.from_bytes(own[at][0][:8], "big") < high:
            mine.append(own[at])
            at += 1
        if mine:
            places = np.searchsorted(heads, [int.from_bytes(digest[:8], "big") for digest, _ in mine])
            rows = np.frombuffer(b"".join(digest + rest for digest, _ in mine), np.uint8).reshape(-1, RECORD.size)
            block = np.insert(block, places, rows, axis=0)
            marks = np.insert(marks, places, np.array([mark for _, mark in mine], np.uint64))
        writer.add(block.tobytes(), marks)
    writer.finish({"sources": {"1": "large"}, "changes": 1, "prefixes": [[16, 24], []]})
    return (folder / SNAPSHOT).stat().st_size


def _reading(folder: Path, options: Options, report: Report) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_reader, args=(str(folder), options.rounds, options.entries, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        told: dict[str, Any] = ours.recv()
    except EOFError:
        report.notes.append("the process that looks up ended before its time")
        return
    finally:
        process.join(10)
    report.figures["lookup_us_p99"] = told.pop("p99")
    report.figures["rss_mb_10m"] = told.pop("rss")
    report.details["lookup"] = told


def _reader(folder: str, rounds: int, entries: int, out: Connection) -> None:
    """The process that looks up."""
    from chatward.core.addresses import parse  # noqa: PLC0415
    from chatward.guards.links.intel import keys_of  # noqa: PLC0415
    from chatward.intel.index import Index  # noqa: PLC0415
    from chatward.settings import Intel, IntelSource  # noqa: PLC0415

    settings = Intel(sources=(IntelSource(name="large", location="large"),))
    asked = min(ASKED, entries)
    known = min(KNOWN, entries // 10)
    chance = random.Random(3)  # noqa: S311
    links = [known_url(chance.randrange(known)) if number % 200 == 0 else other_url(number) for number in range(asked)]
    parse.__wrapped__(links[0])  # loads the parser
    whole = parse.__wrapped__  # the same link is rarely asked twice: without the cache
    clock = time.thread_time_ns
    before = _resident()
    index = Index(Path(folder), settings)
    times = [array("q", bytes(8 * len(links))) for _ in range(rounds * _LOOKS)]
    before += len(links) * len(times) * 8 / 1e6
    listed: list[int] = []
    with one_core():
        for each in times:
            listed.clear()
            for number, link in enumerate(links):
                began = clock()
                keys = keys_of(whole(link))
                hits = [index.look_up(kind, values) for kind, values in keys]
                each[number] = clock() - began
                if any(hits):
                    listed.append(each[number])
    grown = _resident() - before
    of_links = sorted(map(min, zip(*times, strict=True)))
    in_the_middle = sorted(map(statistics.median, zip(*times, strict=True)))
    rounds_p99 = [sorted(each)[int(len(each) * 0.99)] / 1e3 for each in times]
    out.send(
        {
            "p99": significant(of_links[int(len(of_links) * 0.99)] / 1e3),
            "us_p50": significant(of_links[len(of_links) // 2] / 1e3),
            "us_p90": significant(of_links[int(len(of_links) * 0.9)] / 1e3),
            "us_p99_by_median": significant(in_the_middle[int(len(in_the_middle) * 0.99)] / 1e3),
            "us_p99_of_a_round": median(rounds_p99),
            "listed_us_p50": median([sorted(listed)[len(listed) // 2] / 1e3]) if listed else None,
            "rss": significant(max(grown, 0.0)),
            "listed": len(listed),
            "asked": len(links),
            "base_mb": significant(before),
        }
    )
    out.close()


def _resident() -> float:
    """Resident memory in MB (proc(5), ``VmRSS``)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


# --- a million rows ----------------------------------------------------------------------------------


def lines(rows: int) -> Iterator[str]:
    """URLs, domains and addresses, a third of each."""
    for number in range(rows):
        if number % 3 == 0:
            yield f"{known_url(number)}\n"
        elif number % 3 == 1:
            yield f"bad{number}.part{number % 997}.example.net\n"
        else:
            yield f"{11 + (number >> 16) % 90}.{number >> 8 & 255}.{number & 255}.{number % 251}\n"


def _import(folder: Path, rows: int, report: Report) -> float:
    from chatward.intel.lifecycle import Lifecycle  # noqa: PLC0415
    from chatward.settings import Intel, IntelSource  # noqa: PLC0415

    folder.mkdir()
    with (folder / "list").open("w") as file:
        file.writelines(lines(rows))
    settings = Intel(sources=(IntelSource(name="list", location="list"),))
    began, cpu = time.perf_counter(), time.process_time()
    done = Lifecycle(folder / "kept", settings, base=folder).update()
    took = time.perf_counter() - began
    taken = done[0].rows if done else 0
    report.details["import"] = {"rows": taken, "cpu_s": significant(time.process_time() - cpu)}
    if taken != rows:
        report.notes.append(f"{rows - taken} of {rows} lines were not taken")
    return significant(took)


# --- a list that changes -----------------------------------------------------------------------------


def _enforce(folder: Path) -> float:
    """Seconds from a change of a file until a message is blocked for it."""
    from chatward.core.values import Action  # noqa: PLC0415
    from chatward.intel.watching import Updater  # noqa: PLC0415
    from chatward.ward import Ward  # noqa: PLC0415

    folder.mkdir()
    listed = folder / "list"
    listed.write_text("".join(lines(1000)))
    config = folder / "chatward.toml"
    config.write_text(
        f'upstream = "http://127.0.0.1:9/v1"\n[ledger]\npath = "{folder / "chatward.db"}"\n'
        '[[intel.sources]]\nname = "list"\nlocation = "list"\n'
    )
    updater = Updater(config)
    try:
        ward = Ward.from_config(config)
        text = "see https://new.example.net/page"
        status = folder / "chatward-intel" / "status.json"
        ready = time.monotonic() + _LIMIT
        while ward.check(text).action is not Action.ALLOW or not status.exists():
            if time.monotonic() > ready:
                return _LIMIT
            time.sleep(0.05)
        time.sleep(_SETTLE)  # the watcher has begun to look
        with listed.open("a") as file:
            file.write("https://new.example.net/page\n")
        began = time.perf_counter()
        while ward.check(text).action is not Action.BLOCK:
            if time.perf_counter() - began > _LIMIT:
                return _LIMIT
            time.sleep(0.02)
        return time.perf_counter() - began
    finally:
        updater.close()
