"""Components against advisories: what is found, how urgent it is, and what could not be known.

The rules:

1. A scan has three outcomes for a component: affected, not affected, *unknown*. Unknown is: its ecosystem has no
   advisories here or old ones, its version or a range cannot be compared, or it could not be read in the first place.
2. Advisories that name each other (aliases) are one finding, as bad as the worst of them.
3. Order: known to be exploited; then the probability to be; then whether the bot's code imports it; then severity.
   What is exploited is due as critical. Not to be imported changes the order, and no day.
4. A maker's statement (VEX) closes a finding and is told with it; it does not hide it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby

from chatward.assurance.advisories import About
from chatward.assurance.cvss import SEVERITIES
from chatward.assurance.inventory import Component, Inventory
from chatward.assurance.osv import Advisories
from chatward.assurance.ranking import Ends, Exploited, Likely, cves_of
from chatward.assurance.reach import Reach
from chatward.assurance.vex import Statement, verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability in one component. ``closed``: why it does not count, in the maker's words. ``reached``: how the
    bot's code comes to import it, empty where no way was found; ``None``: that is not known."""

    component: Component
    ids: tuple[str, ...]
    severity: str
    score: float | None
    exploited: bool
    likely: float | None
    fixed: str | None
    closed: str = ""
    reached: tuple[str, ...] | None = None

    @property
    def id(self) -> str:
        return _shown(self.ids)

    @property
    def urgency(self) -> str:
        """By what it is due: one of ``critical``, ``high``, ``medium``, ``low``."""
        if self.exploited:
            return "critical"
        return {"unknown": "high", "none": "low"}.get(self.severity, self.severity)

    @property
    def rank(self) -> tuple[bool, float, bool, int, float]:
        """The smallest is the first."""
        return (
            not self.exploited,
            -(self.likely or 0.0),
            self.reached == (),
            SEVERITIES.index(self.severity),
            -(self.score or 0.0),
        )


@dataclass(frozen=True, slots=True)
class Lists:
    """What findings are ranked and closed by. ``problems``: what of it is not known, as sentences."""

    exploited: Exploited = field(default_factory=Exploited)
    likely: Likely = field(default_factory=Likely)
    ends: Ends = field(default_factory=Ends)
    statements: Sequence[Statement] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in ``target``. ``unknown``: sentences; empty: everything in it was looked up."""

    target: str
    components: int
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    unknown_components: frozenset[tuple[str, str]]
    """Ecosystem and name of those of which nothing can be said; ``*`` is all of them."""
    ended: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if not one.closed)


Reached = Callable[[], Reach]
"""What a bot's code imports; asked once, and only where something was found."""


def scan(
    target: str,
    inventory: Inventory,
    advisories: Advisories,
    lists: Lists,
    *,
    now: float,
    stale_after: float,
    reached: Reached = Reach,
) -> Scan:
    """Raises ``StoreError``."""
    fresh = advisories.fresh(now, stale_after)
    found: list[Finding] = []
    unsure: set[tuple[str, str]] = set()
    sentences: list[str] = []
    known = {ecosystem: fresh(ecosystem) for ecosystem in {one.ecosystem for one in inventory.components}}
    for ecosystem in sorted(name for name, good in known.items() if not good):
        sentences.append(f"{ecosystem}: there are no advisories, or old ones; import new ones")
        unsure.add((ecosystem, "*"))
    for (ecosystem, name), versions in groupby(sorted(inventory.components), key=lambda one: (one.ecosystem, one.name)):
        package = _Package([one.about(ecosystem, name) for one in advisories.of(ecosystem, name)], lists)
        for component in versions:
            affecting, open_ = package.affecting(component.version)
            for about in open_:
                sentences.append(f"{component.purl}: whether {about.id} affects it cannot be compared")
                unsure.add((ecosystem, name))
            found += (_finding(component, group, lists) for group in package.groups(affecting))
    if inventory.unread:
        shown = ", ".join(inventory.unread[:5]) + (" ..." if len(inventory.unread) > 5 else "")
        sentences.append(f"{len(inventory.unread)} parts cannot be looked up: {shown}")
        unsure.add(("*", "*"))
    sentences += lists.problems
    if any(one.component.ecosystem == "PyPI" for one in found):
        reach = reached()
        found = [_placed(one, reach) for one in found]
    today = datetime.fromtimestamp(now, UTC).date()
    ended = [lists.ends.ended(one.name, one.version, today) for one in inventory.components]
    return Scan(
        target,
        len(inventory.components),
        tuple(sorted(found, key=lambda one: (bool(one.closed), one.rank))),
        tuple(sentences),
        frozenset(unsure),
        tuple(sorted({one for one in ended if one is not None})),
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """Advisories that name each other, about one package."""

    ids: tuple[str, ...]
    severity: str
    score: float | None
    exploited: bool
    likely: float | None
    members: tuple[About, ...]


class _Package:
    """What is said of a package. Versions that the same advisories are about have the same groups."""

    def __init__(self, abouts: Sequence[About], lists: Lists) -> None:
        self._abouts = sorted(abouts, key=lambda one: one.id)
        self._lists = lists
        self._groups: dict[tuple[str, ...], list[_Group]] = {}

    def affecting(self, version: str) -> tuple[list[About], list[About]]:
        """What affects a version, and of what that cannot be said."""
        yes, open_ = [], []
        for one in self._abouts:
            said = one.affects(version)
            if said is None:
                open_.append(one)
            elif said:
                yes.append(one)
        return yes, open_

    def groups(self, affecting: Sequence[About]) -> list[_Group]:
        key = tuple(one.id for one in affecting)
        if key not in self._groups:
            made = (_group(members, self._lists) for members in _alike(affecting))
            self._groups[key] = sorted(made, key=lambda one: _shown(one.ids))
        return self._groups[key]


def _alike(abouts: Iterable[About]) -> Iterator[list[About]]:
    """Those that name each other together."""
    groups: list[tuple[set[str], list[About]]] = []
    for about in abouts:
        ids, members = set(about.ids), [about]
        rest = []
        for group in groups:
            if group[0].isdisjoint(ids):
                rest.append(group)
            else:
                ids |= group[0]
                members = [*group[1], *members]
        groups = [*rest, (ids, members)]
    return (members for _, members in groups)


def _group(members: Sequence[About], lists: Lists) -> _Group:
    ids = tuple(sorted({id_ for one in members for id_ in one.ids}))
    cves = cves_of({*ids, *(one for member in members for one in member.mended)})
    return _Group(
        ids,
        min((one.severity for one in members), key=SEVERITIES.index),
        max((one.score for one in members if one.score is not None), default=None),
        not lists.exploited.cves.isdisjoint(cves),
        max((lists.likely.scores[cve] for cve in cves if cve in lists.likely.scores), default=None),
        tuple(members),
    )


def _finding(component: Component, group: _Group, lists: Lists) -> Finding:
    fixes = (one.fixed(component.version) for one in group.members)
    said = verdict(lists.statements, group.ids, component) if lists.statements else None
    return Finding(
        component,
        group.ids,
        group.severity,
        group.score,
        group.exploited,
        group.likely,
        next((one for one in fixes if one is not None), None),
        "" if said is None else f"{said.status}: {said.reason}" if said.reason else said.status,
    )


def _placed(one: Finding, reach: Reach) -> Finding:
    """With the way to it, where that is known."""
    way = reach.of(one.component.name) if one.component.ecosystem == "PyPI" else None
    return one if way is None else replace(one, reached=way)


def _shown(ids: Sequence[str]) -> str:
    """The name to show: a CVE if there is one."""
    return next(iter(cves_of(ids)), ids[0])
