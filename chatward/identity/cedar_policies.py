"""Policy files: read, checked against the schema, and refused with their name where something is wrong.

The rules:

1. Every policy has an ``@id``, unique over all files: lower-case letters, digits, ``-``, ``_``, ``.`` and ``/``. It is
   what the ledger, the console and a ruling name.
2. Annotations are ``id``, ``title``, ``description``, ``owner``, and on a ``forbid`` ``step_up`` and ``approval``. A
   misspelt one is refused.
3. ``@step_up`` says that the ``forbid`` ends with more assurance, so it must read ``context.assurance``; ``@approval``
   says that it ends with consent, so it must read ``context.approved``.
4. Cedar's strict validation against ``cedar_schema`` passes, or Chatward does not start. No templates.
5. Emptiness is an error: a pattern that finds no file, or no policy at all.
"""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cedarpy
from cedarpy import pst

from chatward.core.errors import ConfigError
from chatward.core.identity import Assurance
from chatward.identity.cedar_reads import Reads, reads_of
from chatward.identity.cedar_schema import RESOURCES, schema_text
from chatward.settings import Authorization

KEY: Final = "authorization.policies"
DEFAULT: Final = "default.cedar"
"""The policies that come with Chatward."""
STEP_UPS: Final[Mapping[str, Assurance]] = MappingProxyType(
    {"totp": Assurance.MULTI, "multi": Assurance.MULTI, "passkey": Assurance.STRONG}
)
"""Values of ``@step_up``."""
APPROVERS: Final = ("operator",)
"""Values of ``@approval``."""
ANNOTATIONS: Final = ("id", "title", "description", "owner", "step_up", "approval")

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}")
_MAX_FILE: Final = 1024 * 1024
_TRIES: Final = 20
_GROUP: Final = re.compile(rf"({'|'.join(RESOURCES)})::(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. ``step_up`` and ``approval`` are what would lift it, where it is a ``forbid`` that can be lifted."""

    id: str
    template: pst.Template
    file: str
    reads: Reads
    step_up: Assurance | None = None
    approval: bool = False

    @property
    def effect(self) -> str:
        """``permit`` or ``forbid``."""
        return self.template.effect

    @property
    def liftable(self) -> bool:
        return self.step_up is not None or self.approval

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.template.annotations


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """All policies by id. ``groups``: group -> (resource type, pattern); ``roles``: role -> all that it includes."""

    policies: Mapping[str, Policy]
    groups: Mapping[str, tuple[tuple[str, str], ...]]
    roles: Mapping[str, frozenset[str]]
    version: str


def load(settings: Authorization, folder: Path | None = None) -> PolicyBook:
    """The policies that the settings name. ``folder``: what patterns are relative to. Raises ``ConfigError``."""
    texts = [(DEFAULT, shipped())] if settings.default else []
    for pattern in settings.policies:
        texts += [(str(path), _read(path)) for path in _found(pattern, folder or Path())]
    return book(dict(texts), groups=settings.groups, roles=settings.roles)


def shipped() -> str:
    """The text of the default policies."""
    return resources.files("chatward.identity").joinpath("policies", DEFAULT).read_text("utf-8")


def book(
    texts: Mapping[str, str],
    *,
    groups: Mapping[str, tuple[str, ...]] | None = None,
    roles: Mapping[str, tuple[str, ...]] | None = None,
) -> PolicyBook:
    """Policies from texts by file name. Raises ``ConfigError``."""
    policies: dict[str, Policy] = {}
    for file, text in texts.items():
        for policy in _policies(file, text):
            if policy.id in policies:
                where = policies[policy.id].file
                raise _error(file, text, policy.id, f"there is another policy of that id, in {where}")
            policies[policy.id] = policy
    if not policies:
        raise ConfigError("there is no policy, so nothing would be permitted", key=KEY)
    digest = hashlib.sha256()
    for part in (schema_text(), *(f"{name}\0{texts[name]}" for name in texts), repr(groups), repr(roles)):
        digest.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    return PolicyBook(policies, _groups(groups or {}), _roles(roles or {}), digest.hexdigest()[:16])


@cache
def schema() -> cedarpy.Schema:
    """The schema, parsed."""
    return cedarpy.Schema.from_str(schema_text())


# --- files --------------------------------------------------------------------------------------------------


def _found(pattern: str, folder: Path) -> list[Path]:
    names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
    files = [path for path in (folder / name for name in names) if path.is_file()]
    if not files:
        raise ConfigError(f"{KEY}: no file matches {pattern}", key=KEY, reason="file-missing")
    return files


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FILE + 1)
        if len(data) > _MAX_FILE:
            raise ConfigError("it is larger than 1 MiB", key=KEY, file=str(path))
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"it cannot be read: {error.strerror}", key=KEY, file=str(path), reason="file-missing"
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("it is not UTF-8 text", key=KEY, file=str(path), line=line) from None


def _policies(file: str, text: str) -> Iterable[Policy]:
    try:
        parsed = cedarpy.policies_to_pst(text)
    except ValueError as error:
        raise ConfigError(
            f"a policy cannot be read: {error}", key=KEY, file=file, line=_line_of_first_bad(text)
        ) from None
    if parsed.templates:
        raise ConfigError("templates (`?principal`, `?resource`) are not supported", key=KEY, file=file)
    by_name = sorted(parsed.static_policies.items(), key=lambda item: int(item[0].removeprefix("policy")))
    found = [_policy(file, text, place, template) for place, (_, template) in enumerate(by_name, 1)]
    _validate(file, text, {name: policy.id for (name, _), policy in zip(by_name, found, strict=True)})
    return found


def _policy(file: str, text: str, place: int, template: pst.Template) -> Policy:
    annotations = template.annotations
    id_ = annotations.get("id", "")
    if not _ID.fullmatch(id_):
        sentence = "needs an @id of lower-case letters, digits, `-`, `_`, `.` and `/`"
        raise ConfigError(f"policy number {place} {sentence}", key=KEY, file=file, line=_line_of_id(text, id_))
    for name in annotations:
        if name not in ANNOTATIONS:
            raise _error(file, text, id_, f"has an unknown annotation @{name}; there are {', '.join(ANNOTATIONS)}")
    reads = reads_of(template)
    step_up = annotations.get("step_up")
    approval = annotations.get("approval")
    if (step_up is not None or approval is not None) and template.effect != "forbid":
        raise _error(file, text, id_, "is a permit, and only a forbid can be lifted by @step_up or @approval")
    if step_up is not None and step_up not in STEP_UPS:
        raise _error(file, text, id_, f"has an unknown @step_up; there are {', '.join(STEP_UPS)}")
    if approval is not None and approval not in APPROVERS:
        raise _error(file, text, id_, f"has an unknown @approval; there is {', '.join(APPROVERS)}")
    if step_up is not None and "assurance" not in reads.fields:
        raise _error(file, text, id_, "has @step_up, but no assurance lifts it: it does not read context.assurance")
    if approval is not None and "approved" not in reads.fields:
        raise _error(file, text, id_, "has @approval, but no consent lifts it: it does not read context.approved")
    lifted = None if step_up is None else STEP_UPS[step_up]
    return Policy(id_, replace(template, id=id_), file, reads, lifted, approval is not None)


def _validate(file: str, text: str, ids: Mapping[str, str]) -> None:
    result = cedarpy.validate_policies(text, schema())
    if result.validation_passed:
        return
    first = min(result.errors, key=lambda error: list(ids).index(error.policy_id) if error.policy_id in ids else -1)
    id_ = ids.get(first.policy_id, "")
    raise _error(file, text, id_, first.error.removeprefix(f"for policy `{first.policy_id}`").lstrip(", :"))


def _error(file: str, text: str, id_: str, sentence: str) -> ConfigError:
    return ConfigError(f"policy `{id_}`: {sentence}", key=KEY, file=file, line=_line_of_id(text, id_))


def _line_of_id(text: str, id_: str) -> int | None:
    """The line of an ``@id``: Cedar's parsed form does not keep it. The last one, since duplicates are the later."""
    places = [one.start() for one in re.finditer(rf'@id\s*\(\s*"{re.escape(id_)}"', text)] if id_ else []
    return text.count("\n", 0, places[-1]) + 1 if places else None


def _line_of_first_bad(text: str) -> int:
    """Where the first policy that cannot be parsed begins: after the longest beginning that can."""
    good = failed = 0
    for end in (one.end() for one in re.finditer(r";[ \t]*(?://[^\n]*)?$", text, re.MULTILINE)):
        try:
            cedarpy.PolicySet.from_str(text[good:end])
        except ValueError:  # this one is bad, or the semicolon stands in a text
            failed += 1
            if failed > _TRIES:
                break
            continue
        good, failed = end, 0
    rest = text[good:]
    return text.count("\n", 0, good + len(rest) - len(rest.lstrip())) + 1


# --- groups and roles ---------------------------------------------------------------------------------------


def _groups(groups: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, patterns in groups.items():
        parts: list[tuple[str, str]] = []
        for pattern in patterns:
            form = _GROUP.fullmatch(pattern)
            if form is None:
                raise ConfigError(
                    f"authorization.groups.{name}: a member is TYPE::PATTERN, such as Tool::refund_*; types are"
                    f" {', '.join(RESOURCES)}",
                    key=f"authorization.groups.{name}",
                )
            parts.append((form[1], form[2]))
        found[name] = tuple(parts)
    return found


def _roles(roles: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """Role -> itself and all that it includes, at any distance."""
    found: dict[str, frozenset[str]] = {}
    for role in roles:
        seen: set[str] = set()
        waiting = [role]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting.extend(roles.get(one, ()))
        found[role] = frozenset(seen)
    return found
