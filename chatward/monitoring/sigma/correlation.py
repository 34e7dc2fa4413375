"""Sigma correlations: how often, how many different, or what together, within a time and about the same.

The rules (Sigma specification 2.1, "correlation rules"):

1. ``event_count``: matches of its rules within ``timespan``, for each combination of the values of ``group-by``.
   ``value_count``: different values of ``condition.field`` among them. ``temporal``: each of its rules at least once;
   ``temporal_ordered``: in their order.
2. Time is the entries' own, so that what is read late is judged as it happened. An entry that lacks a field of
   ``group-by`` counts for nothing.
3. Once it holds it is told, and counting begins anew.
4. Bounded: at most ``GROUPS`` combinations are remembered (the one seen longest ago goes first), and of each
   no more than its condition needs. ``lt``, ``lte`` and ``eq`` ask for what did not happen, which a stream cannot tell:
   an error.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Final

from chatward.monitoring.sigma.detection import Fields, SigmaError

GROUPS: Final = 10_000
_MOST: Final = 100_000
"""The largest count that a condition may ask for."""
_ORDERED: Final = 1000
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIMESPAN: Final = re.compile(r"([1-9]\d{0,5})([smhd])")
_KINDS: Final = frozenset(("event_count", "value_count", "temporal", "temporal_ordered"))
_MAX_SPAN: Final = 7 * 86_400

Group = tuple[str, ...]
Seen = tuple[int, str]
"""When, and which value or which rule."""


class Correlation:
    """Remembers matches of the rules that it names. ``seen`` says whether it holds now."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        """Raises ``SigmaError``."""
        self.kind = str(made.get("type"))
        if self.kind not in _KINDS:
            raise SigmaError(f"a correlation is one of {', '.join(sorted(_KINDS))}")
        self.rules = _texts(made.get("rules"), "rules")
        self.group_by = _texts(made.get("group-by"), "group-by") if made.get("group-by") else ()
        if made.get("aliases"):
            raise SigmaError("aliases are not known here")
        self.seconds = _seconds(made.get("timespan"))
        self.generate = bool(made.get("generate", False))
        self._field, self._least = _condition(made.get("condition"), self.kind, len(self.rules))
        self._groups: OrderedDict[Group, deque[Seen]] = OrderedDict()

    def seen(self, rule: str, fields: Fields, at: int) -> Group | None:
        """One of its rules matched at ``at`` (nanoseconds); the group in which it holds now, or ``None``."""
        named = [fields.get(name) for name in self.group_by]
        if any(value is None for value in named):
            return None
        what = rule
        if self.kind == "value_count":
            value = fields.get(self._field)
            if value is None:
                return None
            what = str(value)
        group = tuple(map(str, named))
        found = self._groups.pop(group, None) or deque()
        self._groups[group] = found
        if len(self._groups) > GROUPS:
            self._groups.popitem(last=False)
        found.append((at, what))
        while found and found[0][0] <= at - self.seconds * 10**9:
            found.popleft()
        self._thin(found)
        if not self._holds(found):
            return None
        del self._groups[group]
        return group

    def _thin(self, found: deque[Seen]) -> None:
        """No more than the condition needs: the newest, of values and rules the newest of each."""
        if self.kind == "event_count":
            while len(found) > self._least:
                found.popleft()
        elif self.kind != "temporal_ordered" and len(found) > 2 * self._least:
            newest = {what: at for at, what in found}
            found.clear()
            found.extend(sorted((at, what) for what, at in newest.items()))
        elif self.kind == "temporal_ordered" and len(found) > _ORDERED:
            found.popleft()

    def _holds(self, found: deque[Seen]) -> bool:
        if self.kind == "event_count":
            return len(found) >= self._least
        if self.kind == "temporal_ordered":
            wanted = iter(self.rules)
            awaited = next(wanted)
            for _, what in found:
                if what == awaited:
                    awaited = next(wanted, "")
                    if not awaited:
                        return True
            return False
        return len({what for _, what in found}) >= self._least


def _texts(value: object, name: str) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise SigmaError(f"{name} is a list of names")
    return tuple(value)


def _seconds(value: object) -> int:
    found = _TIMESPAN.fullmatch(str(value))
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _MAX_SPAN:
        raise SigmaError("timespan is a number and s, m, h or d, at most 7d")
    return seconds


def _condition(value: object, kind: str, rules: int) -> tuple[str, int]:
    """The field whose values are counted, and the least number."""
    if kind.startswith("temporal"):
        if value is not None:
            raise SigmaError(f"{kind} takes no condition here")
        return "", rules
    if not isinstance(value, Mapping):
        raise SigmaError("condition is a map such as {gte: 10}")
    compared = {name: one for name, one in value.items() if name != "field"}
    if len(compared) != 1 or not compared.keys() <= {"gt", "gte"}:
        raise SigmaError("condition has gte or gt, and nothing else")
    name, number = next(iter(compared.items()))
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= _MOST:
        raise SigmaError("condition compares with a whole number")
    field = value.get("field", "")
    if (kind == "value_count") != bool(field) or not isinstance(field, str):
        raise SigmaError("value_count, and it alone, says which field is counted: condition.field")
    return field, number + (name == "gt")
