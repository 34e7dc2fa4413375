"""What the ledger may say: a fixed vocabulary of events, and fields that cannot hold a sentence.

The rule: an entry says *that* something happened, never *what was written*. An event is one of ``core.events.Event``
(``subject:object:action``). A field's value is a number, a truth value, ``None``, or an identifier that
matches ``IDENTIFIER`` (or a list of those): letters, digits and ``_ . : / @ * + = -``, no blanks, at most 200
characters. A message does not fit through that, so a mistake in a caller is refused here rather than stored.
It is a second line: a caller still must not pass single words that people wrote. A field ``subject_ref`` must be a
reference that can be made worthless (``references``), never a plain id or its hash.

Refusals name the field and never the value. What was checked is what is written: ``encode`` returns the text
that goes to disk, so a mapping changed later changes nothing.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger.references import FORM

EVENTS: Final = frozenset(event.value for event in Event)

IDENTIFIER: Final = re.compile(r"[\w.:/@*+=-]{0,200}", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_MAX_LIST: Final = 200
_MAX_FIELDS: Final = 64
_MAX_TEXT: Final = 200

_is_identifier = IDENTIFIER.fullmatch
_is_reference = FORM.fullmatch
_is_name = _NAME.fullmatch

_ALLOWED: Final = bytes(code for code in range(128) if IDENTIFIER.fullmatch(chr(code)))
_PLAIN: Final = frozenset({int, bool, type(None)})
_SORTED: Final = orjson.OPT_SORT_KEYS
_names: set[str] = set()
"""Names of fields that were found well-formed before (at most ``_MAX_NAMES``)."""
_MAX_NAMES: Final = 1000


def encode(entry: Entry) -> tuple[str, str, bytes]:
    """Event, exchange id and the fields as compact JSON with sorted keys, once they are allowed.

    Raises ``ValueError`` that names the field, never its value. This is on the way of every message: the
    usual entry is checked as one joined string; whatever that does not settle goes field by field.
    """
    event, fields = entry.event, entry.fields
    if event not in EVENTS:
        raise ValueError("ledger entry: event is not in the vocabulary (chatward.core.events.Event)")
    texts = [entry.exchange]
    for value in fields.values():
        kind = type(value)
        if kind is str:
            texts.append(value)  # type: ignore[arg-type]
        elif kind is list or kind is tuple:
            texts += value  # type: ignore[arg-type]
        elif kind not in _PLAIN:
            return _encode_slowly(entry)
    try:
        joined = "".join(texts)
        if (
            joined.encode("ascii").translate(None, _ALLOWED)
            or not fields.keys() <= _names
            or ("subject_ref" in fields and not _is_reference(fields["subject_ref"]))  # type: ignore[call-overload]
            or (len(joined) > _MAX_TEXT and max(map(len, texts)) > _MAX_TEXT)
            or len(texts) > _MAX_LIST
            or len(fields) > _MAX_FIELDS
        ):
            return _encode_slowly(entry)
        name = event if type(event) is str else str.__str__(event)
        return name, texts[0], orjson.dumps(fields, None, _SORTED)
    except (TypeError, UnicodeEncodeError):  # orjson's errors are TypeErrors
        return _encode_slowly(entry)


def _encode_slowly(entry: Entry) -> tuple[str, str, bytes]:
    if not isinstance(entry.exchange, str) or _is_identifier(entry.exchange) is None:
        raise ValueError("ledger entry: exchange is not an identifier")
    if len(entry.fields) > _MAX_FIELDS:
        raise ValueError(f"ledger entry: more than {_MAX_FIELDS} fields")
    plain: dict[str, object] = {}
    for name, value in entry.fields.items():
        if type(name) is not str or _is_name(name) is None:
            raise ValueError("ledger entry: a field's name is not of the form [a-z][a-z0-9_]*")
        plain[name] = _checked(name, value)
    if len(_names) < _MAX_NAMES:
        _names.update(plain)
    return str.__str__(entry.event), str.__str__(entry.exchange), orjson.dumps(plain, option=_SORTED)


def _checked(name: str, value: object) -> object:
    """The value of one field as plain JSON data, or ``ValueError``."""
    if name == "subject_ref" and value is not None and not (isinstance(value, str) and _is_reference(value)):
        raise ValueError("ledger entry: field subject_ref is not a reference (chatward.ledger.references)")
    if isinstance(value, (list, tuple, set, frozenset)):
        if len(value) > _MAX_LIST:
            raise ValueError(f"ledger entry: field {name} holds more than {_MAX_LIST} items")
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [_scalar(name, item) for item in items]
    return _scalar(name, value)


def _scalar(name: str, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if _is_identifier(value) is None:
            raise ValueError(f"ledger entry: field {name} is not an identifier ({IDENTIFIER.pattern})")
        return str.__str__(value)
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 64:
            raise ValueError(f"ledger entry: field {name} does not fit into 64 bits")
        return int(value)
    if isinstance(value, float):
        if value - value != 0:  # infinity and NaN have no JSON
            raise ValueError(f"ledger entry: field {name} is not a finite number")
        return float(value)
    raise ValueError(f"ledger entry: field {name} is neither a number, an identifier nor a list of those")
