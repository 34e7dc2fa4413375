"""A changed configuration before it is in force: whether it is good, what differs, and what it would have decided.

The rules:

1. A text is checked as the file would be, whole, by the same code (``configuration.load``); nothing is in force before
   it stands in the file, and the running gateway reads it from there as after any other edit.
2. A dry run decides the record's findings anew, by their deciding rule. The record has no text and no confidence: what
   depends on these is counted as not decidable, never guessed. What the old settings let pass is not on record as a
   finding, so a stricter threshold shows nothing here; ``chatward replay`` tries that on texts.
3. A file is replaced at once (written beside, then renamed), the one before is kept as ``.before``. Who applies names
   the version that was changed; where the file is another by now, nothing is written.
"""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from chatward.configuration import Loaded, SettingsError, load
from chatward.console.seeing import Seeing
from chatward.core.errors import ClientError, ConfigError
from chatward.core.values import Action, Category, Finding, Moment, Severity, Source
from chatward.policy.policy import Policy
from chatward.reload import changes, needs_restart
from chatward.settings import Route, Settings
from chatward.settings.types import dotted, values

MOST: Final = 1024 * 1024
BEFORE: Final = ".before"
_CREDENTIALS: Final = re.compile(r"//[^/@\s\"]*@")
_CATEGORIES: Final = (
    ("text.injection/indirect-", Category.INDIRECT_INJECTION),
    ("text.injection/", Category.INJECTION),
    ("text.pii/", Category.PII),
    ("text.secrets/", Category.SECRET),
    ("text.leak/", Category.LEAK),
    ("text.abuse/", Category.ABUSE),
    ("text.social", Category.SOCIAL_ENGINEERING),
    ("links.", Category.LINK),
)
"""Categories by the beginning of a rule: what a finding's entry does not say."""
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Told:
    """A problem of a text, with its place."""

    sentence: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Tried:
    """A text that was tried. Without ``settings`` it is not good, and ``problems`` say why."""

    text: str
    base: str
    problems: Sequence[Told] = ()
    warnings: Sequence[str] = ()
    diff: Sequence[tuple[str, str]] = ()
    changed: Sequence[tuple[str, str, str]] = ()
    restart: Sequence[str] = ()
    settings: Settings | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """Findings that would have been decided otherwise: rule, route, what was done, what would have been, how many."""

    rule: str
    route: str
    before: str
    after: str
    number: int


@dataclass(frozen=True, slots=True)
class DryRun:
    days: int
    findings: int
    moved: Sequence[Moved]
    unknown: int


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


def shown(settings: Settings, origins: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Key, value and origin of every setting; what stands before ``@`` in an address is left out."""
    rows = []
    for steps, value in values(settings):
        if value is not None:
            key = dotted(steps)
            told = _CREDENTIALS.sub("//…@", orjson.dumps(value, default=str).decode())
            rows.append((key, told, str(origins.get(key, "default"))))
    return rows


def read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError("The configuration file cannot be read.", reason="policy-unreadable", status=409) from error


def writable(file: Path | None) -> bool:
    """Whether the console may replace the file: elsewhere it is managed by others."""
    return file is not None and os.access(file, os.W_OK) and os.access(file.absolute().parent, os.W_OK)


def attempt(file: Path, text: str, current: Loaded, guards: Collection[str]) -> Tried:
    """What a text would be in place of the file."""
    if len(text.encode()) > MOST:
        raise ClientError("The file would be larger than 1 MiB.", reason="policy-invalid", status=413)
    before = read(file)
    diff = _diff(before, text)
    with tempfile.TemporaryDirectory(prefix="chatward-policy-") as folder:
        there = Path(folder) / file.name
        there.write_text(text, "utf-8")
        there.chmod(0o600)
        try:
            new = load(there, guards=guards)
        except ConfigError as error:
            others = error.others if isinstance(error, SettingsError) else ()
            problems = [Told(one.public, one.line) for one in (error, *others)]
            return Tried(text, digest(before), problems, diff=diff)
    keys = changes(current, new)
    return Tried(
        text,
        digest(before),
        warnings=new.warnings,
        diff=diff,
        changed=_changed(current, new, keys),
        restart=needs_restart(current, new),
        settings=new.settings,
    )


def replace(file: Path, text: str, base: str) -> None:
    """Writes the file. Raises ``ClientError`` (``policy-changed``: it is another than ``base`` by now)."""
    before = read(file)
    if digest(before) != base:
        raise ClientError("The file was changed meanwhile. Look at it again.", reason="policy-changed", status=409)
    _write(file.with_name(file.name + BEFORE), before, file)
    _write(file, text, file)


def back(file: Path) -> str:
    """The text of the version before. Raises ``ClientError`` (``policy-unreadable``)."""
    return read(file.with_name(file.name + BEFORE))


def has_before(file: Path | None) -> bool:
    return file is not None and file.with_name(file.name + BEFORE).is_file()


def dry_run(it: Seeing, old: Settings, new: Settings, days: int) -> DryRun:
    """The findings of the last ``days`` days by new settings."""
    first = it.first_since(it.clock() - days * 86_400)
    rows = it.happened.rows(
        "SELECT f.rule, f.route, f.side, j.action, f.action, count(*) FROM findings f JOIN judged j ON j.seq = f.seq"
        " WHERE f.seq >= ? GROUP BY 1, 2, 3, 4, 5",
        (first,),
    )
    today = datetime.fromtimestamp(it.clock(), UTC).date()
    moved: Counter[tuple[str, str, str, str]] = Counter()
    unknown = total = 0
    for rule, route, side, action, acted, number in rows:
        total += number
        after = _after(rule, route, side, acted, action, old, new, today)
        if after == UNKNOWN:
            unknown += number
        elif after != action:
            moved[(rule, route, action, after)] += number
    found = [Moved(*key, number) for key, number in moved.most_common()]
    return DryRun(days, total, found, unknown)


def _after(rule: str, name: str, side: str, acted: str, action: str, old: Settings, new: Settings, today: date) -> str:
    """What new settings would have done about a finding; ``UNKNOWN`` where that depends on what is not on record."""
    before, after = old.routes.get(name), new.routes.get(name)
    if before is None or after is None:
        return UNKNOWN
    if before == after:
        return action
    guard = rule.partition("/")[0]
    if not any(fnmatchcase(guard, pattern) for pattern in after.guards):
        return Action.ALLOW.label
    category = next((kind for prefix, kind in _CATEGORIES if rule.startswith(prefix)), None)
    decided = {_decided(rule, category, side, after, at, today) for at in _confidences(rule, before)}
    if len(decided) != 1 or _by_value(rule, before, after):
        return UNKNOWN
    [would] = decided
    if category is None and would != Action.ALLOW.label:
        would = acted  # its treatment is not of a category that is known here: only what switches it off shows
    return would if after.mode == "enforce" else Action.ALLOW.label


def _confidences(rule: str, before: Route) -> tuple[float, ...]:
    """It acted, so it was at least as sure as the old threshold."""
    own = [one.threshold for key, one in before.rules.items() if fnmatchcase(rule, key) and one.threshold is not None]
    return (max([before.threshold, *own]) if not own else min(own), 1.0)


def _decided(rule: str, category: Category | None, side: str, route: Route, confidence: float, today: date) -> str:
    policy = Policy(route, version="", today=today)
    reply = side == "reply"
    source = Source.BOT if reply else Source.TOOL if "/indirect-" in rule else Source.USER
    finding = Finding(rule, category or Category.POLICY, Severity.HIGH, confidence, (0, 0))
    moment = Moment.OUTPUT if reply else Moment.TOOL_CALL if side == "tool call" else Moment.INPUT
    return policy.decide(finding, moment, source).action.label


def _by_value(rule: str, before: Route, after: Route) -> bool:
    """Whether what differs speaks of values, which are not on record."""
    if before.allow != after.allow or before.allow_links != after.allow_links:
        return True
    new = [one for one in after.exceptions if one not in before.exceptions]
    return any(one.values and fnmatchcase(rule, one.rule) for one in new)


def _changed(old: Loaded, new: Loaded, keys: Iterable[str]) -> list[tuple[str, str, str]]:
    before, after = ({dotted(steps): value for steps, value in values(one.settings)} for one in (old, new))
    return [(key, _shown(before.get(key)), _shown(after.get(key))) for key in keys]


def _shown(value: Any) -> str:
    return "" if value is None else _CREDENTIALS.sub("//…@", orjson.dumps(value, default=str).decode())


def _diff(before: str, after: str) -> list[tuple[str, str]]:
    """Lines that differ, with two around them: ``+``, ``-``, blank, or ``@`` for a gap."""
    told = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return [(line[:1], line[1:] if line[:1] != "@" else "…") for line in list(told)[2:]]


def _write(file: Path, text: str, like: Path) -> None:
    mode = like.stat().st_mode & 0o777
    handle, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
