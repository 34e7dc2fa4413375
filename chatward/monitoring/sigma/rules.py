"""A set of Sigma rules: read from YAML, checked as a whole, and asked about entries one after another.

The rules:

1. A document is a detection (``logsource: product: chatward``, with ``service: ledger`` or none) or a correlation.
   Ids are UUIDs and stand once; a correlation names its rules by id, ``name`` or the name of their file.
2. A rule that a correlation names makes no alert of its own, unless the correlation says ``generate: true``.
3. Fields are those of the entry and ``event``, ``exchange``, ``seq``, ``level``, ``family`` (the event up to its first
   colon). What the first entry of a message says (``bot``, ``channel``, ``principal``, ``route``) is known of its
   later ones too, as long as it is among the last ``REMEMBERED`` messages.
4. Everything that is wrong with a file is an error at the start. Nothing of a rule is run: it is data.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from chatward.core.errors import ConfigError
from chatward.ledger.reading import Record
from chatward.monitoring.levels import Level, level
from chatward.monitoring.sigma.correlation import Correlation
from chatward.monitoring.sigma.detection import Fields, SigmaError, Test, detection

SHIPPED: Final = Path(__file__).parent.parent / "rules"
REMEMBERED: Final = 10_000
_SHARED: Final = ("bot", "channel", "principal", "route")
_LEVELS: Final = {one.label: one for one in Level}
_MAX_FILE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """One document. ``test`` or ``correlation`` is set."""

    id: str
    key: str
    """The file's name, with a number where a file has several."""
    name: str
    title: str
    level: Level
    tags: tuple[str, ...]
    test: Test | None = None
    correlation: Correlation | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that holds with an entry. ``about``: the values that it is about, by name."""

    rule: Rule
    record: Record
    about: Mapping[str, str] = field(default_factory=dict)


class Rules:
    """Asked about entries in their order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Raises ``ConfigError`` where rules do not fit together."""
        self.rules = tuple(rules)
        self._known: OrderedDict[str, dict[str, object]] = OrderedDict()
        named: dict[str, Rule] = {}
        for rule in rules:
            if rule.id in named:
                raise _wrong(rule.key, "its id is used twice")
            for name in (rule.id, rule.key, rule.name):
                if name:
                    named.setdefault(name, rule)
        self._feeds: dict[str, list[tuple[Rule, Correlation, str]]] = {}
        self._silent: set[str] = set()
        for rule in rules:
            for wanted in rule.correlation.rules if rule.correlation is not None else ():
                fed = named.get(wanted)
                if fed is None or fed.test is None:
                    raise _wrong(rule.key, "it names a rule that is not there, or no detection")
                assert rule.correlation is not None
                self._feeds.setdefault(fed.id, []).append((rule, rule.correlation, wanted))
                if not rule.correlation.generate:
                    self._silent.add(fed.id)

    @property
    def seconds(self) -> int:
        """How far back an entry can matter."""
        return max((rule.correlation.seconds for rule in self.rules if rule.correlation is not None), default=0)

    def matches(self, record: Record) -> list[Match]:
        """What holds with this entry, detections before correlations."""
        fields = self._fields(record)
        found: list[Match] = []
        correlated: list[Match] = []
        for rule in self.rules:
            if rule.test is None or not rule.test(fields):
                continue
            if rule.id not in self._silent:
                found.append(Match(rule, record, _about(fields)))
            for over, correlation, wanted in self._feeds.get(rule.id, ()):
                group = correlation.seen(wanted, fields, record.at)
                if group is not None:
                    named = dict(zip(correlation.group_by, group, strict=True))
                    correlated.append(Match(over, record, named))
        return found + correlated

    def _fields(self, record: Record) -> Fields:
        known = self._known.get(record.exchange) if record.exchange else None
        told = {name: record.fields[name] for name in _SHARED if name in record.fields}
        if record.exchange and told:
            known = {**(known or {}), **told}
            self._known[record.exchange] = known
            self._known.move_to_end(record.exchange)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        own = {
            "event": record.event,
            "family": record.event.partition(":")[0],
            "exchange": record.exchange,
            "seq": record.seq,
            "level": level(record).label,
        }
        return {**(known or {}), **record.fields, **own}


def _about(fields: Fields) -> dict[str, str]:
    """Who or what an alert of one entry is about."""
    for name in ("principal", "operator", "by", "user"):
        value = fields.get(name)
        if isinstance(value, str) and value:
            return {name: value}
    return {}


# --- reading ---------------------------------------------------------------------------------------------


def read(paths: Sequence[Path], without: Sequence[str] = ()) -> Rules:
    """The rules of files and folders (``*.yml``, ``*.yaml``). ``without``: patterns of keys, ids and names that are
    left out, with the correlations that name them. Raises ``ConfigError``."""
    found: list[Rule] = []
    for path in paths:
        files = sorted([*path.glob("*.yml"), *path.glob("*.yaml")]) if path.is_dir() else [path]
        if not files:
            raise _wrong(path.name, "the folder has no rules")
        for file in files:
            found += _of_file(file)
    left = [rule for rule in found if not any(fnmatchcase(one, p) for p in without for one in _names(rule))]
    gone = {name for rule in found if rule not in left for name in _names(rule)}
    return Rules([rule for rule in left if rule.correlation is None or not gone & set(rule.correlation.rules)])


def _names(rule: Rule) -> tuple[str, ...]:
    return tuple(name for name in (rule.key, rule.id, rule.name) if name)


def _of_file(file: Path) -> list[Rule]:
    try:
        import yaml  # noqa: PLC0415 - of the extra `siem`
    except ImportError as error:
        said = 'Sigma rules need the extra `siem`: uv pip install "chatward[siem]"'
        raise ConfigError(said, key="alerts", reason="extra-missing") from error
    try:
        if file.stat().st_size > _MAX_FILE:
            raise _wrong(file.name, "it is too large")
        documents = [one for one in yaml.safe_load_all(file.read_text("utf-8")) if one is not None]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise _wrong(file.name, "it cannot be read as YAML") from error
    return list(_of_documents(file, documents))


def _of_documents(file: Path, documents: Sequence[object]) -> Iterator[Rule]:
    for number, made in enumerate(documents, 1):
        key = file.stem if len(documents) == 1 else f"{file.stem}.{number}"
        try:
            if not isinstance(made, Mapping):
                raise SigmaError("a rule is a map")
            yield _rule(key, made)
        except SigmaError as error:
            raise _wrong(key, str(error)) from error


def _rule(key: str, made: Mapping[str, Any]) -> Rule:
    try:
        id_ = str(UUID(str(made.get("id"))))
    except ValueError:
        raise SigmaError("its id must be a UUID") from None
    title = made.get("title")
    if not isinstance(title, str) or not title.strip():
        raise SigmaError("it has no title")
    how = _LEVELS.get(str(made.get("level", "medium")))
    if how is None:
        raise SigmaError(f"its level must be one of {', '.join(_LEVELS)}")
    tags = made.get("tags") or []
    name = str(made.get("name") or "")
    if not isinstance(tags, list):
        raise SigmaError("its tags must be a list")
    known = (id_, key, name, title.strip()[:256], how, tuple(map(str, tags)))
    if isinstance(made.get("correlation"), Mapping):
        return Rule(*known, correlation=Correlation(made["correlation"]))
    source = made.get("logsource")
    if not isinstance(source, Mapping) or source.get("product") != "chatward":
        raise SigmaError("it is for another product: logsource.product must be chatward")
    if source.get("service", "ledger") != "ledger" or "category" in source:
        raise SigmaError("its logsource must have service: ledger, or none")
    if not isinstance(made.get("detection"), Mapping):
        raise SigmaError("it has no detection")
    return Rule(*known, test=detection(made["detection"]))


def _wrong(key: str, sentence: str) -> ConfigError:
    return ConfigError(
        f"the Sigma rule {key} cannot be used: {sentence}", key="monitoring.rules", reason="sigma-invalid"
    )
