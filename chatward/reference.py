"""The parts of the documentation that are written from live objects: settings, guards, events, commands.

The rule: a reference that a person has to keep in step with the program will not be. What stands in ``docs/`` between
``<!-- reference: NAME -->`` and ``<!-- end -->`` is made here, from the types, specs, enums and options that the
program itself uses, and a test compares. To write it anew: ``python -m chatward.reference docs``.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import typer
from msgspec import inspect as types

from chatward.cli import COMMANDS, Command
from chatward.core import events as events_module
from chatward.core.events import Event
from chatward.core.ports import AnyGuard, FileGuard, RuleGuard, StreamGuard
from chatward.guards.catalog import catalog
from chatward.settings.told import attribute_docs, default_of, kind_of, line, optional_of, sections

_BLOCK: Final = re.compile(r"(<!-- reference: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("<", "&lt;")


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(titles) + " |"
    yield "|" + " --- |" * len(titles)
    for row in rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"


# --- settings ----------------------------------------------------------------------------------------


def settings() -> Iterator[str]:
    for place, owner in sections():
        yield f"### `[{place}]`" if place else "### At the top"
        yield ""
        yield line(owner.__doc__ or "")
        yield ""
        docs = attribute_docs(owner, sys.modules[owner.__module__])
        rows = []
        for field in msgspec.structs.fields(owner):
            info, optional = optional_of(types.type_info(field.type))
            meaning = docs.get(field.encode_name, "")
            rows.append((f"`{field.encode_name}`", kind_of(info), default_of(field, optional), meaning))
        yield from _table(("Key", "Value", "Default", "Meaning"), rows)
        yield ""


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
    if isinstance(guard, FileGuard):
        return "the event that holds a file"
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
    yield line(made.help or "")
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
