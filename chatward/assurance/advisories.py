"""One advisory in the OSV format (ossf.github.io/osv-schema, 1.7), and whether a version is affected by it.

The rules (section "Evaluation" of the schema):

1. A version is affected if it is listed, or if one of the ranges holds it. Ranges of commits (GIT) say nothing of
   versions.
2. In a range, events are taken in the order of their versions: *introduced* (``0`` is before everything) begins,
   *fixed* ends before, *last_affected* ends after. Before any *limit* (``*`` is none) or not at all.
3. What was withdrawn affects nothing.
4. What cannot be compared is ``None``: unknown, which is neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct, field

from chatward.assurance.cvss import base_score, rating
from chatward.assurance.versions import NEVER, Key, order, same_name

_EVENTS: Final = ("introduced", "fixed", "last_affected", "limit")
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
    summary: str = ""
    severity: tuple[Score, ...] = ()
    affected: tuple[Affected, ...] = ()
    database_specific: Told = field(default_factory=Told)

    @property
    def ids(self) -> tuple[str, ...]:
        """All names of the same thing."""
        return tuple(dict.fromkeys((self.id, *self.aliases)))

    def packages(self) -> set[tuple[str, str]]:
        """Ecosystem and name, as they are compared."""
        named = (one.package for one in self.affected if one.package is not None)
        return {(one.ecosystem, same_name(one.ecosystem, one.name)) for one in named if one.name and one.ecosystem}

    def affects(self, ecosystem: str, name: str, version: str) -> bool | None:
        """Whether a version of a package is affected; ``None`` where that cannot be said."""
        if self.withdrawn is not None:
            return False
        wanted = same_name(ecosystem, name)
        said: bool | None = False
        for one in self.affected:
            package = one.package
            if package is None or not covers(package.ecosystem, ecosystem):
                continue
            if same_name(package.ecosystem, package.name) != wanted:
                continue
            found = _holds(one, ecosystem, version)
            if found:
                return True
            said = None if found is None else said
        return said

    def fixed(self, ecosystem: str, name: str, version: str) -> str | None:
        """The first version after ``version`` that is named as fixed; ``None`` where none is."""
        wanted, key = same_name(ecosystem, name), order(ecosystem)
        named = [
            event["fixed"]
            for one in self.affected
            if one.package is not None
            and covers(one.package.ecosystem, ecosystem)
            and same_name(one.package.ecosystem, one.package.name) == wanted
            for range_ in one.ranges
            if range_.type in {"ECOSYSTEM", "SEMVER"}
            for event in range_.events
            if event.get("fixed", "<unfixed>") not in NEVER
        ]
        try:
            later = [one for one in named if key is not None and key(one) > key(version)]
            return min(later, key=key) if key is not None and later else None
        except ValueError:
            return None

    def rated(self, ecosystem: str, name: str) -> tuple[str, float | None]:
        """Severity in words and as a CVSS base score. Words alone come from the database; neither: unknown."""
        wanted = same_name(ecosystem, name)
        own = [
            one.severity
            for one in self.affected
            if one.package is not None and same_name(ecosystem, one.package.name) == wanted
        ]
        scores = [base_score(score.score) for group in (*own, self.severity) for score in group]
        known = [score for score in scores if score is not None]
        if known:
            return rating(max(known)), max(known)
        word = self.database_specific.severity
        return (_NAMED.get(word.upper(), "unknown"), None) if isinstance(word, str) else ("unknown", None)


def covers(listed: str, asked: str) -> bool:
    """Whether an advisory's ecosystem is a component's: the same, or the same without a release."""
    return listed == asked or listed == asked.partition(":")[0]


def _holds(one: Affected, ecosystem: str, version: str) -> bool | None:
    key = order(ecosystem)
    if _listed(one.versions, version, key):
        return True
    said: bool | None = False
    for range_ in one.ranges:
        if range_.type == "GIT":
            continue
        by = order(ecosystem, range_.type)
        if by is None:
            said = None
            continue
        try:
            if _in_range(range_.events, version, by):
                return True
        except (ValueError, TypeError):
            said = None
    return said


def _listed(versions: tuple[str, ...], version: str, key: Key | None) -> bool:
    if version in versions:
        return True
    if key is None or not versions:
        return False
    try:
        return key(version) in _keys(versions, key)
    except ValueError:
        return False


@lru_cache(maxsize=20_000)
def _keys(versions: tuple[str, ...], key: Key) -> frozenset[Any]:
    """Versions as they are compared: ``1.0`` and ``1.0.0`` are one."""
    found = set()
    for one in versions:
        with suppress(ValueError):
            found.add(key(one))
    return frozenset(found)


def _in_range(events: Iterable[Mapping[str, str]], version: str, key: Key) -> bool:
    """Raises ``ValueError`` where a version has no place in the order."""
    wanted = key(version)
    limits: list[str] = []
    marks: list[tuple[int, Any, int, str]] = []
    for event in events:
        for kind in _EVENTS:
            if kind not in event:
                continue
            at = event[kind]
            if kind == "limit":
                limits.append(at)
            elif kind == "introduced" and at == "0":
                marks.append((0, None, 0, kind))
            else:
                marks.append((1, key(at), _EVENTS.index(kind), kind))
    if limits and not any(one == "*" or wanted < key(one) for one in limits):
        return False
    first = [mark for mark in marks if mark[0] == 0]
    # At one version an end comes before a beginning: what is fixed and introduced there again is affected.
    rest = sorted((mark for mark in marks if mark[0] == 1), key=lambda mark: (mark[1], -mark[2]))
    affected = bool(first)
    for _, at, _, kind in rest:
        if kind == "introduced" and wanted >= at:
            affected = True
        elif (kind == "fixed" and wanted >= at) or (kind == "last_affected" and wanted > at):
            affected = False
    return affected
