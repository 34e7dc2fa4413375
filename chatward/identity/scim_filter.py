"""SCIM's filters and paths: read by the grammar of RFC 7644 sections 3.4.2.2 and 3.5.2, and turned into functions.

The rules:

1. ``not`` binds before ``and``, ``and`` before ``or``; operators and attributes in any case.
2. A filter is checked against the type it is for before anything is looked at: an order of truth values or ``co`` of a
   number is an error (``invalidFilter``) whether there is a resource or not. An attribute that the type does not have
   is one without a value.
3. Where an attribute has several values, one that fits is enough; without a sub-attribute it is their ``value``.
   ``eq null`` is "has no value" (RFC 7643 section 2.5), and ``ne`` is the opposite of ``eq`` in every case.
4. Text is compared in any case unless its attribute says otherwise; times as times.
5. Bounded: ``MAX_FILTER`` characters, ``MAX_DEPTH`` brackets deep. What is wrong is never quoted in an error.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from chatward.identity.scim_schema import Attribute, Kind, ScimError, find

MAX_FILTER: Final = 4000
MAX_DEPTH: Final = 20
_COMPARES: Final = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
_PARTS: Final = frozenset({"co", "sw", "ew"})
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<mark>[()\[\]])
    |(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))
    |(?P<word>(?:urn:[A-Za-z0-9:._-]+:)?[A-Za-z$][A-Za-z0-9$_-]*(?:\.[A-Za-z$][A-Za-z0-9$_-]*)?)
    |(?P<dot>\.[A-Za-z$][A-Za-z0-9$_-]*))""",
    re.VERBOSE,
)
_WORD: Final = re.compile(r"(?:(urn:.+):)?([^:.]+)(?:\.([^.]+))?", re.IGNORECASE)

Test = Callable[[Mapping[str, Any]], bool]
Value = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Path:
    """``urn`` is the schema in front, or empty; ``sub`` the sub-attribute, or empty."""

    urn: str
    name: str
    sub: str = ""


@dataclass(frozen=True, slots=True)
class Present:
    path: Path


@dataclass(frozen=True, slots=True)
class Compare:
    path: Path
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Where:
    """Some value of a complex attribute passes ``filter``, whose paths are its sub-attributes."""

    path: Path
    filter: Filter


@dataclass(frozen=True, slots=True)
class Not:
    filter: Filter


@dataclass(frozen=True, slots=True)
class Both:
    left: Filter
    right: Filter


@dataclass(frozen=True, slots=True)
class Either:
    left: Filter
    right: Filter


Filter = Present | Compare | Where | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Target:
    """What a PATCH operation is about: an attribute, some of its values, a sub-attribute of it or of them."""

    path: Path
    where: Filter | None = None
    sub: str = ""


def read_filter(text: str) -> Filter:
    """Raises ``ScimError`` (``invalidFilter``)."""
    return _Reader(text, "invalidFilter").whole_filter()


def read_target(text: str) -> Target:
    """The path of a PATCH operation. Raises ``ScimError`` (``invalidPath``)."""
    return _Reader(text, "invalidPath").whole_target()


def read_path(text: str) -> Path:
    """An attribute as ``sortBy`` and ``attributes`` name it. Raises ``ScimError`` (``invalidPath``)."""
    target = read_target(text)
    if target.where is not None:
        _refuse("invalidPath")
    return target.path


class _Reader:
    """Recursive descent over tokens."""

    def __init__(self, text: str, wrong: str) -> None:
        self._wrong = wrong
        if len(text) > MAX_FILTER:
            _refuse(wrong)
        self._tokens = self._split(text)
        self._at = 0
        self._depth = 0

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at, end = [], 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at, end)
            if found is None or found.lastgroup is None:
                _refuse(self._wrong)
            tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        return tokens

    def whole_filter(self) -> Filter:
        found = self._either()
        if self._at < len(self._tokens):
            _refuse(self._wrong)
        return found

    def whole_target(self) -> Target:
        path = self._path(self._take("word"))
        where, sub = None, ""
        if self._is("mark", "["):
            where = self._bracketed()
            if self._at < len(self._tokens):
                sub = self._take("dot")[1:]
        if self._at < len(self._tokens) or (where is not None and path.sub):
            _refuse(self._wrong)
        return Target(path, where, sub)

    def _either(self) -> Filter:
        found = self._both()
        while self._word("or"):
            found = Either(found, self._both())
        return found

    def _both(self) -> Filter:
        found = self._one()
        while self._word("and"):
            found = Both(found, self._one())
        return found

    def _one(self) -> Filter:
        if self._is("mark", "("):
            return self._inside(")")
        word = self._take("word")
        if word.lower() == "not" and self._is("mark", "("):
            return Not(self._inside(")"))
        path = self._path(word)
        if self._is("mark", "["):
            return Where(path, self._bracketed())
        operator = self._take("word").lower()
        if operator == "pr":
            return Present(path)
        if operator not in _COMPARES:
            _refuse(self._wrong)
        return Compare(path, operator, self._value())

    def _bracketed(self) -> Filter:
        return self._inside("]")

    def _inside(self, closing: str) -> Filter:
        self._at += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            _refuse(self._wrong)
        found = self._either()
        if not self._is("mark", closing):
            _refuse(self._wrong)
        self._at += 1
        self._depth -= 1
        return found

    def _value(self) -> Value:
        if self._at >= len(self._tokens):
            _refuse(self._wrong)
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "word" and text.lower() in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[text.lower()]
        if kind not in {"text", "number"}:
            _refuse(self._wrong)
        try:
            value: Value = json.loads(text)
            if isinstance(value, str):
                value.encode()  # half a surrogate pair is no text
        except ValueError:
            _refuse(self._wrong)
        return value

    def _path(self, word: str) -> Path:
        found = _WORD.fullmatch(word)
        if found is None:
            _refuse(self._wrong)
        return Path(found[1] or "", found[2], found[3] or "")

    def _take(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            _refuse(self._wrong)
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _is(self, kind: str, text: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] == (kind, text)

    def _word(self, word: str) -> bool:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind == "word" and text.lower() == word:
                self._at += 1
                return True
        return False


# --- what a filter selects


def compiled(filter: Filter, kind: Kind) -> Test:
    """A test of resources (as JSON objects). Raises ``ScimError`` (``invalidFilter``)."""

    def lookup(path: Path) -> Attribute | None:
        ours = not path.urn or path.urn.lower() == kind.schema.lower()
        return kind.attribute(path.name) if ours else None

    return _compiled(filter, lookup)


def compiled_where(filter: Filter, attribute: Attribute) -> Test:
    """A test of the values of one complex attribute. Raises ``ScimError`` (``invalidFilter``)."""
    return _compiled(filter, lambda path: None if path.urn else find(attribute.subs, path.name))


def _compiled(filter: Filter, lookup: Callable[[Path], Attribute | None]) -> Test:
    match filter:
        case Not(inner):
            test = _compiled(inner, lookup)
            return lambda resource: not test(resource)
        case Both(left, right):
            one, other = _compiled(left, lookup), _compiled(right, lookup)
            return lambda resource: one(resource) and other(resource)
        case Either(left, right):
            one, other = _compiled(left, lookup), _compiled(right, lookup)
            return lambda resource: one(resource) or other(resource)
        case Where(path, inner):
            attribute = lookup(path)
            if path.sub or (attribute is not None and not attribute.subs):
                _refuse("invalidFilter")
            if attribute is None:
                _checked_shape(inner)
                return lambda resource: False
            name, test = attribute.name, compiled_where(inner, attribute)
            return lambda resource: any(test(value) for value in listed(resource.get(name)))
        case Present(path):
            read, _ = _values(path, lookup, whole=True)
            return lambda resource: any(has_value(value) for value in read(resource))
        case Compare(path, operator, value):
            return _comparison(path, operator, value, lookup)


def _checked_shape(filter: Filter) -> None:
    """What is wrong whatever it is about."""
    _compiled(filter, lambda path: None)


def _comparison(path: Path, operator: str, value: Value, lookup: Callable[[Path], Attribute | None]) -> Test:
    if operator == "ne":
        equal = _comparison(path, "eq", value, lookup)
        return lambda resource: not equal(resource)
    read, attribute = _values(path, lookup, whole=value is None)
    if value is None:
        if operator != "eq":
            _refuse("invalidFilter")
        return lambda resource: not any(has_value(found) for found in read(resource))
    test = _value_test(attribute, operator, value)
    return lambda resource: any(test(found) for found in read(resource))


def _value_test(attribute: Attribute | None, operator: str, value: Value) -> Callable[[Any], bool]:
    is_text = isinstance(value, str)
    if operator in _PARTS and not is_text:
        _refuse("invalidFilter")
    if operator != "eq" and (isinstance(value, bool) or (attribute is not None and attribute.type == "boolean")):
        _refuse("invalidFilter")
    if attribute is not None and attribute.type == "dateTime" and operator not in _PARTS:
        wanted = moment(value) if is_text else None
        if wanted is None:
            _refuse("invalidFilter")
        return lambda found: (at := moment(found)) is not None and _ordered(operator, at, wanted)
    fold = attribute is None or not attribute.exact

    def test(found: Any) -> bool:
        if isinstance(found, bool) or isinstance(value, bool):
            return found is value
        if isinstance(found, str) != is_text or not isinstance(found, (str, int, float)):
            return False
        if isinstance(found, str) and isinstance(value, str):
            left, right = (folded(found), folded(value)) if fold else (found, value)
            match operator:
                case "co":
                    return right in left
                case "sw":
                    return left.startswith(right)
                case "ew":
                    return left.endswith(right)
            return _ordered(operator, left, right)
        return _ordered(operator, found, value)

    return test


def _ordered(operator: str, left: Any, right: Any) -> bool:
    match operator:
        case "eq":
            return bool(left == right)
        case "gt":
            return bool(left > right)
        case "ge":
            return bool(left >= right)
        case "lt":
            return bool(left < right)
        case _:
            return bool(left <= right)


def _values(
    path: Path, lookup: Callable[[Path], Attribute | None], *, whole: bool
) -> tuple[Callable[[Mapping[str, Any]], list[Any]], Attribute | None]:
    """What gives the values that a path stands for, and their attribute. ``whole``: complex values as they are."""
    attribute = lookup(path)
    if attribute is None:
        return (lambda resource: []), None
    name = attribute.name
    sub = path.sub or ("value" if attribute.subs and not whole else "")
    if not sub:
        return (lambda resource: listed(resource.get(name))), attribute
    inner = attribute.sub(sub)
    if inner is None:
        return (lambda resource: []), None
    key = inner.name
    return (lambda resource: [value[key] for value in listed(resource.get(name)) if key in value]), inner


def listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def has_value(value: Any) -> bool:
    """RFC 7644 table 3, ``pr``: not empty."""
    return any(has_value(one) for one in value.values()) if isinstance(value, dict) else value not in (None, "", [])


def folded(text: str) -> str:
    """As texts are compared whose case does not matter."""
    return unicodedata.normalize("NFC", text).casefold()


def moment(value: object) -> datetime | None:
    """An xsd:dateTime (RFC 7643 section 2.3.5); without zone it is UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def sort_key(path: Path, kind: Kind) -> Callable[[Mapping[str, Any]], tuple[bool, str]]:
    """Orders resources ascending; those without a value come last (RFC 7644 section 3.4.2.3)."""
    attribute = kind.attribute(path.name) if not path.urn or path.urn.lower() == kind.schema.lower() else None
    if attribute is None:
        _refuse("invalidPath")
    read, inner = _values(path, lambda _: attribute, whole=False)

    def key(resource: Mapping[str, Any]) -> tuple[bool, str]:
        values = [str(value) for value in read(resource) if has_value(value)]
        text = values[0] if values else ""
        return not values, text if inner is not None and inner.exact else folded(text)

    return key


_PUBLIC: Final = {
    "invalidFilter": "The filter cannot be read, or compares what cannot be compared.",
    "invalidPath": "The path cannot be read, or names nothing that there is.",
}


def _refuse(scim_type: str) -> NoReturn:
    raise ScimError(scim_type, _PUBLIC[scim_type])
