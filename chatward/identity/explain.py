"""A ruling in words, for people who run Chatward: the console, ``chatward policy explain``.

The rule: an explanation names policies by id and annotations, and nothing else of them. No condition is quoted, and no
value of the question: who reads an explanation learns what decided, not where the limits are. It is not for callers;
they get the reason and its sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chatward.core.identity import Assurance, Ruling
from chatward.identity.cedar import REASONS
from chatward.identity.cedar_policies import Policy

OUTCOMES: Final = ("allow", "deny", "step-up", "approval", "step-up-and-approval")
PROOFS: Final[Mapping[Assurance, str]] = {
    Assurance.SINGLE: "a sign-in",
    Assurance.MULTI: "a second factor",
    Assurance.STRONG: "a passkey",
}


@dataclass(frozen=True, slots=True)
class Decided:
    """One policy that decided."""

    id: str
    effect: str
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """``outcome`` is one of ``OUTCOMES``; ``reason`` the ruling's; ``sentences`` say it in words."""

    outcome: str
    reason: str
    sentences: tuple[str, ...]
    policies: tuple[Decided, ...]
    step_up: str | None = None
    approval: bool = False


def outcome(ruling: Ruling) -> str:
    """What a ruling comes to, in one word."""
    if ruling.allowed:
        return "allow"
    asked = [name for name, wanted in (("step-up", ruling.step_up), ("approval", ruling.approval)) if wanted]
    return "-and-".join(asked) or "deny"


def explain(ruling: Ruling, policies: Mapping[str, Policy]) -> Explanation:
    """A ruling in words. ``policies``: of the authorizer that gave it; ids of others are named without words."""
    decided = tuple(_decided(id_, policies) for id_ in ruling.policies)
    word = {True: "Allowed", False: "Denied"}[ruling.allowed] if outcome(ruling) in {"allow", "deny"} else "Held back"
    sentences = [f"{word}: {_lower(REASONS.get(ruling.reason, 'No reason is given.'))}"]
    sentences += [_sentence(policy, ruling) for policy in decided]
    if ruling.step_up is not None:
        sentences.append(f"It goes on with {PROOFS.get(ruling.step_up, 'more assurance')}.")
    if ruling.approval:
        sentences.append("It goes on with an operator's consent.")
    level = None if ruling.step_up is None else ruling.step_up.name.lower()
    return Explanation(outcome(ruling), ruling.reason, tuple(sentences), decided, level, ruling.approval)


def _decided(id_: str, policies: Mapping[str, Policy]) -> Decided:
    policy = policies.get(id_)
    if policy is None:
        return Decided(id_, "", {})
    return Decided(id_, policy.effect, {name: text for name, text in policy.annotations.items() if name != "id"})


def _sentence(policy: Decided, ruling: Ruling) -> str:
    title = f" ({policy.annotations['title']})" if policy.annotations.get("title") else ""
    if ruling.reason == "policy-error":
        return f"The policy `{policy.id}`{title} failed."
    verb = {"permit": "permits", "forbid": "forbids"}.get(policy.effect, "decided")
    return f"The policy `{policy.id}`{title} {verb} it."


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
