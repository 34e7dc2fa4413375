"""What controls rest on: the code, what it does when it is tried, the settings, and the record up to a checkpoint.

The rules:

1. A control is *enforced* only if its code is found, and does what it says when it is tried (``probe``), every time
   that this is asked. Code that is gone, or that answers otherwise, makes it *not assessed*, with the reason.
2. Its state is one of the five of ``privacy.requirements``. Switched on and without an entry in the record:
   *unobserved*.
3. Evidence is counted up to an entry of the record, so whoever has the same record and settings counts the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from chatward.assurance.drills import Drill, lacking
from chatward.core.events import Event
from chatward.core.values import Verdict
from chatward.ledger.reading import Record
from chatward.privacy.requirements import Requirement, Status
from chatward.settings import Settings

Check = Callable[[str, str], Verdict]
"""What the configured guards say of a text, and of whom it is (``user``, ``assistant``)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How often something was recorded, first and last (nanoseconds since 1970), and the last entries' numbers."""

    count: int
    first: int
    last: int
    entries: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What controls are asked with. ``check``: ``None`` where guards are not to be tried. ``drills``: the newest of
    each kind; ``now``: from when their age is seen (seconds since 1970)."""

    settings: Settings
    seen: Mapping[str, Seen] = field(default_factory=dict)
    check: Check | None = None
    drills: Mapping[str, Drill] = field(default_factory=dict)
    now: float = 0.0


Probe = Callable[[Context], bool]
_DRILLS: Final = {"gdpr.9": "erasure", "gdpr.15": "incident", "hipaa.14": "incident"}
"""Requirements of laws that rest on drills."""


@dataclass(frozen=True, slots=True)
class Control:
    """One line of a catalogue. ``enforced_by``: ``module:name`` of live objects; ``evidence``: events, or
    ``event/reason``, of which one is enough, or one of each of ``parts``; ``near``: ids of other catalogues; ``limit``:
    what of it is not done; ``drill``: the kind without which it does not count as observed."""

    id: str
    catalogue: str
    sentence: str
    enforced_by: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    on: Callable[[Settings], bool] = lambda settings: True
    probe: Probe | None = None
    limit: str = ""
    duty: bool = False
    near: tuple[str, ...] = ()
    clause: str = ""
    drill: str = ""
    parts: tuple[tuple[str, ...], ...] = ()

    def status(self, context: Context) -> tuple[Status, str]:
        """Its state, and why where its code does not hold."""
        if self.duty:
            return Status.DUTY, ""
        if not self.enforced_by:
            return Status.NOT_ASSESSED, ""
        why = broken(self.enforced_by)
        if why:
            return Status.NOT_ASSESSED, why
        if not self.on(context.settings):
            return Status.OFF, ""
        if self.probe is not None:
            try:
                good = self.probe(context)
            except Exception as error:  # whatever breaks is no proof
                return Status.NOT_ASSESSED, f"trying it failed: {type(error).__name__}"
            if not good:
                return Status.NOT_ASSESSED, "it was tried, and did not do what it says"
        why = lacking(self.drill, context.settings.assurance.drills, context.drills, context.now) if self.drill else ""
        if why:
            return Status.UNOBSERVED, why
        found = all(any(name in context.seen for name in part) for part in self.parts or (self.evidence,))
        return (Status.OBSERVED if found else Status.UNOBSERVED), ""


def broken(names: Iterable[str]) -> str:
    """Why code is not there; empty where all of it is."""
    for name in names:
        module, _, attribute = name.partition(":")
        try:
            attrgetter(attribute)(importlib.import_module(module))
        except (ImportError, AttributeError):
            return f"its code is not there: {name}"
    return ""


def of_law(requirement: Requirement) -> Control:
    """A requirement of a law as a control."""
    profile = requirement.profile

    def on(settings: Settings) -> bool:
        return requirement.status(settings, {}) is not Status.OFF

    return Control(
        requirement.id,
        profile,
        requirement.sentence,
        requirement.enforced_by,
        requirement.evidence,
        on,
        limit=requirement.limit,
        duty=requirement.duty,
        clause=requirement.law,
        drill=_DRILLS.get(requirement.id, ""),
    )


def gathered(records: Iterable[Record], most: int = 5, before: Mapping[str, Seen] | None = None) -> dict[str, Seen]:
    """What was recorded, by event and, for refusals and drills, by ``event/reason`` or ``event/kind``; with at most so
    many entries' numbers.
    ``before``: what was gathered of earlier entries."""
    found = dict(before or {})
    for record in records:
        names = [record.event]
        why = record.fields.get("reason")
        if record.event == Event.REQUEST_REFUSED.value and isinstance(why, str):
            names.append(f"{record.event}/{why}")
        kind = record.fields.get("kind")
        if record.event == Event.DRILL_RECORDED.value and isinstance(kind, str):
            names.append(f"{record.event}/{kind}")
        for name in names:
            old = found.get(name)
            if old is None:
                found[name] = Seen(1, record.at, record.at, (record.seq,))
            else:
                found[name] = Seen(old.count + 1, old.first, record.at, (*old.entries, record.seq)[-most:])
    return found


def row(control: Control, context: Context) -> dict[str, Any]:
    """A control with its state and everything behind it."""
    status, why = control.status(context)
    return {
        "id": control.id,
        "catalogue": control.catalogue,
        "clause": control.clause or None,
        "sentence": control.sentence,
        "status": status.value,
        "why": why or None,
        "limit": control.limit or None,
        "near": list(control.near),
        "enforced_by": list(control.enforced_by),
        "tried": control.probe is not None and status in {Status.OBSERVED, Status.UNOBSERVED},
        "evidence": {
            name: {
                "count": one.count,
                "first": one.first // 1_000_000_000,
                "last": one.last // 1_000_000_000,
                "entries": list(one.entries),
            }
            for name in control.evidence
            if (one := context.seen.get(name)) is not None
        },
        "asked": list(control.evidence),
    }
