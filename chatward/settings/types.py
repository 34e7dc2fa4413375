"""What each setting's type allows, said in plain words.

The rule: the types of ``chatward.settings`` are the only source. ``walk`` compares a parsed document with them and
names every key that is unknown, missing or of the wrong kind, each with its path; a value is never quoted,
except one that had to be from a short list. ``from_text`` reads a value that came as text (environment, command line).
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date, time
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect as types

Steps = tuple[str | int, ...]
"""A key from the top down; an ``int`` is the index in a list."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_TRUTH: Final = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def dotted(steps: Steps) -> str:
    """A key as one writes it: ``routes."my route".exceptions[0].owner``."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = step if _BARE.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """``; did you mean `x`?`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""


@cache
def _info(settings: type[msgspec.Struct]) -> types.Type:
    """What a section's fields allow: to find it takes longer than to compare a document with it."""
    return types.type_info(settings)


def walk(settings: type[msgspec.Struct], document: dict[str, Any]) -> list[tuple[Steps, str]]:
    """Every problem of a document: its key and a sentence."""
    return list(_walk(_info(settings), document, ()))


def unknown_key(settings: type[msgspec.Struct], steps: Steps) -> str | None:
    """Why there is no such key, or ``None``."""
    info = _info(settings)
    for position, step in enumerate(steps):
        info = _plain(info)
        if isinstance(info, types.StructType):
            field = _field(info, str(step))
            if field is None:
                return f"unknown key{did_you_mean(str(step), _names(info))}"
            info = field.type
        elif isinstance(info, types.DictType):
            if step == "":
                return "a name is missing"
            info = info.value_type
        else:
            return f"unknown key: {dotted(steps[:position])} is no section"
    return None


def is_section(settings: type[msgspec.Struct], steps: Steps) -> bool:
    """Whether the key holds further keys."""
    info = _at(settings, steps)
    return isinstance(info, (types.StructType, types.DictType)) or (
        isinstance(info, types.VarTupleType) and isinstance(_plain(info.item_type), types.StructType)
    )


def from_text(settings: type[msgspec.Struct], steps: Steps, text: str) -> tuple[Any, str | None]:
    """The value that a text stands for as the key's type, or a sentence why it stands for none.

    Lists are separated by commas, or written as in TOML: ``["a", "b"]``.
    """
    if is_section(settings, steps):
        return None, "it is a section; set its keys one by one"
    info = _at(settings, steps)
    stripped = text.strip()
    if isinstance(info, types.BoolType):
        return (_TRUTH[stripped.lower()], None) if stripped.lower() in _TRUTH else (None, "must be true or false")
    if isinstance(info, types.IntType):
        return (
            (int(stripped), None) if re.fullmatch(r"[+-]?[0-9]{1,18}", stripped) else (None, "must be a whole number")
        )
    if isinstance(info, types.FloatType):
        try:
            return float(stripped), None
        except ValueError:
            return None, "must be a number"
    if isinstance(info, types.VarTupleType):
        if not stripped.startswith("["):
            return [item for item in (item.strip() for item in text.split(",")) if item], None
        try:
            return tomllib.loads(f"list = {stripped}")["list"], None
        except tomllib.TOMLDecodeError:
            return None, "is not a list: separate its items by commas"
    return text, None


def values(settings: msgspec.Struct, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every key with its value. Lists of words and numbers are one value; sections are entered."""
    for name in settings.__struct_fields__:
        yield from _values(getattr(settings, name), (*steps, name))


def _values(value: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, msgspec.Struct):
        yield from values(value, steps)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _values(inner, (*steps, name))
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        for index, inner in enumerate(value):
            yield from _values(inner, (*steps, index))
    else:
        yield steps, value


# --- types in words --------------------------------------------------------------------------------------


def _walk(info: types.Type, value: Any, steps: Steps) -> Iterator[tuple[Steps, str]]:
    info = _plain(info)
    if isinstance(info, types.StructType):
        yield from _walk_section(info, value, steps)
    elif isinstance(info, types.DictType):
        if not isinstance(value, dict):
            yield steps, f"must be a section, not {_kind(value)}"
            return
        for name, inner in value.items():
            yield from _walk(info.value_type, inner, (*steps, name))
    elif isinstance(info, types.VarTupleType):
        if not isinstance(value, list):
            yield steps, f"must be a list, not {_kind(value)}"
            return
        for index, inner in enumerate(value):
            yield from _walk(info.item_type, inner, (*steps, index))
    elif (sentence := _scalar(info, value)) is not None:
        yield steps, sentence


def _walk_section(info: types.StructType, value: Any, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if not isinstance(value, dict):
        yield steps, f"must be a section, not {_kind(value)}"
        return
    for name, inner in value.items():
        field = _field(info, name)
        if field is None:
            yield (*steps, name), f"unknown key{did_you_mean(name, _names(info))}"
        else:
            yield from _walk(field.type, inner, (*steps, name))
    for field in info.fields:
        if field.required and field.name not in value:
            yield steps, f"`{field.name}` is missing"


def _scalar(info: types.Type, value: Any) -> str | None:
    if isinstance(info, types.BoolType):
        return None if isinstance(value, bool) else f"must be true or false, not {_kind(value)}"
    if isinstance(info, types.LiteralType):
        if value in info.values:
            return None
        choices = [str(choice) for choice in info.values]
        hint = did_you_mean(value, choices) if isinstance(value, str) else f", not {_kind(value)}"
        return f"must be one of {', '.join(choices)}{hint}"
    if isinstance(info, types.IntType):
        if not isinstance(value, int) or isinstance(value, bool):
            return f"must be a whole number, not {_kind(value)}"
        return _bounds(info, value)
    if isinstance(info, types.FloatType):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return f"must be a number, not {_kind(value)}"
        return _bounds(info, value) if math.isfinite(value) else "must be a finite number"
    if isinstance(info, types.StrType):
        return None if isinstance(value, str) else f"must be text, not {_kind(value)}"
    raise TypeError(f"settings have a type without words: {type(info).__name__}")


def _bounds(info: types.IntType | types.FloatType, value: float) -> str | None:
    if info.gt is not None and value <= info.gt:
        return f"must be more than {info.gt:g}"
    low, high = info.ge, info.le
    if (low is not None and value < low) or (high is not None and value > high):
        if low is None or high is None:
            return f"must be at least {low:g}" if low is not None else f"must be at most {high:g}"
        return f"must be from {low:g} to {high:g}"
    return None


def _kind(value: Any) -> str:
    """What a TOML value is, in a word."""
    for kind, word in (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "a section"),
        ((date, time), "a date or time"),
    ):
        if isinstance(value, kind):
            return word
    return "something else"


def _plain(info: types.Type) -> types.Type:
    """Without its description; of an optional type the type (TOML has no null)."""
    while True:
        if isinstance(info, types.Metadata):
            info = info.type
        elif isinstance(info, types.UnionType):
            (info,) = (member for member in info.types if not isinstance(member, types.NoneType))
        else:
            return info


def _at(settings: type[msgspec.Struct], steps: Steps) -> types.Type | None:
    info = _info(settings)
    for step in steps:
        info = _plain(info)
        if isinstance(info, types.StructType):
            field = _field(info, str(step))
            if field is None:
                return None
            info = field.type
        elif isinstance(info, types.DictType):
            info = info.value_type
        else:
            return None
    return _plain(info)


def _field(info: types.StructType, name: str) -> types.Field | None:
    return next((field for field in info.fields if field.name == name), None)


def _names(info: types.StructType) -> list[str]:
    return [field.name for field in info.fields]
