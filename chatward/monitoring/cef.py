r"""Entries in the Common Event Format (ArcSight, version 0), which most SIEMs read.

The rules (Implementing ArcSight Common Event Format, "Header" and "Extension" and "Character encoding"):

1. ``CEF:0|Chatward|Chatward|VERSION|event|name|severity|extension``. In the header ``|`` and ``\`` are escaped, in
   values of the extension ``=`` and ``\``, and line ends there are written ``\n``. A header holds no line end.
2. Fields that the dictionary knows have its keys; what is ours alone stands in ``cs1`` to ``cs6`` and ``cn1`` with
   their labels. Any other field has a key of its own with ``chatward`` before it: letters and digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from chatward.ledger.reading import Record
from chatward.monitoring.levels import level
from chatward.monitoring.syslog import plain

_KNOWN: Final = {
    "action": "act",
    "principal": "suser",
    "operator": "suser",
    "channel": "app",
    "input_tokens": "in",
    "output_tokens": "out",
}
_SAME: Final = frozenset(("outcome", "reason"))
_LABELLED: Final = {
    "rule": ("cs1", "rule"),
    "route": ("cs3", "route"),
    "bot": ("cs4", "bot"),
    "rules": ("cs5", "rules"),
    "policy": ("cs6", "policy"),
    "findings": ("cn1", "findings"),
}


def _in_header(text: str) -> str:
    return re.sub(r"[\r\n]+", " ", text).replace("\\", "\\\\").replace("|", "\\|")


def _in_value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("=", "\\=")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _own(name: str) -> str:
    return "chatward" + "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name))


def title(record: Record) -> str:
    """The event in words: ``message:input:judged`` is "message input judged"."""
    return record.event.replace(":", " ")


def extension(record: Record, host: str) -> dict[str, str]:
    """Keys and values, unescaped."""
    found = {
        "rt": str(record.at // 1_000_000),
        "dvchost": host,
        "externalId": str(record.seq),
        "cs2Label": "exchange",
        "cs2": record.exchange,
    }
    for name, value in record.fields.items():
        said = plain(value)
        if not said:
            continue
        if name in _LABELLED:
            key, label = _LABELLED[name]
            found[f"{key}Label"] = label
        else:
            key = name if name in _SAME else _KNOWN.get(name, "")
            key = _own(name) if not key or key in found else key
            while key in found:  # `a_b` and `a__b`
                key += "X"
        found[key] = said
    return found


def cef(host: str, version: str) -> Callable[[Record], bytes]:
    """A format."""

    def write(record: Record) -> bytes:
        header = ["CEF:0", "Chatward", "Chatward", version, record.event, title(record), str(level(record).cef)]
        told = " ".join(f"{key}={_in_value(value)}" for key, value in extension(record, host).items())
        return "|".join([*map(_in_header, header), told]).encode()

    return write
