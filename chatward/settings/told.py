"""What each setting is, in words: its kind, its default, and the docstring that stands below it.

The types of ``chatward.settings`` and their source are all that is read, so what is told is what is in force.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import inspect as types

from chatward.settings import Settings


@dataclass(frozen=True, slots=True)
class Told:
    """What a setting or a section is. ``place``: its section as the reference writes it (``routes.NAME``). A section
    has no ``key``; ``keys`` are what may stand in it."""

    place: str
    key: str
    meaning: str
    kind: str = ""
    default: str = ""
    keys: tuple[str, ...] = ()


def told(steps: Sequence[str], owner: type = Settings, place: str = "") -> Told | None:
    """The setting or section at a key, as a file names it; ``None`` where there can be none. Where names are free, any
    name will do; the sections of a list are told without an index."""
    if not steps:
        return Told(place, "", line(owner.__doc__ or ""), keys=tuple(field.encode_name for field in _fields(owner)))
    field = next((one for one in _fields(owner) if one.encode_name == steps[0]), None)
    if field is None:
        return None
    info, optional = optional_of(types.type_info(field.type))
    name = f"{place}.{steps[0]}" if place else steps[0]
    match info:
        case types.StructType():
            return told(steps[1:], info.cls, name)
        case types.VarTupleType() if isinstance(info.item_type, types.StructType):
            return told(steps[1:], info.item_type.cls, f"[{name}]")
        case types.DictType() if isinstance(info.value_type, types.StructType) and len(steps) > 1:
            return told(steps[2:], info.value_type.cls, f"{name}.NAME")
    if len(steps) > 1 and not isinstance(info, types.DictType):
        return None
    meaning = attribute_docs(owner, sys.modules[owner.__module__]).get(field.encode_name, "")
    return Told(place, field.encode_name, meaning, kind_of(info), default_of(field, optional).strip("`"))


def _fields(owner: type) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(owner)


def sections(owner: type = Settings, place: str = "") -> Iterator[tuple[str, type]]:
    """Each section's place in the file and its type, from the top down: ``routes.NAME.treatments``."""
    yield place, owner
    for field in msgspec.structs.fields(owner):
        info = optional_of(types.type_info(field.type))[0]
        name = f"{place}.{field.encode_name}" if place else field.encode_name
        if isinstance(info, types.StructType):
            yield from sections(info.cls, name)
        elif isinstance(info, types.DictType) and isinstance(info.value_type, types.StructType):
            key = '"ID"' if field.encode_name == "rules" else "NAME"
            yield from sections(info.value_type.cls, f"{name}.{key}")
        elif isinstance(info, types.VarTupleType) and isinstance(info.item_type, types.StructType):
            yield from sections(info.item_type.cls, f"[{name}]")


@cache
def attribute_docs(owner: type, module: Any) -> dict[str, str]:
    """Name -> the string that stands below each attribute of a class, as one line."""
    tree = ast.parse(inspect.getsource(module))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner.__name__)
    found: dict[str, str] = {}
    for node, after in pairwise(body):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            found.update(dict.fromkeys(names, line(after.value.value)))
    return found


def line(text: str) -> str:
    """A docstring as one line of Markdown."""
    return " ".join(text.split()).replace("``", "`")


def optional_of(info: types.Type) -> tuple[types.Type, bool]:
    if isinstance(info, types.Metadata):
        return optional_of(info.type)
    if isinstance(info, types.UnionType):
        rest = [one for one in info.types if not isinstance(one, types.NoneType)]
        if len(rest) == 1 and len(rest) < len(info.types):
            return rest[0], True
    return info, False


def kind_of(info: types.Type) -> str:
    """A type in words."""
    match info:
        case types.StrType():
            return "text"
        case types.BoolType():
            return "`true` or `false`"
        case types.IntType() | types.FloatType():
            return "whole number" + _bounds(info) if isinstance(info, types.IntType) else "number" + _bounds(info)
        case types.LiteralType():
            return ", ".join(f"`{value}`" for value in info.values)
        case types.VarTupleType():
            return "sections" if isinstance(info.item_type, types.StructType) else f"list of {kind_of(info.item_type)}"
        case types.StructType():
            return "section"
        case types.DictType():
            return "sections by name"
    raise TypeError(f"no words for {type(info).__name__}")


def _bounds(info: types.IntType | types.FloatType) -> str:
    low, high = info.ge, info.le
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if info.gt is not None:
        return f" above {info.gt:g}"
    return f" from {low:g}" if low is not None else ""


def default_of(field: msgspec.structs.FieldInfo, optional: bool) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return ""
    if field.default is msgspec.NODEFAULT:
        return "needed"
    if optional and field.default is None:
        return "none"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value)}`"
