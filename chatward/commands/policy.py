"""``chatward policy``: whether the policies are valid, what they answer, and whether they answer as they should.

Without ``--config`` and without ``chatward.toml`` here, the default policies are taken. ``--policies`` adds files to
whatever there is. Exit status of ``test``: 0 where every case comes out as expected, 1 where one does not, 2 where
there is nothing to test or something cannot be read. ``explain`` ends with 0 whatever the answer.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import locate
from chatward.core.errors import ConfigError
from chatward.core.identity import Assurance, Kind, Principal
from chatward.settings import Authorization

if TYPE_CHECKING:
    from chatward.identity.cedar_policies import PolicyBook

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

More = Annotated[
    list[str] | None, typer.Option("--policies", metavar="PATTERN", help="More policy files; may be repeated.")
]


@app.callback()
def main() -> None:
    """Check, test and explain what is permitted."""


@app.command()
def check(policies: More = None, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Read and validate all policies, list them, and say what each kind of decision depends on."""
    from chatward.identity.cedar import CedarAuthorizer  # noqa: PLC0415 - loads Cedar

    book = _book(config, policies)
    authorizer = CedarAuthorizer(book)
    listed = [
        {"id": one.id, "effect": one.effect, "file": one.file, "title": one.annotations.get("title", "")}
        for one in book.policies.values()
    ]
    depends = _depends(authorizer)
    if as_json:
        print_json({"version": book.version, "policies": listed, "depends": depends})
        return 0
    print_table(("policy", "effect", "file", "title"), [tuple(row.values()) for row in listed])
    print_table(("action", "resource", "depends on"), [(*key, ", ".join(on)) for key, on in _by_action(depends)])
    print(f"{len(listed)} policies are valid; version {book.version}.")
    return 0


@app.command("test")
def run_tests(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Cases, as .toml or .jsonl.")],
    policies: More = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Run a table of cases against the policies."""
    from chatward.identity.policy_cases import read_cases, run_cases  # noqa: PLC0415 - loads Cedar

    book = _book(config, policies)
    results = run_cases(read_cases(file), book)
    failed = [result for result in results if not result.passed]
    if as_json:
        told = [asdict(result) for result in results]
        print_json({"version": book.version, "cases": len(results), "failed": len(failed), "results": told})
        return 1 if failed else 0
    rows = [
        (
            "ok" if result.passed else "FAILED",
            result.name,
            result.expected,
            result.explanation.outcome,
            result.explanation.reason,
            ", ".join(policy.id for policy in result.explanation.policies),
        )
        for result in results
    ]
    print_table(("", "case", "expected", "outcome", "reason", "policies"), rows)
    print(f"{len(results) - len(failed)} of {len(results)} cases as expected.")
    return 1 if failed else 0


@app.command()
def explain(
    action: Annotated[str, typer.Option(help="Such as message:send, tool:call or admin:keys:write.")],
    resource: Annotated[str, typer.Option(help="TYPE::ID, such as Bot::default.")],
    kind: Annotated[Kind, typer.Option(help="What the principal is.")] = Kind.PERSON,
    id: Annotated[str, typer.Option(help="Its id.")] = "",
    tenant: Annotated[str, typer.Option(help="Its tenant.")] = "default",
    role: Annotated[list[str] | None, typer.Option(help="A role of it; may be repeated.")] = None,
    assurance: Annotated[int, typer.Option(min=0, max=3, help="How surely it is who it says.")] = 1,
    context: Annotated[str, typer.Option(help="The context, a JSON object.")] = "{}",
    policies: More = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Decide one question, and say in words which policies decided."""
    from chatward.identity import explain as words  # noqa: PLC0415 - loads Cedar
    from chatward.identity.cedar import CedarAuthorizer  # noqa: PLC0415
    from chatward.identity.policy_cases import question_of  # noqa: PLC0415

    principal = Principal(
        id or f"{kind.value}:case", kind, tenant, frozenset(role or ()), Assurance(assurance)
    )  # fmt: skip
    authorizer = CedarAuthorizer(_book(config, policies), clock=time.time)
    told = words.explain(
        authorizer.decide(question_of(principal, action, resource, _object(context))), authorizer.policies
    )
    if as_json:
        print_json(asdict(told))
    else:
        print("\n".join(told.sentences))
    return 0


@app.command()
def schema(as_json: AsJson = False) -> int:
    """Print the Cedar schema: what policies may speak of."""
    from chatward.identity.cedar_schema import schema_text  # noqa: PLC0415

    if as_json:
        print_json({"schema": schema_text()})
    else:
        print(schema_text(), end="")
    return 0


def _book(config: str | None, more: list[str] | None) -> PolicyBook:
    from chatward.identity.cedar_policies import load  # noqa: PLC0415 - loads Cedar

    settings, folder = Authorization(), Path()
    if (path := locate(config)) is not None:
        settings, folder = loaded_settings(str(path)).settings.authorization, path.parent
    patterns = tuple(str(Path.cwd() / pattern) for pattern in more or ())
    return load(replace(settings, policies=settings.policies + patterns), folder)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ConfigError("--context takes a JSON object", key="context", reason="usage")
    return value


def _depends(authorizer: Any) -> list[dict[str, Any]]:
    """What decisions depend on, for each action (those of the admin plane by verb), type of resource and kind."""
    from chatward.identity.cedar_schema import ACTIONS  # noqa: PLC0415

    rows: list[dict[str, Any]] = []
    for action in ACTIONS.values():
        for resource in action.resources:
            for kind in Kind:
                reads = authorizer.reads(action.name, resource, kind)
                on = {f"context.{name}" for name in reads.fields} | {f"resource.{name}" for name in reads.facts}
                on |= {f"principal's {name}" for name in reads.tags} | ({"all attributes"} if reads.all_tags else set())
                on |= {f"argument {pointer}" for _, pointer in reads.arguments}
                on |= ({"who exactly"} if reads.identity else set()) | ({"which exactly"} if reads.resource else set())
                rows.append({"action": action.name, "resource": resource, "kind": kind.value, "on": sorted(on)})
    return rows


def _by_action(depends: list[dict[str, Any]]) -> list[tuple[tuple[str, str], list[str]]]:
    """Rows for people: all kinds together, and the admin plane as one."""
    merged: dict[tuple[str, str], set[str]] = {}
    for row in depends:
        action = "admin:*:*" if row["action"].startswith("admin:") else row["action"]
        merged.setdefault((action, row["resource"]), set()).update(row["on"])
    return [(key, sorted(on)) for key, on in merged.items()]
