r"""How a kind of credential becomes a rule.

There are two sorts. ``Marked`` kinds carry a mark of their own (``ghp_``, ``AKIA``): the mark and the shape of what
follows decide, and what follows must not be filler. ``Named`` kinds are bare strings (32 hex digits): they count only
where their provider's name stands before them, at most ``GAP`` characters away, with a word for a credential in
between or before, and right after a separator; and they must look random.

Values never decide by checksum: a checksum that holds raises the confidence, one that fails changes nothing, because
tokens get cut, masked and mistyped on their way into a chat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Final

from chatward.core.rules import Rule, Validator
from chatward.core.values import Category, Severity
from chatward.guards.text.secrets_values import random_like, showpiece, solid

PREFIX: Final = "text.secrets/"
GAP: Final = 48

A: Final = "[A-Za-z0-9]"
B: Final = "[A-Za-z0-9+/]"
W: Final = "[A-Za-z0-9_-]"
H: Final = "[0-9a-f]"
UUID: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

# A token starts where no letter or digit precedes it. In JSON text "\n" precedes it as a backslash and a letter.
START: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf]))"
END: Final = "(?![A-Za-z0-9_])"
_LITERAL: Final = re.compile(r"(?:[A-Za-z0-9_=/:@%&#-]|\\[.+$^|])+")

_CREDENTIAL: Final = re.compile(
    r"(?i)key|token|secret|passw|auth|cred|pat\b|_pat|sid|bearer|licen[cs]e|api|pwd|webhook|client|access|clé|schlüssel"
    r"|clave|chave|jeton|токен|ключ|密钥|令牌"
)
_LEAD: Final = re.compile(r"""(?i)(?:[:=>(,]|\bis|\bto|key|token|secret|password)[\s"'`\\*]*\Z""")
_DIGEST: Final = re.compile(r"(?i)sha-?\d|md5|digest|checksum|integrity|commit|etag|revision|fingerprint|image|hash")


@dataclass(frozen=True, slots=True)
class Marked:
    """A credential with a mark. ``tail`` is the character class in which an open-ended one goes on; ``keyed``
    means that the mark is the name of a field and no part of the secret."""

    name: str
    mark: str
    body: str
    summary: str
    entity: str = "API_KEY"
    severity: Severity = Severity.HIGH
    tail: str = ""
    check: Callable[[str], bool] | None = None
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A credential without a mark. ``names`` are the provider's names, as alternatives of a pattern."""

    name: str
    names: str
    shape: str
    summary: str
    entity: str = "API_KEY"
    severity: Severity = Severity.HIGH


_compiled = cache(re.compile)


def marked_rule(kind: Marked) -> Rule:
    """The rule of a marked kind."""
    return Rule(
        id=PREFIX + kind.name,
        pattern=f"{_marked_start(kind.mark)}({kind.body}){'' if kind.tail else END}",
        category=Category.SECRET,
        severity=kind.severity,
        confidence=0.95,
        summary=kind.summary,
        entity=kind.entity,
        group=1 if kind.keyed else 0,
        validate=_marked_validator(kind),
        tail=kind.tail,
    )


def _marked_start(mark: str) -> str:
    """The mark, at the start of a token. A literal one comes first and looks back over itself, because ``re`` finds
    a pattern that starts with a literal many times faster than one that starts with an assertion."""
    if _LITERAL.fullmatch(mark) is None:
        return f"{START}(?:{mark})"
    return rf"{mark}(?:(?<![A-Za-z0-9]{mark})|(?<=\\[nrtbf]{mark}))"


def _marked_validator(kind: Marked) -> Validator:
    def validate(text: str, before: str) -> float | None:
        mark = None if kind.keyed else _compiled(kind.mark).match(text)
        body = text[mark.end() :] if mark is not None else text
        if not solid(body):
            return 0.6 if showpiece(body) else None
        return 0.99 if kind.check is not None and kind.check(text) else 0.95

    return validate


def named_rules(kinds: Iterable[Named]) -> list[Rule]:
    """The rules of named kinds. They share one trigger, so that a stream looks for all names at once."""
    listed = list(kinds)
    trigger = any_of(name for kind in listed for name in kind.names.split("|"))
    return [
        Rule(
            id=PREFIX + kind.name,
            pattern=rf"(?i:{kind.names})[ -~\t\r\n]{{0,{GAP}}}?(?<![A-Za-z0-9_-])({kind.shape})(?![A-Za-z0-9_-])",
            category=Category.SECRET,
            severity=kind.severity,
            confidence=0.85,
            summary=kind.summary,
            entity=kind.entity,
            group=1,
            validate=named_value,
            trigger=trigger,
        )
        for kind in listed
    ]


def named_value(value: str, before: str) -> float | None:
    """Confidence that a bare string after a provider's name is its credential."""
    if _LEAD.search(before) is None or _CREDENTIAL.search(before[-72:]) is None:
        return None
    if _DIGEST.search(before[-20:]) is not None or not random_like(value, least=10):
        return None
    return 0.85


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of ``words`` in any case, branching on the first letter (one look a position)."""
    ordered = sorted(set(words), key=lambda word: (word[0].lower(), word))
    branches = []
    for first, group in groupby(ordered, key=lambda word: word[0].lower()):
        rest = "|".join(word[1:] for word in group)
        branches.append(f"[{first}{first.upper()}](?i:{rest})")
    return "(?:" + "|".join(branches) + ")"


def secret_rule(
    name: str,
    pattern: str,
    summary: str,
    entity: str,
    severity: Severity = Severity.HIGH,
    *,
    confidence: float = 0.9,
    validate: Validator | None = None,
    group: int = 0,
    trigger: str = "",
    tail: str = "",
    until: str = "",
) -> Rule:
    """A rule of this guard that no table describes."""
    return Rule(
        id=PREFIX + name,
        pattern=pattern,
        category=Category.SECRET,
        severity=severity,
        confidence=confidence,
        summary=summary,
        entity=entity,
        validate=validate,
        group=group,
        trigger=trigger,
        tail=tail,
        until=until,
    )
