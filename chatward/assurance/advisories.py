"""One advisory in the OSV format (ossf.github.io/osv-schema, 1.7), and whether a version is affected by it.

The rules (section "Evaluation" of the schema):

1. A version is affected if it is listed, or if one of the ranges holds it. Ranges of commits (GIT) say nothing of
   versions.
2. In a range, events are taken in the order of their versions: *introduced* (``0`` is before everything) begins,
   *fixed* ends before, *last_affected* ends after. Before any *limit* (``*`` is none) or not at all.
3. What was withdrawn affects nothing.
4. What cannot be compared is ``None``: unknown, which is neither yes nor no.
5. An advisory of a distribution names what it mends as *upstream*, or (AlmaLinux) as *related* alone. Where that is one
   thing, it is a name of the same; several are not, but it is ranked by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from msgspec import Struct, field

from chatward.assurance.cvss import base_score, rating
from chatward.assurance.versions import NEVER, Key, order, same_name

_ALMA: Final = ("ALSA-", "ALBA-", "ALEA-")
_EVENTS: Final = ("introduced", "fixed", "last_affected", "limit")
_INTRODUCED, _LAST_AFFECTED = 0, 2
_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_NAMED: Final = {"LOW": "low", "MODERATE": "medium", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "critical"}


class Range(Struct, frozen=True, omit_defaults=True):
    """``events``: objects with one member each."""

    type: str = ""
    events: tuple[dict[str, str], ...] = ()


class Package(Struct, frozen=True, omit_defaults=True):
    name: str = ""
    ecosystem: str = ""


class Score(Struct, frozen=True, omit_defaults=True):
    type: str = ""
    score: str = ""


class Affected(Struct, frozen=True, omit_defaults=True):
    package: Package | None = None
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    severity: tuple[Score, ...] = ()


class Told(Struct, frozen=True, omit_defaults=True):
    """What GitHub's advisories add."""

    severity: Any = None


class Advisory(Struct, frozen=True, omit_defaults=True):
    """The members that count; all others are passed over."""

    id: str
    modified: str = ""
    withdrawn: str | None = None
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    summary: str = ""
    severity: tuple[Score, ...] = ()
    affected: tuple[Affected, ...] = ()
    database_specific: Told = field(default_factory=Told)

    @property
    def ids(self) -> tuple[str, ...]:
        """All names of the same thing."""
        mended = self.mended
        return tuple(dict.fromkeys((self.id, *self.aliases, *(mended if len(mended) == 1 else ()))))

    @property
    def mended(self) -> tuple[str, ...]:
        """What it mends, by the names of others (rule 5)."""
        return self.upstream or (self.related if self.id.startswith(_ALMA) else ())

    def packages(self) -> set[tuple[str, str]]:
        """Ecosystem and name, as they are compared."""
        named = (one.package for one in self.affected if one.package is not None)
        return {
            (_place(one.ecosystem), same_name(one.ecosystem, one.name)) for one in named if one.name and one.ecosystem
        }

    def about(self, ecosystem: str, name: str) -> About:
        """What it says of one package."""
        wanted = same_name(ecosystem, name)
        own = [
            one
            for one in self.affected
            if one.package is not None
            and covers(_place(one.package.ecosystem), ecosystem)
            and same_name(one.package.ecosystem, one.package.name) == wanted
        ]
        scores = [
            base_score(score.score) for group in (*(one.severity for one in own), self.severity) for score in group
        ]
        known = [score for score in scores if score is not None]
        word = self.database_specific.severity
        told = _NAMED.get(word.upper(), "unknown") if isinstance(word, str) else "unknown"
        severity, score = (rating(max(known)), max(known)) if known else (told, None)
        return About(
            self.id,
            self.ids,
            self.mended,
            severity,
            score,
            () if self.withdrawn is not None else tuple(_Said(one, ecosystem) for one in own),
        )


@dataclass(frozen=True, slots=True)
class About:
    """What an advisory says of one package. ``mended``: what else it is ranked by. ``severity`` in words and ``score``
    (CVSS); words alone come from the database; neither: unknown."""

    id: str
    ids: tuple[str, ...]
    mended: tuple[str, ...]
    severity: str
    score: float | None
    _said: tuple[_Said, ...]

    def affects(self, version: str) -> bool | None:
        """Whether a version is affected; ``None`` where that cannot be said."""
        said: bool | None = False
        for one in self._said:
            found = one.holds(version)
            if found:
                return True
            said = None if found is None else said
        return said

    def fixed(self, version: str) -> str | None:
        """The first version after ``version`` that is named as fixed; ``None`` where none is."""
        fixes = [fix for one in self._said for fix in one.fixes]
        try:
            later = [(key(text), text) for key, text in fixes if key(text) > key(version)]
            return min(later, key=itemgetter(0))[1] if later else None
        except ValueError:
            return None


class _Said:
    """One entry of ``affected``, made ready to be asked about many versions."""

    def __init__(self, one: Affected, ecosystem: str) -> None:
        self._versions = one.versions
        self._key = key = order(ecosystem)
        self._alike: dict[tuple[str, ...], list[str]] | None = None
        self._spans: list[_Span] = []
        self._unsure = False
        for range_ in one.ranges:
            if range_.type == "GIT":
                continue
            by = order(ecosystem, range_.type)
            try:
                if by is None:
                    raise ValueError("no order")
                self._spans.append(_Span(range_.events, by))
            except (ValueError, TypeError):
                self._unsure = True
        self.fixes: list[tuple[Key, str]] = [
            (key, event["fixed"])
            for range_ in one.ranges
            if key is not None and range_.type in {"ECOSYSTEM", "SEMVER"}
            for event in range_.events
            if event.get("fixed", "<unfixed>") not in NEVER
        ]

    def holds(self, version: str) -> bool | None:
        if version in self._versions:
            return True
        unsure = self._unsure
        for span in self._spans:
            try:
                if version in span:
                    return True
            except (ValueError, TypeError):
                unsure = True
        if self._listed(version):
            return True
        return None if unsure else False

    def _listed(self, version: str) -> bool:
        """Whether it is in the list by another name: ``1.0`` and ``1.0.0`` are one."""
        key = self._key
        if key is None or not self._versions:
            return False
        if self._alike is None:
            self._alike = {}
            for one in self._versions:
                self._alike.setdefault(_numbers(one), []).append(one)
        for one in self._alike.get(_numbers(version), ()):
            with suppress(ValueError):
                if key(one) == key(version):
                    return True
        return False


class _Span:
    """One range. Raises ``ValueError`` where a version has no place in the order."""

    def __init__(self, events: Iterable[Mapping[str, str]], key: Key) -> None:
        self._key = key
        limits: list[str] = []
        marks: list[tuple[Any, int]] = []
        self._from_the_start = False
        for event in events:
            for kind, name in enumerate(_EVENTS):
                if name not in event:
                    continue
                at = event[name]
                if name == "limit":
                    limits.append(at)
                elif name == "introduced" and at == "0":
                    self._from_the_start = True
                else:
                    marks.append((key(at), kind))
        self._limits = None if not limits or "*" in limits else [key(one) for one in limits]
        # At one version an end comes before a beginning: what is fixed and introduced there again is affected.
        self._marks = sorted(marks, key=lambda mark: (mark[0], -mark[1]))

    def __contains__(self, version: str) -> bool:
        wanted = self._key(version)
        if self._limits is not None and not any(wanted < one for one in self._limits):
            return False
        affected = self._from_the_start
        for at, kind in self._marks:
            if wanted < at:
                break
            affected = kind == _INTRODUCED or (affected and kind == _LAST_AFFECTED and wanted == at)
        return affected


def _numbers(version: str) -> tuple[str, ...]:
    """The numbers of a version but for zeros and what comes after ``+``. What is equal in any order has the same
    numbers, so only versions that have are compared, which is the slow part."""
    return tuple(filter(None, (one.lstrip("0") for one in _DIGITS.findall(version.partition("+")[0]))))


def _place(ecosystem: str) -> str:
    """Without the stream that Red Hat names behind the release (``Red Hat:enterprise_linux:9::baseos``)."""
    return ecosystem.partition("::")[0]


def covers(listed: str, asked: str) -> bool:
    """Whether an advisory's ecosystem is a component's: the same, or the same without a release."""
    return listed == asked or listed == asked.partition(":")[0]
