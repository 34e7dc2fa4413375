"""What the page's own script saw (``console/static/traffic.js``): read strictly, and weighed.

The rules:

1. It comes in one header, a JSON object of at most ``MOST`` bytes, and is read by its exact form: anything else is no
   report at all. It never goes on to a bot.
2. It holds times and counts: how many keys, how long they were down, how far apart; never which, and never what.
3. Whoever writes it may lie. Against its sender it counts in full; for them it counts little (``weights.MOST_HUMAN``).
4. Keys of input methods and of keyboards on a screen are not timed: they come as the software likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

HEADER: Final = "x-chatward-page"
MOST: Final = 2048

_TIMED: Final = 10
"""Keys from which on their times say something."""
Count = Annotated[int, Meta(ge=0, le=10_000_000)]
Bit = Annotated[int, Meta(ge=0, le=1)]
Pixels = Annotated[int, Meta(ge=0, le=100_000)]


class Keys(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """Keys that were pressed: how many, median milliseconds down, median from one up to the next down (below zero where
    they overlap), variation of the times between presses in percent of their mean, and overlaps."""

    count: Count
    dwell: Annotated[int, Meta(ge=0, le=10_000_000)]
    gap: Annotated[int, Meta(ge=-10_000_000, le=10_000_000)]
    variation: Annotated[int, Meta(ge=0, le=100_000)]
    overlaps: Count


class Report(Struct, frozen=True, forbid_unknown_fields=True):
    """One report, about one message. Milliseconds, characters, pixels."""

    t: Annotated[str, Meta(max_length=128)]
    """The page's token."""
    n: Count
    """Its how-manieth report."""
    u: Annotated[str, Meta(max_length=512)]
    """``navigator.userAgent``."""
    w: Bit
    """``navigator.webdriver``."""
    g: Bit
    """Whether names of automation stand in the page."""
    h: Bit
    """Whether the browser has no user interface, by what it lacks."""
    c: Bit
    """Whether somebody reads its console: a debugger, or a driver."""
    o: tuple[Pixels, Pixels, Pixels, Pixels]
    """Outer and inner width and height of the window."""
    q: Bit
    """Whether the device has a touch screen."""
    k: Keys
    p: Count
    """Characters that were pasted or dropped."""
    i: Count
    """Input events."""
    s: Count
    """Characters that came without a key, a paste or an input method."""
    x: Count
    """Events that no user caused (``isTrusted``)."""
    m: Count
    """Movements of a pointer."""
    f: Count
    """Milliseconds from the field's focus to its first input."""
    e: Count
    """Characters that were sent."""
    y: Count
    """Milliseconds from the first input to sending."""
    z: Bit
    """Whether a field was filled in that nobody sees."""


_decoder: Final = msgspec.json.Decoder(Report)


def read(text: str) -> Report | None:
    """A report, or ``None`` for everything else."""
    if len(text) > MOST or not text.isascii():
        return None
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError:
        return None


def signals(report: Report, agent: str) -> Iterator[str]:
    """Names of ``weights.WEIGHTS``. ``agent`` is the request's ``user-agent``."""
    outer_width, outer_height, inner_width, inner_height = report.o
    for seen, name in (
        (report.w, "page.webdriver"),
        (report.g, "page.globals"),
        (report.h or "Headless" in report.u, "page.headless"),
        (report.c, "page.debugged"),
        (report.z, "page.trap"),
        (report.x, "page.untrusted"),
        (report.u != agent[:512], "page.agent-mismatch"),
        (not report.q and outer_height <= inner_height and outer_width <= inner_width, "page.frameless"),
        (report.m >= 5, "page.pointer"),
    ):
        if seen:
            yield name
    yield from pace(report)


def pace(report: Report) -> Iterator[str]:
    """How the message came into its field."""
    keys = report.k
    if report.e and not report.i:
        yield "pace.no-input"
        return
    if report.f < 40 and not report.p:
        yield "pace.instant"  # nobody finds the first key that soon
    if report.i == 1 and report.s > 3 and report.s == report.e:
        yield "pace.inserted"  # all in one; what is dictated comes in phrases, mostly
    written = max(0, report.e - report.p - report.s)
    if written >= 20 and written * 1000 > 25 * max(report.y, 1):
        yield "pace.fast"
    if keys.count < _TIMED:
        return
    if keys.dwell < 8:
        yield "pace.no-dwell"
    if keys.overlaps == 0 and 0 <= keys.gap < 6:
        yield "pace.sequential"
    if keys.variation < 12:
        yield "pace.regular"
    if keys.variation >= 25 and 25 <= keys.dwell <= 350 and (keys.gap >= 6 or keys.overlaps):
        yield "pace.human-keys"
