r"""One Sigma detection as a test of an entry: selections, their values, and the condition over them.

The rules (Sigma specification 2.1, "Sigma rules" and "modifiers"):

1. A selection is a map of fields, all of which must hold, or a list of such maps, one of which must. The values of a
   field are alternatives; with ``all`` every one must hold. Of a field that is a list, one item is enough for a value.
2. Texts are compared without regard to case (unless ``cased``), ``*`` and ``?`` stand for any characters and any one;
   ``\`` takes that from them. ``contains``, ``startswith``, ``endswith`` put ``*`` around. ``null``: there is no field.
3. ``re`` is a regular expression that is found anywhere, case and all (``i``: without); ``gt``, ``gte``, ``lt``,
   ``lte`` compare numbers; ``exists`` asks whether the field is there.
4. A condition has names of selections, ``1 of``, ``any of`` and ``all of`` a pattern or ``them`` (without names that
   begin with ``_``), ``not``, ``and``, ``or`` (which binds the least) and brackets.
5. What is not known here (keywords without a field, other modifiers, placeholders) is an error, never a rule that
   cannot match. Regular expressions are RE2's: none takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import re2  # type: ignore[import-untyped]

Fields = Mapping[str, object]
Test = Callable[[Fields], bool]
"""Whether an entry, as a flat map of fields, is meant."""

_MODIFIERS: Final = frozenset(
    ("contains", "startswith", "endswith", "all", "cased", "re", "i", "exists", "gt", "gte", "lt", "lte")
)
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}
_TOKEN: Final = re.compile(r"\s*(\(|\)|[A-Za-z0-9_.*?-]+)")
_WILD: Final = "*?\\"


class SigmaError(ValueError):
    """A rule that cannot be used. Its text says why, and never quotes an entry."""


def detection(made: Mapping[str, Any]) -> Test:
    """The test of the ``detection`` of a rule. Raises ``SigmaError``."""
    conditions = made.get("condition")
    if isinstance(conditions, str):
        conditions = [conditions]
    if not isinstance(conditions, list) or not conditions or not all(isinstance(one, str) for one in conditions):
        raise SigmaError("detection has no condition")
    named = {str(name): _selection(value) for name, value in made.items() if name != "condition"}
    if not named:
        raise SigmaError("detection has no selection")
    return _any([_Condition(text, named).parsed() for text in conditions])


# --- selections ------------------------------------------------------------------------------------------


def _selection(value: object) -> Test:
    if isinstance(value, Mapping) and value:
        return _all([_item(str(key), wanted) for key, wanted in value.items()])
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        return _any([_selection(one) for one in value])
    raise SigmaError("a selection is a map of fields, or a list of such maps")


def _item(key: str, wanted: object) -> Test:
    field, *modifiers = key.split("|")
    unknown = [one for one in modifiers if one not in _MODIFIERS]
    if not field or unknown:
        raise SigmaError(f"{key}: " + (f"the modifier {unknown[0]} is not known here" if unknown else "no field"))
    if "exists" in modifiers:
        if not isinstance(wanted, bool):
            raise SigmaError(f"{key}: exists is true or false")
        return lambda fields: (fields.get(field) is not None) is wanted
    values = wanted if isinstance(wanted, list) else [wanted]
    if not values:
        raise SigmaError(f"{key}: no value")
    tests = [_value(key, field, one, frozenset(modifiers)) for one in values]
    return _all(tests) if "all" in modifiers else _any(tests)


def _value(key: str, field: str, wanted: object, modifiers: frozenset[str]) -> Test:
    if wanted is None:
        return lambda fields: fields.get(field) is None
    compare = next((_COMPARE[one] for one in _COMPARE if one in modifiers), None)
    if compare is not None:
        if isinstance(wanted, bool) or not isinstance(wanted, (int, float)):
            raise SigmaError(f"{key}: a number is compared")
        limit = float(wanted)
        return _over(field, lambda one: _is_number(one) and compare(float(one), limit))  # type: ignore[arg-type]
    if isinstance(wanted, bool):
        return _over(field, lambda one: one is wanted)
    if isinstance(wanted, (int, float)) and not modifiers & {"re", "contains", "startswith", "endswith"}:
        return _over(field, lambda one: (_is_number(one) and one == wanted) or one == str(wanted))
    matches = _pattern(key, str(wanted), modifiers)
    return _over(field, lambda one: matches(_text(one)))


def _over(field: str, test: Callable[[object], bool]) -> Test:
    """One value of a field, or one item of a list."""

    def holds(fields: Fields) -> bool:
        value = fields.get(field)
        if isinstance(value, (list, tuple)):
            return any(test(one) for one in value)
        return value is not None and test(value)

    return holds


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _pattern(key: str, text: str, modifiers: frozenset[str]) -> Callable[[str], bool]:
    if "re" not in modifiers and text.isascii() and not any(one in text for one in _WILD):
        return _literal(text, modifiers)
    try:
        if "re" in modifiers:
            made = re2.compile(f"(?i){text}" if "i" in modifiers else text)
            return lambda value: made.search(value) is not None
        before = ".*" if modifiers & {"contains", "endswith"} else ""
        after = ".*" if modifiers & {"contains", "startswith"} else ""
        flags = "(?s)" if "cased" in modifiers else "(?is)"
        whole = re2.compile(flags + before + wildcards(text) + after)
    except re2.error as error:
        raise SigmaError(f"{key}: the regular expression cannot be used") from error
    return lambda value: whole.fullmatch(value) is not None


def _literal(text: str, modifiers: frozenset[str]) -> Callable[[str], bool]:
    """The same as the expression, several times faster: most values have no wildcard."""
    cased = "cased" in modifiers
    wanted = text if cased else text.lower()

    def folded(value: str) -> str:
        return value if cased else value.lower()

    if "contains" in modifiers or {"startswith", "endswith"} <= modifiers:
        return lambda value: wanted in folded(value)
    if "startswith" in modifiers:
        return lambda value: folded(value).startswith(wanted)
    if "endswith" in modifiers:
        return lambda value: folded(value).endswith(wanted)
    return lambda value: folded(value) == wanted


def wildcards(text: str) -> str:
    """A value with ``*`` and ``?`` as a regular expression."""
    found, at = [], 0
    while at < len(text):
        one = text[at]
        if one == "\\" and text[at + 1 : at + 2] and text[at + 1] in _WILD:
            at += 1
            found.append(re2.escape(text[at]))
        else:
            found.append({"*": ".*", "?": "."}.get(one) or re2.escape(one))
        at += 1
    return "".join(found)


# --- conditions ------------------------------------------------------------------------------------------


class _Condition:
    """Recursive descent: ``or`` of ``and`` of ``not`` of what stands alone."""

    def __init__(self, text: str, named: Mapping[str, Test]) -> None:
        self._named = named
        self._tokens: list[str] = []
        at = 0
        text = text.strip()
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                raise SigmaError("the condition cannot be read")
            self._tokens.append(token[1])
            at = token.end()
        self._at = 0

    def parsed(self) -> Test:
        test = self._or()
        if self._peek():
            raise SigmaError("the condition goes on where it should end")
        return test

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _taken(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _or(self) -> Test:
        tests = [self._and()]
        while self._peek().lower() == "or":
            self._taken()
            tests.append(self._and())
        return _any(tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._peek().lower() == "and":
            self._taken()
            tests.append(self._not())
        return _all(tests)

    def _not(self) -> Test:
        if self._peek().lower() == "not":
            self._taken()
            test = self._not()
            return lambda fields: not test(fields)
        return self._alone()

    def _alone(self) -> Test:
        token = self._taken()
        if token == "(":
            test = self._or()
            if self._taken() != ")":
                raise SigmaError("the condition has an open bracket")
            return test
        if token in {"1", "any", "all"} and self._peek().lower() == "of":
            self._taken()
            return (_all if token == "all" else _any)(self._these(self._taken()))
        if token not in self._named:
            raise SigmaError("the condition names a selection that is not there")
        return self._named[token]

    def _these(self, pattern: str) -> list[Test]:
        if pattern == "them":
            tests = [test for name, test in self._named.items() if not name.startswith("_")]
        else:
            tests = [test for name, test in self._named.items() if fnmatchcase(name, pattern)]
        if not pattern or not tests:
            raise SigmaError("the condition asks for selections that are not there")
        return tests


def _all(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda fields: all(test(fields) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda fields: any(test(fields) for test in tests)
