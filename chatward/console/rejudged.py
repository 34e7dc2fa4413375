"""What a file that is not in force would do otherwise, by rule and verdict: of messages, without their text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from chatward.settings import Settings

LINKS: Final = 5
"""Messages that are named of each difference."""
RouteOf = Callable[[str], str]
"""The route that a message of the record took; empty where it is not known."""


@dataclass(slots=True)
class Differing:
    """Messages that a rule decides otherwise: actions in force and by the other file, how many, and the first of
    them."""

    rule: str
    before: str
    after: str
    number: int = 0
    messages: list[str] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        return {"rule": self.rule, "before": self.before, "after": self.after, "number": self.number,
                "messages": self.messages}  # fmt: skip


class Differences:
    """Counts differences. The number of kinds is that of rules and actions, so it is bounded."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Differing] = {}

    def add(self, rules: Iterable[str], before: str, after: str, message: str) -> None:
        for rule in rules:
            one = self._found.setdefault((rule, before, after), Differing(rule, before, after))
            one.number += 1
            if message and message not in one.messages and len(one.messages) < LINKS:
                one.messages.append(message)

    def told(self) -> list[Differing]:
        """Copies, the most frequent first."""
        found = [Differing(one.rule, one.before, one.after, one.number, [*one.messages]) for one in
                 list(self._found.values())]  # fmt: skip
        return sorted(found, key=lambda one: (-one.number, one.rule, one.before, one.after))


@dataclass(frozen=True, slots=True)
class Rejudged:
    """Stored conversations that were judged anew. ``turns``: how many; ``changed``: how many of them differently;
    ``unknown``: how many could not be judged alike; ``whole``: nothing was left out for want of time or number."""

    days: int
    turns: int
    changed: int
    unknown: int
    whole: bool
    differing: Sequence[Differing]

    def told(self) -> dict[str, Any]:
        return {
            "days": self.days,
            "turns": self.turns,
            "changed": self.changed,
            "unknown": self.unknown,
            "whole": self.whole,
            "differences": [one.told() for one in self.differing],
        }


class Rejudges(Protocol):
    """Judges stored conversations twice (``rejudging.Rejudging``)."""

    def due(self, days: int) -> int:
        """How many turns it would judge."""
        ...

    def judge(self, current: Settings, new: Settings, days: int, route_of: RouteOf) -> Rejudged:
        """Raises ``ClientError`` (``policy-busy``) and ``ConfigError``."""
        ...


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What a shadow has found. ``digest``: of its file; times in seconds since 1970 UTC; ``share``: of messages that it
    takes; ``dropped``: not taken, for it was busy or they were long; ``ended``: why, empty while it goes on (``time``,
    ``settings``, ``operator``)."""

    digest: str
    since: float
    until: float
    share: float
    judged: int
    changed: int
    unknown: int
    dropped: int
    ended: str
    differing: Sequence[Differing]

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "differing"}
        return found | {"differences": [one.told() for one in self.differing]}


class Shadows(Protocol):
    """Judges what passes by another file too (``shadowing.Shadowing``)."""

    def start(self, current: Settings, new: Settings, *, digest: str, hours: float, share: float) -> None:
        """Raises ``ClientError`` (``policy-busy``) and ``ConfigError``."""
        ...

    def end(self) -> bool: ...

    def told(self) -> Shadowed | None: ...
