"""The parts of the documentation that are written from live objects: settings, guards, events, commands.

The rule: a reference that a person has to keep in step with the program will not be. What stands in ``docs/`` between
``<!-- reference: NAME -->`` and ``<!-- end -->`` is made here, from the types, specs, enums and options that the
program itself uses, and a test compares. To write it anew: ``python -m chatward.reference docs``.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import typer
from msgspec import inspect as types

from chatward.cli import COMMANDS, Command
from chatward.core import events as events_module
from chatward.core.events import Event
from chatward.core.ports import AnyGuard, RuleGuard, StreamGuard
from chatward.guards.catalog import catalog
from chatward.settings import Settings

_BLOCK: Final = re.compile(r"(<!-- reference: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def attribute_docs(owner: type, module: Any) -> dict[str, str]:
    """Name -> the string that stands below each attribute of a class, as one line."""
    tree = ast.parse(inspect.getsource(module))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner.__name__)
    found: dict[str, str] = {}
    for node, after in pairwise(body):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            found.update(dict.fromkeys(names, _line(after.value.value)))
    return found


def _line(text: str) -> str:
    """A docstring as one line of Markdown."""
    return " ".join(text.split()).replace("``", "`")


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("<", "&lt;")


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(titles) + " |"
    yield "|" + " --- |" * len(titles)
    for row in rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"


# --- settings ----------------------------------------------------------------------------------------


def sections(owner: type = Settings, place: str = "") -> Iterator[tuple[str, type]]:
    """Each section's place in the file and its type, from the top down: ``routes.NAME.treatments``."""
    yield place, owner
    for field in msgspec.structs.fields(owner):
        info = _optional(types.type_info(field.type))[0]
        name = f"{place}.{field.encode_name}" if place else field.encode_name
        if isinstance(info, types.StructType):
            yield from sections(info.cls, name)
        elif isinstance(info, types.DictType) and isinstance(info.value_type, types.StructType):
            key = '"ID"' if field.encode_name == "rules" else "NAME"
            yield from sections(info.value_type.cls, f"{name}.{key}")
        elif isinstance(info, types.VarTupleType) and isinstance(info.item_type, types.StructType):
            yield from sections(info.item_type.cls, f"[{name}]")


def settings() -> Iterator[str]:
    for place, owner in sections():
        yield f"### `[{place}]`" if place else "### At the top"
        yield ""
        yield _line(owner.__doc__ or "")
        yield ""
        docs = attribute_docs(owner, sys.modules[owner.__module__])
        rows = []
        for field in msgspec.structs.fields(owner):
            info, optional = _optional(types.type_info(field.type))
            meaning = docs.get(field.encode_name, "")
            rows.append((f"`{field.encode_name}`", _kind(info), _default(field, optional), meaning))
        yield from _table(("Key", "Value", "Default", "Meaning"), rows)
        yield ""


def _optional(info: types.Type) -> tuple[types.Type, bool]:
    if isinstance(info, types.Metadata):
        return _optional(info.type)
    if isinstance(info, types.UnionType):
        rest = [one for one in info.types if not isinstance(one, types.NoneType)]
        if len(rest) == 1 and len(rest) < len(info.types):
            return rest[0], True
    return info, False


def _kind(info: types.Type) -> str:
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
            return "sections" if isinstance(info.item_type, types.StructType) else f"list of {_kind(info.item_type)}"
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


def _default(field: msgspec.structs.FieldInfo, optional: bool) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return ""
    if field.default is msgspec.NODEFAULT:
        return "needed"
    if optional and field.default is None:
        return "none"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value)}`"


# --- guards ------------------------------------------------------------------------------------------


def guards() -> Iterator[str]:
    found = catalog()
    rows = [
        (
            f"[`{guard.spec.id}`](#{guard.spec.id.replace('.', '')})",
            guard.spec.summary,
            ", ".join(sorted(moment.value for moment in guard.spec.moments)),
            _holds_back(guard),
        )
        for guard in found
    ]
    yield from _table(("Guard", "Looks for", "When", "Holds back, of a stream"), rows)
    for guard in found:
        yield ""
        yield f"### {guard.spec.id}"
        yield ""
        yield f"{guard.spec.summary}."
        if isinstance(guard, RuleGuard):
            yield ""
            yield from _rules(guard)
    yield ""


def _holds_back(guard: AnyGuard) -> str:
    """In words. Rules hold back what they may still match, ``StreamGuard``s at most their look-ahead."""
    if not any(moment.value != "input" for moment in guard.spec.moments):
        return "does not look at replies"
    if isinstance(guard, RuleGuard):
        return "what a rule may still match"
    if isinstance(guard, StreamGuard):
        return f"at most {guard.spec.look_ahead} code points"
    return "the whole reply"


def _rules(guard: RuleGuard) -> Iterator[str]:
    rows = [
        (f"`{rule.id}`", rule.category.value, rule.severity.label, f"`{rule.entity}`" if rule.entity else "", summary)
        for rule in guard.rules
        for summary in (rule.summary,)
    ]
    yield from _table(("Rule", "Category", "Severity", "Placeholder", "What it finds"), rows)


# --- events ------------------------------------------------------------------------------------------


def events() -> Iterator[str]:
    docs = attribute_docs(Event, events_module)
    yield from _table(("Event", "Meaning"), [(f"`{event.value}`", docs.get(event.name, "")) for event in Event])
    yield ""


# --- commands ----------------------------------------------------------------------------------------


def click_command(command: Command) -> Any:
    """A command as typer reads it (a click command, or a group of such)."""
    module, _, attribute = command.target.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False)
        app.command()(target)
        target = app
    return typer.main.get_command(target)


def commands() -> Iterator[str]:
    for command in COMMANDS:
        if command.exists:
            made = click_command(command)
            subcommands: Mapping[str, Any] = getattr(made, "commands", {"": made})
            for name, one in subcommands.items():
                yield from _command(" ".join(("chatward", command.name, name)).strip(), one)


def _command(name: str, made: Any) -> Iterator[str]:
    arguments = [param for param in made.params if param.param_type_name == "argument"]
    usage = " ".join((name, "[OPTIONS]", *(f"[{param.metavar or param.name.upper()}]" for param in arguments)))
    yield f"### `{name}`"
    yield ""
    yield _line(made.help or "")
    yield ""
    yield "```text"
    yield usage
    yield "```"
    yield ""
    rows = [(_option(param), param.help or "", _shown(param)) for param in made.params]
    yield from _table(("Option", "Meaning", "Default"), rows)
    yield ""


def _option(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{param.metavar or param.name.upper()}`"
    named = ", ".join(f"`{name}`" for name in param.opts)
    return f"{named} {param.metavar}" if param.metavar else named


def _shown(param: Any) -> str:
    if param.required:
        return "needed"
    return f"`{param.default}`" if param.default not in {None, False, ""} and not callable(param.default) else ""


# --- pages -------------------------------------------------------------------------------------------

BLOCKS: Final[Mapping[str, Callable[[], Iterator[str]]]] = {
    "settings": settings,
    "guards": guards,
    "events": events,
    "commands": commands,
}


def renewed(page: str) -> str:
    """A page with all its blocks written anew. Raises ``KeyError`` for a block that is not known."""

    def write(found: re.Match[str]) -> str:
        return found[1] + "\n" + "\n".join(BLOCKS[found[2]]()).rstrip("\n") + "\n\n" + found[3]

    return _BLOCK.sub(write, page)


def main(folder: str = "docs") -> None:
    """Writes every page of a folder anew where its blocks are out of date."""
    for path in sorted(Path(folder).rglob("*.md")):
        text = path.read_text("utf-8")
        if (new := renewed(text)) != text:
            path.write_text(new, "utf-8")
            print(path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
