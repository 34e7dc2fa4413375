"""CrowdSec's local API as a source: the stream of decisions (``/v1/decisions/stream``), as its bouncers read it.

``location`` is the server's base URL, ``key`` a bouncer's key, ``key_header`` ``x-api-key``. The first answer has all
decisions (``startup=true``), later ones what is ``new`` and what is ``deleted``. The server remembers what it told, so
after an update that was cut off everything is asked for again. A decision ends with its ``duration``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

import orjson

from chatward.core.indicators import IndicatorKind, ThreatType
from chatward.intel.entries import Row
from chatward.intel.files import SourceError
from chatward.intel.reading import Batch, Context, given

_DURATION: Final = re.compile(r"(-)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:[\d.]+(?:ms|us|µs|ns))?")
_STARTED: Final = "started"


def stream(context: Context) -> Batch | None:
    """What the server has decided since the last time."""
    state = context.state
    started = state.cursor == _STARTED and not state.unfinished and not state.error
    asked = f"{context.source.location.rstrip('/')}/v1/decisions/stream?startup={'false' if started else 'true'}"
    try:
        told = orjson.loads(context.server.small(asked)[1] or b"{}")
    except orjson.JSONDecodeError:
        raise SourceError("the server's answer is no JSON", reason="intel-format") from None
    if not isinstance(told, dict):
        raise SourceError("the server's answer is no stream of decisions", reason="intel-format")
    now = context.clock()
    found = [*_rows(told.get("deleted"), now, gone=True), *_rows(told.get("new"), now, gone=False)]
    if not found and started:
        return None
    digest = sha256(orjson.dumps([now, told])).hexdigest()
    return Batch(given(lambda: found), digest, cursor=_STARTED, whole=not started)


def _rows(decisions: Any, now: float, *, gone: bool) -> Iterator[Row]:
    for one in decisions if isinstance(decisions, list) else []:
        if not isinstance(one, dict) or str(one.get("scope", "")).lower() not in ("ip", "range"):
            yield Row("")
            continue
        ends = now + seconds_of(str(one.get("duration", "")))
        type_ = ThreatType.SCANNER if one.get("origin") in ("CAPI", "lists") else None
        yield Row(str(one.get("value", "")), IndicatorKind.IP, type_, now, now, None, None, ends, gone)


def seconds_of(duration: str) -> float:
    """Seconds of a duration as Go writes it (``3h59m49.5s``). Raises ``SourceError``."""
    match = _DURATION.fullmatch(duration)
    if match is None or not duration:
        raise SourceError("a decision has no duration", reason="intel-format")
    minus, hours, minutes, rest = match.groups()
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0)
    return -total if minus else total
