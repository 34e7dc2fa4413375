"""Rows as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence


def lines(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """CSV (RFC 4180). A value that a spreadsheet would take for a formula begins with an apostrophe (OWASP)."""
    out = [",".join(columns)]
    out += [",".join(_cell(row.get(name, "")) for name in columns) for row in rows]
    return "\r\n".join(out) + "\r\n"


def _cell(value: object) -> str:
    text = str(value)
    if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not isinstance(value, int | float):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text
