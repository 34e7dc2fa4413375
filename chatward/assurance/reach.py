"""Which packages of a Python environment an application imports, found by reading, never by running.

The rules:

1. From the application's files on, imports are followed from file to file. Everything that looks like an import
   counts, inside functions, under conditions and in docstrings too, and so do the packages that a module is in.
2. Where what a file imports cannot be read, all that it may bring counts: of a file that imports by an expression,
   every file of its distribution; of a compiled module, that and what its distribution requires; where it asks for
   entry points, the plugins that are installed for them.
3. An application that imports by an expression itself may import anything: then nothing is *not reached*, but unknown.
   So is a distribution that does not list its files.
4. Not reached means that no chain of imports was found. A library may still be told by its settings to import another:
   what is not reached comes later, and is never left out.

Sources: Python's language reference, section 5 (the import system); the core metadata's ``RECORD`` and
``entry_points.txt``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Final

from chatward.assurance.versions import same_name

_SCRIPTS: Final = frozenset({"console_scripts", "gui_scripts"})
_COMPILED: Final = (".so", ".pyd")
_LEFT_OUT: Final = frozenset({"__pycache__", "node_modules", "site-packages"})
_IMPORT: Final = re.compile(
    r"(?:^|[;:])[ \t]*(?:import[ \t]+(?P<plain>\w[\w.]*[^;\n]*)"
    r"|from[ \t]+(?P<base>[\w.]+)[ \t]+import[ \t]*(?:\((?P<many>[^)]*)\)|(?P<one>[^;\n]+)))",
    re.MULTILINE,
)
_BY_NAME: Final = re.compile(r"\b(?:import_module|__import__)[ \t]*\(")
_PLUGINS: Final = re.compile(r"\b(?:iter_)?entry_points[ \t]*\(")
_LITERAL: Final = re.compile(r"""\s*(?:\w+[ \t]*=[ \t]*)?(["'])([\w.-]+)\1""")
_BEGINNING: Final = re.compile(r"""\s*f["']((?:\w+\.)+)\{""")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Reach:
    """``chains``: by distribution, from the application's file over the distributions that lead to it. ``unsure``:
    those of which nothing can be said; ``*`` is all that have no chain."""

    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset({"*"})

    def of(self, name: str) -> tuple[str, ...] | None:
        """The chain to a distribution, empty where there is none; ``None``: it is not known."""
        found = self.chains.get(name)
        if found is None and not self.unsure.isdisjoint({"*", name}):
            return None
        return found or ()


@dataclass(slots=True)
class _Read:
    """What a file imports: modules, and all ``under`` a beginning of a name. ``open``: by an expression as well.
    ``groups``: of entry points; ``*``: any."""

    names: set[str] = field(default_factory=set)
    under: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    open: bool = False


@dataclass(slots=True)
class _Environment:
    """``modules``: file and distribution by dotted name. ``of``, ``requires``: modules, and names of requirements, by
    distribution. ``plugins``: group of entry points and module. ``unlisted``: distributions without a list of files."""

    modules: dict[str, tuple[Path, str]] = field(default_factory=dict)
    of: dict[str, list[str]] = field(default_factory=dict)
    requires: dict[str, list[str]] = field(default_factory=dict)
    plugins: list[tuple[str, str]] = field(default_factory=list)
    unlisted: set[str] = field(default_factory=set)

    def brings(self, read: _Read) -> set[str]:
        """Modules that are there, of those that a file imports."""
        asked = read.groups
        plugins = (module for group, module in self.plugins if asked and ("*" in asked or group in asked))
        under = (one for one in self.modules if one.startswith(tuple(read.under))) if read.under else ()
        return {one for full in (*read.names, *plugins, *under) for one in _parents(full) if one in self.modules}

    def all_of(self, distribution: str, *, compiled: bool) -> list[str]:
        others = self.requires.get(distribution, ()) if compiled else ()
        return [
            *self.of[distribution],
            *(module for one in others for module in self.of.get(one, ()) if "." not in module),
        ]


def reached(code: Iterable[Path], environment: Sequence[Path], *, closed: bool = False) -> Reach:
    """What the files and folders ``code`` import of the packages in ``environment`` (folders such as
    ``site-packages``). ``closed``: what it imports by expressions is known to be its own. Raises ``OSError``."""
    known = _environment(environment)
    unsure = set(known.unlisted)
    chains: dict[str, tuple[str, ...]] = {}
    todo: deque[tuple[str, tuple[str, ...]]] = deque()
    seen: set[str] = set()

    def go_on(read: _Read, chain: tuple[str, ...]) -> None:
        new = known.brings(read) - seen
        seen.update(new)
        todo.extend((module, chain) for module in sorted(new))

    for file, root in _files(code):
        read = _imports(file, "")
        if read.open and not closed:
            unsure.add("*")
        go_on(read, (file.relative_to(root.parent).as_posix(),))
    while todo:
        name, chain = todo.popleft()
        file, distribution = known.modules[name]
        if chain[-1] != distribution:
            chain = (*chain, distribution)
        chains.setdefault(distribution, chain)
        compiled = file.suffix in _COMPILED
        read = _Read(open=True) if compiled else _imports(file, name)
        if read.open:
            read.names.update(known.all_of(distribution, compiled=compiled))
        go_on(read, chain)
    return Reach(chains, frozenset(unsure))


def _parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _environment(folders: Sequence[Path]) -> _Environment:
    made = _Environment()
    for one in metadata.distributions(path=[str(folder) for folder in folders]):
        name = same_name("PyPI", one.metadata["Name"] or "")
        if one.files is None:
            made.unlisted.add(name)
            continue
        for listed in one.files:
            if listed.suffix != ".py" and listed.suffix not in _COMPILED:
                continue
            if ".." in listed.parts or not listed.parts:
                continue
            last = listed.name.partition(".")[0]
            module = ".".join(listed.parts[:-1] if last == "__init__" else (*listed.parts[:-1], last))
            made.modules.setdefault(module, (Path(str(one.locate_file(listed))), name))
            made.of.setdefault(name, []).append(module)
        made.plugins += [
            (entry.group, entry.value.partition(":")[0]) for entry in one.entry_points if entry.group not in _SCRIPTS
        ]
        needed = (_NAME.match(text) for text in one.requires or ())
        made.requires[name] = [same_name("PyPI", match[0]) for match in needed if match is not None]
    return made


def _files(code: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """The Python files of an application, each with the file or folder that was named."""
    for root in code:
        if root.is_file():
            yield root, root
            continue
        todo = [root]
        while todo:
            folder = todo.pop()
            for entry in sorted(folder.iterdir()):
                if entry.is_dir():
                    if entry.name[:1] != "." and entry.name not in _LEFT_OUT and not (entry / "pyvenv.cfg").exists():
                        todo.append(entry)
                elif entry.suffix == ".py":
                    yield entry, root


def _imports(file: Path, name: str) -> _Read:
    """``name``: the module's; empty for a file of an application, all of which are read, so that relative imports
    lead nowhere new."""
    found = _Read()
    try:
        text = file.read_text("utf-8", "replace").replace("\\\n", " ")
    except OSError:
        found.open = True
        return found
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for whole in _IMPORT.finditer(text):
        if whole["plain"]:
            found.names.update(one.split()[0] for one in whole["plain"].split(",") if one.strip())
            continue
        base = _base(whole["base"], package)
        if base:
            imported = re.sub(r"#.*", "", whole["many"] or whole["one"])
            found.names.add(base)
            found.names.update(f"{base}.{one.split()[0]}" for one in imported.split(",") if one.strip())
    for call in _BY_NAME.finditer(text):
        literal, beginning = _LITERAL.match(text, call.end()), _BEGINNING.match(text, call.end())
        if literal is not None:
            found.names.add(_base(literal[2], package))
        elif beginning is not None:
            found.under.add(beginning[1])
        else:
            found.open = True
    for call in _PLUGINS.finditer(text):
        literal = _LITERAL.match(text, call.end())
        found.groups.add(literal[2] if literal is not None else "*")
    return found


def _base(name: str, package: str) -> str:
    """A module's full name; empty for a relative one of which the package is not known."""
    up = len(name) - len(name.lstrip("."))
    if not up:
        return name
    above = package.split(".")[: len(package.split(".")) - up + 1] if package else []
    return ".".join(filter(None, (*above, name[up:]))) if above else ""
