"""From a file, the environment and the command line to valid settings, with the origin of every value.

The rules:

1. **Order**: command line > environment (``CHATWARD__SECTION__KEY``) > file > default. ``Loaded.origins`` says
   for each key which of them it was, and the line.
2. **Strict**: an unknown key, a wrong type or a value that cannot be is a ``ConfigError`` with file, line, key and,
   where something similar exists, a suggestion. All problems are found at once: the first (by line) is raised, the
   others are its ``others``. A value is never quoted, except one that had to be from a short list.
3. **Secrets by reference only**: ``env:NAME`` or ``file:/absolute/path``. A literal one is refused.
4. **Safe by place**: an address other than loopback needs TLS (or ``behind_tls_proxy``) and ``keys``; otherwise
   the reason is ``unsafe-listener``.
5. The result is complete: ``upstream = URL`` has become ``bots.default``, and the last route is ``default``.

What the settings may say is in ``chatward.settings``; what is weak about them in ``chatward.weaknesses``.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from chatward.core.errors import ConfigError
from chatward.settings import Settings
from chatward.settings.privacy_rules import privacy_problems
from chatward.settings.rules import Problem, complete, problems_of
from chatward.settings.types import Steps, dotted, from_text, is_section, unknown_key, values, walk
from chatward.settings.vendors import vendor_problems
from chatward.toml_lines import key_lines

DEFAULT_FILE: Final = "chatward.toml"
PREFIX: Final = "CHATWARD__"
_MAX_FILE: Final = 1024 * 1024
_MAX_SECRET: Final = 64 * 1024

Stamp = tuple[int, int, int]
Kind = Literal["default", "file", "environment", "command line"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from. ``where`` is the file or the variable, ``line`` the line of the file."""

    kind: Kind
    where: str = ""
    line: int | None = None

    def __str__(self) -> str:
        if self.kind == "default":
            return "default"
        if self.kind == "file":
            return self.where if self.line is None else f"{self.where}:{self.line}"
        return f"{self.kind} {self.where}".strip()


DEFAULT: Final = Origin("default")


class SettingsError(ConfigError):
    """The first of several problems; ``others`` are the rest, in order of their lines."""

    def __init__(
        self,
        public: str,
        *,
        key: str | None = None,
        line: int | None = None,
        file: str | None = None,
        reason: str | None = None,
        others: Sequence[ConfigError] = (),
    ) -> None:
        super().__init__(public, key=key, line=line, file=file, reason=reason)
        self.others = tuple(others)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Valid settings. ``origins``: dotted key -> origin, of every key that has a value. ``warnings``: sentences."""

    settings: Settings
    origins: Mapping[str, Origin] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    path: Path | None = None
    stamp: Stamp | None = None
    """The state of the file that was read."""


def load(
    path: str | os.PathLike[str] | None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    *,
    guards: Collection[str] | None = None,
    today: date | None = None,
) -> Loaded:
    """Reads, merges and checks. ``path`` ``None``: no file. ``env``: the process's environment unless given.

    ``overrides``: dotted key -> value, as from the command line; text is read as the key's type. ``guards``:
    the known guard ids; without them names of guards are not checked. Raises ``ConfigError``.
    """
    before = stamp(path)
    text = "" if path is None else _read(path)
    file = None if path is None else os.fspath(path)
    document = _parse(text, file)
    given = _Given(file)
    given.from_file(document, key_lines(text))
    given.from_environment(os.environ if env is None else env)
    given.from_overrides(overrides or {})
    given.fill_short_form()
    problems = given.problems + [Problem(steps, sentence) for steps, sentence in walk(Settings, given.tree)]
    given.fail(problems)
    try:
        settings = complete(msgspec.convert(given.tree, Settings))
    except msgspec.ValidationError as error:  # ``walk`` looks at every value, so this is a gap in it
        raise ConfigError(f"the settings cannot be read: {error}", file=file) from error
    day = today or datetime.now(UTC).date()
    found = [*problems_of(settings, guards, day), *privacy_problems(settings, day), *vendor_problems(settings, day)]
    given.fail([problem for problem in found if not problem.warning])
    warnings = tuple(str(given.error(problem)) for problem in found if problem.warning)
    return Loaded(settings, given.all_origins(settings), warnings, None if path is None else Path(path), before)


def locate(path: str | os.PathLike[str] | None, env: Mapping[str, str] | None = None) -> Path | None:
    """The configuration file: the one named, else ``CHATWARD_CONFIG``, else ``chatward.toml`` here if it exists."""
    if path is not None:
        return Path(path)
    named = (os.environ if env is None else env).get("CHATWARD_CONFIG")
    if named:
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None


def stamp(path: str | os.PathLike[str] | None) -> Stamp | None:
    """What tells one state of a file from another: time of change, size, identity. ``None``: there is no file."""
    if path is None:
        return None
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def resolve(reference: str, env: Mapping[str, str] | None = None) -> str:
    """The secret behind ``env:NAME`` or ``file:/path`` (without its line end). ``ConfigError`` never quotes it."""
    scheme, _, name = reference.partition(":")
    if scheme == "env" and name:
        value = (os.environ if env is None else env).get(name)
        if value is None:
            raise ConfigError(f"the environment variable {name} is not set", reason="secret-missing")
    elif scheme == "file" and os.path.isabs(name):
        try:
            with open(name, "rb") as stream:
                data = stream.read(_MAX_SECRET + 1)
            value = data.decode().rstrip("\r\n")
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError(f"the secret in {name} cannot be read: {said}", reason="secret-missing") from None
        if len(data) > _MAX_SECRET:
            raise ConfigError(f"{name} is too large for a secret", reason="secret-missing")
    else:
        raise ConfigError("a secret is given as env:NAME or file:/absolute/path", reason="secret-literal")
    if not value.strip():
        raise ConfigError(f"the secret {reference} is empty", reason="secret-missing")
    return value


def schema() -> dict[str, Any]:
    """The JSON Schema of the file (draft 2020-12). Published as ``docs/chatward.schema.json``."""
    made = msgspec.json.schema(Settings)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "chatward.toml"}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode({**head, **made}))
    return plain


# --- reading ---------------------------------------------------------------------------------------------


def _read(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MAX_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file; make one with: chatward init --upstream URL", file=name, reason="config-missing"
        ) from None
    except OSError as error:
        raise ConfigError(f"it cannot be read: {error.strerror}", file=name, reason="config-missing") from error
    if len(data) > _MAX_FILE:
        raise ConfigError("it is larger than 1 MiB", file=name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("it is not UTF-8 text", file=name, line=line) from None


def _parse(text: str, file: str | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = re.search(r" \(at line (\d+), column \d+\)$", said)
        line = int(at[1]) if at else text.count("\n") + 1
        sentence = said[: at.start()] if at else said.removesuffix(" (at end of document)")
        raise ConfigError(f"not TOML: {_lower(sentence)}", line=line, file=file, reason="config-syntax") from None
    except RecursionError:
        raise ConfigError("not TOML: nested too deeply", file=file, reason="config-syntax") from None


class _Given:
    """What was given, merged, and by whom."""

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.tree: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self._origins: dict[Steps, Origin] = {}

    def from_file(self, document: dict[str, Any], lines: Mapping[Steps, int]) -> None:
        self.tree = _without_dates(document)
        self._origins.update({steps: Origin("file", self.file or "", line) for steps, line in lines.items()})

    def from_environment(self, env: Mapping[str, str]) -> None:
        for name in sorted(env):
            if name.startswith(PREFIX):
                keys = name.removeprefix(PREFIX).split("__")
                self._set(self._cased(keys), env[name], Origin("environment", name))

    def from_overrides(self, overrides: Mapping[str, object]) -> None:
        for name, value in overrides.items():
            self._set(tuple(name.split(".")), value, Origin("command line"))

    def _cased(self, keys: Sequence[str]) -> Steps:
        """Variables are in capitals: names that the file has keep their case, others become small."""
        steps: Steps = ()
        node: Any = self.tree
        for key in keys:
            known = [name for name in node if name.replace("-", "_").lower() == key.lower()] if node else []
            name = known[0] if len(known) == 1 else key.lower()
            node = node.get(name) if isinstance(node, dict) and isinstance(node.get(name), dict) else None
            steps = (*steps, name)
        return steps

    def _set(self, steps: Steps, value: object, origin: Origin) -> None:
        self._origins[steps] = origin
        sentence = unknown_key(Settings, steps)
        if sentence is None and isinstance(value, str):
            value, sentence = from_text(Settings, steps, value)
        elif sentence is None and is_section(Settings, steps):
            sentence = "it is a section; set its keys one by one"
        if sentence is not None:
            self.problems.append(Problem(steps, sentence))
            return
        node = self.tree
        for step in steps[:-1]:
            inner = node.setdefault(str(step), {})
            if not isinstance(inner, dict):
                return  # the file has something else there, which ``walk`` names
            node = inner
        node[str(steps[-1])] = list(value) if isinstance(value, tuple) else value
        for known in [known for known in self._origins if known[: len(steps)] == steps and known != steps]:
            del self._origins[known]

    def fill_short_form(self) -> None:
        """``upstream = URL`` is the upstream of the bot ``default``, whose section may say the rest."""
        upstream, bots = self.tree.get("upstream"), self.tree.get("bots", {})
        if isinstance(upstream, str) and isinstance(bots, dict):
            default = bots.get("default", {})
            if isinstance(default, dict) and "upstream" not in default:
                self.tree["bots"] = {**bots, "default": {**default, "upstream": upstream}}
                self._origins[("bots", "default", "upstream")] = self._origins[("upstream",)]

    def origin(self, steps: Steps) -> Origin | None:
        """Of a key, or of the nearest that holds it."""
        for length in range(len(steps), 0, -1):
            if steps[:length] in self._origins:
                return self._origins[steps[:length]]
        return None

    def error(self, problem: Problem) -> ConfigError:
        """A problem with the place where its key was given, or where it is missing."""
        key = dotted(problem.steps)
        origin = self.origin(problem.steps)
        sentence = f"{key}: {problem.sentence}" if key else problem.sentence
        if origin is None or origin.kind == "file":
            line = None if origin is None else origin.line
            return ConfigError(sentence, key=key or None, line=line, file=self.file, reason=problem.reason)
        return ConfigError(sentence, key=key, file=str(origin), reason=problem.reason)

    def fail(self, problems: Sequence[Problem]) -> None:
        """Raises the first problem, by line, with the others; nothing if there is none."""
        if not problems:
            return
        errors = sorted((self.error(problem) for problem in problems), key=lambda e: (e.line is None, e.line or 0))
        first = errors[0]
        raise SettingsError(
            first.public, key=first.key, line=first.line, file=first.file, reason=first.reason, others=errors[1:]
        )

    def all_origins(self, settings: Settings) -> dict[str, Origin]:
        return {dotted(steps): self._origins.get(steps, DEFAULT) for steps, _ in values(settings)}


def _without_dates(value: Any) -> Any:
    """TOML has days of its own; the settings have text: ``expires = 2030-12-31`` means ``"2030-12-31"``."""
    if isinstance(value, dict):
        return {key: _without_dates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_dates(inner) for inner in value]
    return value.isoformat() if type(value) is date else value


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
