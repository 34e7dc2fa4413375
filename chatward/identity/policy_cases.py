"""Tables of cases: what policies must answer, written down by the people who answer for them.

A file is TOML with ``[[case]]`` tables, or JSON Lines with one case a line. A case::

    [[case]]
    name = "a refund needs a passkey"
    principal = { kind = "person", roles = ["agent"], assurance = 1 }
    action = "tool:call"
    resource = "Tool::refund_order"
    context = { risk = "low", arguments = { amount = 100 } }
    expect = "step-up"
    policies = ["refund/passkey"]     # if given: exactly those decided

The rules: an unknown key, field of the context or kind is an error (``ConfigError``), since a case that does not say
what it seems to say passes for the wrong reason. Where a case gives no ``hour`` and ``weekday``, it is Monday noon,
so that a table has the same outcome at any time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from chatward.core.errors import ConfigError
from chatward.core.identity import Assurance, Grants, Kind, Principal, Question
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import PolicyBook
from chatward.identity.cedar_schema import ACTIONS, FIELDS, RESOURCE_FACTS, RESOURCES
from chatward.identity.explain import Explanation, explain

NOON: Final = 1_699_876_800.0
"""Monday, 2023-11-13, 12:00 UTC."""
FORMATS: Final = (".toml", ".jsonl")
CONTEXT: Final = frozenset({field.name for field in FIELDS} - {"assurance"}) | frozenset(RESOURCE_FACTS)
"""What a case's context may hold. Assurance is the principal's."""
_MAX_FILE: Final = 4 * 1024 * 1024


class GrantsOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``core.identity.Grants``."""

    bots: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


class Who(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The principal of a case."""

    kind: Kind
    id: str = ""
    tenant: str = "default"
    roles: tuple[str, ...] = ()
    assurance: Annotated[int, Meta(ge=0, le=3)] = 0
    attributes: dict[str, str] = {}
    grants: GrantsOf = GrantsOf()

    def principal(self) -> Principal:
        """As the gateway would have it."""
        grants = Grants(self.grants.bots, self.grants.models, self.grants.routes, self.grants.tools)
        return Principal(
            self.id or f"{self.kind.value}:case", self.kind, self.tenant, frozenset(self.roles),
            Assurance(self.assurance), grants=grants, attributes=self.attributes,
        )  # fmt: skip


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case. ``resource`` is ``Type::id``."""

    principal: Who
    action: str
    resource: str
    expect: Literal["allow", "deny", "step-up", "approval", "step-up-and-approval"]
    name: str = ""
    context: dict[str, Any] = {}
    policies: tuple[str, ...] | None = None


class _Cases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How a case came out. ``passed``: the outcome is the expected one, and so are the policies that it names."""

    name: str
    expected: str
    explanation: Explanation
    passed: bool


def read_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a file. Raises ``ConfigError``."""
    name = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FILE + 1)
        if len(data) > _MAX_FILE:
            raise ConfigError("it is larger than 4 MiB", file=name)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"it cannot be read: {error.strerror}", file=name, reason="file-missing") from None
    except UnicodeDecodeError:
        raise ConfigError("it is not UTF-8 text", file=name) from None
    if path.suffix not in FORMATS:
        raise ConfigError(f"a table of cases ends in {' or '.join(FORMATS)}", file=name)
    cases = tuple(_lines(text, name)) if path.suffix == ".jsonl" else _toml(text, name)
    if not cases:
        raise ConfigError("it holds no case", file=name)
    return cases


def run_cases(cases: Iterable[Case], book: PolicyBook) -> list[Result]:
    """Every case, decided."""
    authorizer = CedarAuthorizer(book, clock=lambda: NOON)
    results: list[Result] = []
    for number, case in enumerate(cases, 1):
        ruling = authorizer.decide(question_of(case.principal.principal(), case.action, case.resource, case.context))
        explanation = explain(ruling, authorizer.policies)
        decided = case.policies is None or set(case.policies) == set(ruling.policies)
        passed = explanation.outcome == case.expect and decided
        results.append(Result(case.name or f"case {number}", case.expect, explanation, passed))
    return results


def question_of(principal: Principal, action: str, resource: str, context: Mapping[str, Any]) -> Question:
    """A question from text. Raises ``ConfigError`` where it could only be a mistake."""
    kind, colons, id_ = resource.partition("::")
    if not colons or kind not in RESOURCES:
        raise ConfigError(f"a resource is TYPE::ID; types are {', '.join(RESOURCES)}", key="resource")
    for name in context:
        if name not in CONTEXT:
            hint = "; it is the principal's" if name == "assurance" else f"; there are {', '.join(sorted(CONTEXT))}"
            raise ConfigError(f"the context has no `{name}`{hint}", key="context")
    return Question(principal, action, (kind, id_), context)


def _lines(text: str, file: str) -> Iterable[Case]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield _checked(msgspec.json.decode(line, type=Case), file, number)
            except msgspec.DecodeError as error:
                raise ConfigError(str(error), file=file, line=number) from None


def _toml(text: str, file: str) -> tuple[Case, ...]:
    try:
        cases = msgspec.convert(tomllib.loads(text), _Cases).case
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(str(error), file=file) from None
    return tuple(_checked(case, file, None, f"case {number}: ") for number, case in enumerate(cases, 1))


def _checked(case: Case, file: str, line: int | None, where: str = "") -> Case:
    """An action that does not exist may only be expected to be denied."""
    try:
        question_of(case.principal.principal(), case.action, case.resource, case.context)
    except ConfigError as error:
        raise ConfigError(f"{where}{error.public}", key=error.key, file=file, line=line) from None
    if case.action not in ACTIONS and case.expect != "deny":
        raise ConfigError(f"{where}there is no such action", key="action", file=file, line=line)
    return case
