"""The documentation says what the program does: read from live objects, in both directions.

What the program has is documented by its real name; what the documentation cites exists; what it shows as code runs.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter

from chatward import reference
from chatward.assembly import channels
from chatward.cli import COMMANDS
from chatward.configuration import load
from chatward.console.admin import admin_pages
from chatward.console.chat import pages
from chatward.console.desks import Desks, desk_router
from chatward.console.login import login_router
from chatward.console.verify import verify_pages
from chatward.console.watch_desk import watch_routes
from chatward.console.watching import Watching
from chatward.core.events import Event
from chatward.core.rules import Rule
from chatward.education.drills import DRILLS_PATH
from chatward.education.lessons import lesson_pages
from chatward.education.quiz import QUIZ_PATH
from chatward.education.safety import safety_pages
from chatward.gateway import meter, router
from chatward.genuine.agent_card import PATH as AGENT_CARD
from chatward.genuine.manifest import PATH as MANIFEST
from chatward.genuine.message_signatures import DIRECTORY
from chatward.guards.catalog import IDS, catalog
from chatward.settings import Server, Settings
from chatward.settings.education import Education
from chatward.settings.traffic import TrafficSettings
from chatward.traffic.ladder import PAGE, SOLVE, WAIT

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "chatward"
README = ROOT / "README.md"
PAGES = [README, *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LENGTH = 40


@cache
def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def doc(name: str) -> str:
    return text_of(ROOT / "docs" / f"{name}.md")


@cache
def sources() -> Mapping[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def blocks(language: str, pages_: list[Path] | None = None) -> list[tuple[str, str]]:
    """Where and what of every code block in a language."""
    form = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [
        (f"{page.relative_to(ROOT)} {index}", code)
        for page in pages_ or PAGES
        for index, code in enumerate(form.findall(text_of(page)))
    ]


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


# --- written from live objects -----------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_reference_tables_are_current(page: Path) -> None:
    assert reference.renewed(text_of(page)) == text_of(page), "run: python -m chatward.reference docs"


def test_every_reference_table_has_its_place() -> None:
    found = re.findall(r"<!-- reference: (\w+) -->", "".join(map(text_of, PAGES)))
    assert sorted(found) == sorted(reference.BLOCKS)


def test_every_setting_has_a_meaning() -> None:
    for place, owner in reference.sections():
        fields = set(owner.__struct_fields__)  # type: ignore[attr-defined]
        meanings = reference.attribute_docs(owner, sys.modules[owner.__module__])
        assert meanings.keys() >= fields, f"[{place}] has settings without a docstring: {fields - meanings.keys()}"
        heading = f"### `[{place}]`" if place else "### At the top"
        assert heading in doc("configuration")


def test_every_guard_and_rule_is_documented() -> None:
    page = doc("guards")
    assert {guard.spec.id for guard in catalog()} == set(IDS)
    for guard in catalog():
        assert f"\n### {guard.spec.id}\n" in page
        rules: tuple[Rule, ...] = tuple(getattr(guard, "rules", ()))
        for rule in rules:
            assert rule.summary, rule.id
            assert f"| `{rule.id}` | {rule.category.value} | {rule.severity.label} |" in page, rule.id


NOT_RULES = {
    "text.hidden": SOURCE / "guards/text/hidden.py",
    "text.leak": SOURCE / "guards/text/leak.py",
    "session.limits": SOURCE / "guards/session/limits.py",
}
"""Guards that make findings by themselves, and where."""


def reported(path: Path) -> set[str]:
    """Names of rules that a module gives to what makes its findings, as literals."""
    calls = [node for node in ast.walk(sources()[path]) if isinstance(node, ast.Call) and node.args]
    makers = {"Verdict", "_finding", "_report"}
    named = [call.args[0] for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) in makers]
    return {name.value for name in named if isinstance(name, ast.Constant)}


@pytest.mark.parametrize("guard", NOT_RULES)
def test_findings_that_no_rule_makes_are_documented_and_made(guard: str) -> None:
    path = NOT_RULES[guard]
    told = set(re.findall(rf"`{re.escape(guard)}/([a-z-]+)`", doc("guards")))
    assert reported(path)
    assert reported(path) <= told
    literals = {node.value for node in ast.walk(sources()[path]) if isinstance(node, ast.Constant)}
    assert told <= literals


def test_every_event_is_documented_and_what_is_reserved_is_not_written() -> None:
    used = {
        node.attr
        for path, tree in sources().items()
        if path.name != "events.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Event"
    }
    meanings = reference.attribute_docs(Event, reference.events_module)
    for event in Event:
        assert f"| `{event.value}` | " in doc("ledger")
        assert meanings[event.name].startswith("Reserved") == (event.name not in used), event


def test_every_field_of_the_ledger_is_documented() -> None:
    told = set(re.findall(r"`(\w+)`", doc("ledger").partition("Fields that entries have")[2]))
    written: set[str] = set()
    for node in ast.walk(sources()[SOURCE / "gateway/records.py"]):
        if isinstance(node, ast.Dict):
            written |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            written |= {node.slice.value} if isinstance(node.slice, ast.Constant) else set()
    assert {"policy", "rules", "outcome"} <= written
    assert written <= told


# --- commands ----------------------------------------------------------------------------------------


@cache
def options() -> dict[str, dict[str, str]]:
    """``chatward ledger verify`` -> option -> help, of every command."""
    found: dict[str, dict[str, str]] = {}
    for command in COMMANDS:
        if command.exists:
            made = reference.click_command(command)
            for name, one in getattr(made, "commands", {"": made}).items():
                key = " ".join(("chatward", command.name, name)).strip()
                found[key] = {opt: param.help or "" for param in one.params for opt in param.opts}
    return found


def test_every_command_and_option_is_documented() -> None:
    for command, params in options().items():
        section = doc("cli").partition(f"### `{command}`\n")[2].partition("\n### ")[0]
        assert section, f"{command} is not documented"
        for option, meaning in params.items():
            if option.startswith("-"):
                assert f"`{option}`" in section, f"{command} {option}"
                assert meaning, f"{command} {option} has no help"


def cited_commands(page: Path) -> Iterator[list[str]]:
    """The words of every command line that a page shows, from ``chatward`` on."""
    shown = re.sub(r"\\\n\s*", "", "\n".join(code for _, code in blocks("sh", [page])))
    spans = re.findall(r"`([^`\n]+)`", prose(page))
    for line in [*shown.splitlines(), *spans]:
        for part in re.split(r"\s[|>;]\s|&&", line):
            words = part.split()
            if words and words[0] in {"chatward", ".venv/bin/chatward"} and len(words) > 1:
                yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_cited_commands_exist(page: Path) -> None:
    for words in cited_commands(page):
        names = [" ".join(("chatward", *words[:size])) for size in (2, 1)]
        known = next((options()[name] for name in names if name in options()), None)
        assert known is not None or words[0] in {one.name for one in COMMANDS if one.exists}, words
        for word in words:
            if word.startswith("--") and known is not None:
                assert word.partition("=")[0] in known, words


# --- HTTP --------------------------------------------------------------------------------------------


@cache
def served() -> set[str]:
    gateway = {
        *channels(Server()),
        router.HEALTH,
        router.READY,
        *pages(Settings(traffic=TrafficSettings(enabled=True))),
        PAGE,
        SOLVE,
        WAIT,
        *safety_pages(Settings(), signed=True),
        *lesson_pages(Settings(education=Education(quiz=True))),
        QUIZ_PATH,
        DRILLS_PATH,
        *verify_pages(),
        MANIFEST,
        DIRECTORY,
        AGENT_CARD,
    }
    anything: Any = SimpleNamespace(
        sessions=None, secure=False, federation=None, passkeys=SimpleNamespace(), views=None
    )
    shown: Any = SimpleNamespace(tail=None, guards=None)
    admin = admin_pages(shown, shown, anything, Settings(), "0", anything)
    routes = [*admin.routes, *login_router(anything).routes]
    desks = desk_router(Desks(anything, anything, anything, anything, anything), anything).routes
    watch_routes(watch := APIRouter(), anything, Watching(), anything)
    return gateway | {route.path for route in (*routes, *desks, *watch.routes) if hasattr(route, "path")}


def test_every_path_is_documented_and_every_documented_path_is_served() -> None:
    page = doc("http")
    for path in served():
        assert re.search(rf"[`\s]{re.escape(path)}`", page), f"{path} is not documented"
    for path in re.findall(r"`(?:GET|POST) (/[^`{]*)", page):
        assert path.removesuffix("/") in served() or path == "/", f"{path} is not served"


def test_headers_and_metrics_are_documented() -> None:
    strings = {
        node.value
        for tree in sources().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    ours = {value for value in strings if re.fullmatch(r"x-chatward-[a-z-]+", value)}
    assert len(ours) >= 4
    for header in ours:
        assert f"| `{header}` |" in doc("http")
    for metric in meter._HELP:
        assert f"| `{metric}` |" in doc("operations")
    assert set(re.findall(r"`(chatward_[a-z_]+)`", doc("operations"))) <= meter._HELP.keys()


def reasons() -> set[str]:
    """Reason ids that the program can give: literals given as ``reason``, or made into one."""
    found: set[str] = set()
    for tree in sources().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "reason":
                found |= _texts(node.value)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"_RefusalError", "Problem", "_at"}:
                found |= {text for argument in node.args[-1:] for text in _texts(argument)}
            elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {target.id for target in targets if isinstance(target, ast.Name)}
                if names & {"reason", "REASON", "BODY_TIMEOUT", "CLIENT_LEFT", "SHUTDOWN"}:
                    found |= _texts(node.value)
            elif isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                found |= {
                    text
                    for key, value in pairs
                    if isinstance(key, ast.Constant) and key.value == "reason"
                    for text in _texts(value)
                }
    return {reason for reason in found if re.fullmatch(r"[a-z]+(?:-[a-z0-9]+)*", reason)}


def _texts(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


NO_REASONS = {"error", "not-loaded", "timeout", "stop", "bot", "ledger", "password", "value"}
"""Words beside reasons: why a guard is unavailable, how a reply ended, what is not ready."""


def test_every_reason_is_documented() -> None:
    found = reasons() - NO_REASONS
    assert {"json-invalid", "upstream-timeout", "overloaded", "unsafe-listener", "ledger-disk-low"} <= found
    missing = {reason for reason in found if f"`{reason}`" not in doc("http")}
    assert not missing


def test_every_documented_reason_exists() -> None:
    tables = doc("http").partition("### Errors\n")[2]
    rows = re.findall(r"^\| (`[^|]+`) \|", tables.partition("## Admin")[0] + tables.partition("outside HTTP")[2], re.M)
    told = {reason for row in rows for reason in re.findall(r"`([a-z0-9-]+)`", row)}
    literals = {node.value for tree in sources().values() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert len(told) > 40
    assert told <= literals


def test_environment_variables_are_documented() -> None:
    strings = {text for tree in sources().values() for text in _texts(tree)}
    used = {text for text in strings if re.fullmatch(r"CHATWARD_[A-Z_]*[A-Z]", text)}
    assert {"CHATWARD_CACHE", "CHATWARD_CONFIG"} <= used
    everything = "".join(map(text_of, PAGES))
    examples = {"CHATWARD_KEY"}
    assert {name for name in used - examples if name not in everything} == set()


# --- what is cited exists ----------------------------------------------------------------------------


def slug(heading: str) -> str:
    kept = re.sub(r"[^\w\s-]", "", heading.lower())
    return kept.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.is_file(), target
        if anchor:
            anchors = {slug(found) for found in re.findall(r"^#+ (.+)$", text_of(there), re.MULTILINE)}
            assert anchor in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_paths_in_prose_exist(page: Path) -> None:
    for path in re.findall(r"`((?:chatward|tests|docs|locks|scripts|training|\.ci)/[\w./-]*)`", prose(page)):
        assert (ROOT / path).exists(), path


# --- what is shown runs ------------------------------------------------------------------------------


@pytest.mark.parametrize(("where", "code"), blocks("toml"))
def test_configurations_load(where: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "chatward.toml"
    path.write_text(code)
    assert load(path, {}, guards=IDS).warnings == ()


@pytest.mark.parametrize(("where", "code"), blocks("json"))
def test_json_is_json(where: str, code: str) -> None:
    assert json.loads(code)


@pytest.mark.parametrize(("where", "code"), blocks("sh"))
def test_curl_sends_json(where: str, code: str) -> None:
    for line in re.sub(r"\\\n\s*", "", code).splitlines():
        words = shlex.split(line)
        if words and words[0] == "curl":
            body = json.loads(words[words.index("-d") + 1])
            assert isinstance(body, dict)
            assert "content-type: application/json" in words
            assert any(word.startswith("http://127.0.0.1:87") for word in words)


@pytest.mark.parametrize(("where", "code"), blocks("python"))
def test_python_runs_and_prints_what_its_comments_say(where: str, code: str) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, where, "exec"), {"__name__": "__main__"})  # noqa: S102 - our own documentation
    expected = re.findall(r"^\s*print\(.*\)  # (.+)$", code, re.MULTILINE)
    assert out.getvalue().splitlines() == expected


# --- the README --------------------------------------------------------------------------------------


def test_the_readme_shows_the_way_in_forty_lines() -> None:
    lines = text_of(README).splitlines()
    wanted = ("make demo", "chatward init --upstream", "chatward serve", 'upstream = "', "/v1/chat/completions")
    places = [next(at for at, line in enumerate(lines, 1) if word in line) for word in wanted]
    assert places == sorted(places)
    assert places[-1] <= LENGTH
    order = [lines.index(f"## {title}") for title in ("Guard your own bot", "From Python", "From the command line")]
    assert order == sorted(order)
    assert places[-1] < order[1]


def test_figures_come_from_the_benchmarks_alone() -> None:
    assert not re.search(r"\d+(?:\.\d+)?\s*(?:ms|µs|requests|MB/s|times faster|%)", prose(README))
