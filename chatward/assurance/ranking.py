"""Which finding first: what is exploited (CISA KEV), what is likely to be (EPSS), then how bad it is.

Files come as they are published: KEV as JSON or CSV, EPSS as CSV, packed or not. A file that is configured and cannot
be read, or is past its age, makes the order unknown, and says so; it never makes a finding smaller.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from chatward.core.errors import ConfigError

_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,}")


@dataclass(frozen=True, slots=True)
class Exploited:
    """CVEs that are known to be exploited. ``as_of``: seconds since 1970; 0 where the file does not say. ``products``:
    vendor and product in lower case (``acme widget``) -> CVE and the day it came on the list (seconds since 1970)."""

    cves: frozenset[str] = frozenset()
    as_of: float = 0.0
    products: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)

    def of(self, product: str) -> list[tuple[str, float]]:
        """What is on the list of a vendor, or of one product of it; the newest first."""
        wanted = product.casefold()
        named = [name for name in self.products if name == wanted or name.startswith(f"{wanted} ")]
        return sorted((one for name in named for one in self.products[name]), key=lambda one: (-one[1], one[0]))


@dataclass(frozen=True, slots=True)
class Likely:
    """The probability by CVE that it is exploited in the next 30 days."""

    scores: dict[str, float] = field(default_factory=dict)
    as_of: float = 0.0


@dataclass(frozen=True, slots=True)
class Ends:
    """Last days of support: product -> cycle -> the day, or whether it is over. As endoflife.date has them."""

    products: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def ended(self, product: str, version: str, today: date) -> str | None:
        """What ended, such as ``python 3.8 on 2024-10-07``; ``None`` where nothing did or nothing is known."""
        for one in self.products.get(product, ()):
            cycle = str(one.get("cycle", ""))
            if version != cycle and not version.startswith(f"{cycle}."):
                continue
            end = one.get("eol")
            if end is True:
                return f"{product} {cycle}"
            if isinstance(end, str) and date.fromisoformat(end) < today:
                return f"{product} {cycle} on {end}"
        return None


def read_exploited(path: Path) -> Exploited:
    """Raises ``ConfigError``."""
    text = _text(path)
    try:
        if text.lstrip().startswith("{"):
            document = json.loads(text)
            return _exploited(document["vulnerabilities"], _day(document.get("dateReleased", "")))
        rows = list(csv.DictReader(text.splitlines()))
        if not rows:
            raise ValueError("no rows")
        return _exploited(rows, max((_day(row.get("dateAdded")) for row in rows), default=0.0))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        raise ConfigError(f"{path} is no list of exploited vulnerabilities", reason="ranking-invalid") from error


def _exploited(rows: Iterable[Mapping[str, Any]], as_of: float) -> Exploited:
    cves, products = set[str](), dict[str, list[tuple[str, float]]]()
    for row in rows:
        cves.add(str(row["cveID"]))
        name = f"{row.get('vendorProject', '')} {row.get('product', '')}".strip().casefold()
        products.setdefault(name, []).append((str(row["cveID"]), _day(row.get("dateAdded"))))
    return Exploited(frozenset(cves), as_of, {name: tuple(found) for name, found in products.items()})


def read_likely(path: Path) -> Likely:
    """Raises ``ConfigError``."""
    lines = _text(path).splitlines()
    as_of = 0.0
    while lines and lines[0].startswith("#"):
        found = re.search(r"score_date:([0-9T:+Z-]+)", lines.pop(0))
        as_of = _day(found[1]) if found else as_of
    try:
        scores = {row["cve"]: float(row["epss"]) for row in csv.DictReader(lines)}
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise ConfigError(f"{path} is no list of EPSS scores", reason="ranking-invalid") from error
    if not scores or not all(0 <= score <= 1 for score in scores.values()):
        raise ConfigError(f"{path} is no list of EPSS scores", reason="ranking-invalid")
    return Likely(scores, as_of)


def read_ends(path: Path) -> Ends:
    """Raises ``ConfigError``."""
    try:
        document = json.loads(_text(path))
        products = {str(name): [dict(one) for one in cycles] for name, cycles in document.items()}
        for cycles in products.values():
            for one in cycles:
                if isinstance(one.get("eol"), str):
                    date.fromisoformat(one["eol"])
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path} is no list of last days", reason="ranking-invalid") from error
    return Ends(products)


def cves_of(ids: Iterable[str]) -> list[str]:
    return sorted(one for one in ids if _CVE.fullmatch(one))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    except (OSError, EOFError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read", reason="ranking-invalid") from error


def _day(text: Any) -> float:
    try:
        at = datetime.fromisoformat(str(text).replace("+0000", "+00:00"))
    except ValueError:
        return 0.0
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
