"""Explain a decision: a question is put to the policies in force, and the answer is said in words.

The rules:

1. It decides and does nothing: no message is sent, no challenge made, nothing recorded. So it is reading, though it is
   posted (the context of a question may hold what does not belong into an address).
2. An explanation names policies by id and title, and quotes no condition (``identity.explain``).
3. A question about a caller by id that says nothing of ``risk`` is asked with the risk that there is now, and the
   answer says what it is from.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages
from chatward.console.wording import ENGLISH
from chatward.core.errors import ClientError, ConfigError
from chatward.core.identity import Assurance, Authorizer, Kind, Principal
from chatward.identity.cedar_policies import Policy
from chatward.identity.cedar_schema import ACTIONS
from chatward.identity.explain import explain
from chatward.identity.policy_cases import question_of
from chatward.identity.risk import UNKNOWN, Risks

_LONGEST: Final = 16_384
_ASSURANCE: Final = ("none", "one factor", "two factors", "a passkey")


class Explaining(Authorizer, Protocol):
    """An authorizer whose policies can be named."""

    @property
    def policies(self) -> Mapping[str, Policy]: ...


class Asked(BaseModel):
    """A question. ``resource`` is ``TYPE::ID``; ``assurance`` is from 0 to 3."""

    model_config = ConfigDict(extra="forbid")

    action: str = Field(max_length=200)
    resource: str = Field(max_length=200)
    kind: Kind = Kind.PERSON
    id: str = Field(default="", max_length=200)
    tenant: str = Field(default="default", max_length=100)
    roles: list[str] = Field(default=[], max_length=100)
    assurance: int = Field(default=1, ge=0, le=3)
    context: dict[str, Any] = {}


class DecidedAnswer(BaseModel):
    id: str
    effect: str
    annotations: dict[str, str]


class ExplanationAnswer(BaseModel):
    """``outcome``: ``allow``, ``deny``, ``step-up``, ``approval`` or ``step-up-and-approval``."""

    outcome: str
    reason: str
    sentences: list[str]
    policies: list[DecidedAnswer]
    step_up: str | None
    approval: bool


async def answer(authorizer: Explaining, asked: Asked, risks: Risks | None = None) -> ExplanationAnswer:
    """The ruling on a question, in words. Raises ``ClientError`` (``question-invalid``)."""
    principal = Principal(
        asked.id or f"{asked.kind.value}:case",
        asked.kind,
        asked.tenant,
        frozenset(asked.roles),
        Assurance(asked.assurance),
    )
    context, standing = asked.context, ""
    if risks is not None and asked.id and "risk" not in context:
        context = {**context, "risk": risks.band(principal)}
        standing = _standing(risks, principal)
    try:
        question = question_of(principal, asked.action, asked.resource, context)
    except ConfigError as error:
        raise ClientError(error.public, reason="question-invalid") from error
    ruling = await asyncio.to_thread(authorizer.decide, question)
    told = ExplanationAnswer.model_validate(asdict(explain(ruling, authorizer.policies)))
    if standing:
        told.sentences.append(standing)
    return told


def _standing(risks: Risks, principal: Principal) -> str:
    band, rated = risks.band(principal), risks.rated(principal.id)
    if band == UNKNOWN:
        return "The risk is unknown: callers of this kind are not rated."
    signals = ", ".join(f"`{name}` ({count})" for name, count in rated.signals)
    points = f": {rated.points:g} points, from {signals}" if signals else ""
    return f"The risk is {band} now{points}."


def explain_routes(router: APIRouter, authorizer: Explaining, pages: Pages, risks: Risks | None = None) -> None:
    """Adds ``/policy/explain`` and ``/api/v1/policy/explain``."""

    async def page(caller: AdminCaller, status: int = 200, **values: Any) -> Response:
        known = {
            "here": "/policy/explain",
            "wide": True,
            "actions": list(ACTIONS),
            "kinds": [kind.value for kind in Kind],
            "levels": list(enumerate(_ASSURANCE)),
            "given": {"action": "message:send", "resource": "Bot::default", "kind": "person", "assurance": "1"}
            | dict(caller.form),
            "answer": None,
        }
        return pages.render(caller, "explain.html", status, **(known | values))

    @router.get("/policy/explain", include_in_schema=False)
    async def form(request: Request) -> Response:
        return await page(caller_of(request))

    @router.post("/policy/explain", include_in_schema=False)
    async def explained(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            return await page(caller, answer=await answer(authorizer, _asked(caller.form), risks))

        return await pages.trying(act, lambda error: page(caller, error.status, problem=error.public))

    @router.post("/api/v1/policy/explain", summary="What would be decided, and by which policies")
    async def explanation(asked: Asked) -> ExplanationAnswer:
        return await answer(authorizer, asked, risks)


def _asked(form: Mapping[str, str]) -> Asked:
    text = form.get("context", "").strip() or "{}"
    try:
        context = json.loads(text) if len(text) <= _LONGEST else None
    except (ValueError, RecursionError):
        context = None
    if not isinstance(context, dict):
        raise ClientError(ENGLISH["explain_json"], reason="question-invalid")
    kind, level = form.get("kind", ""), form.get("assurance", "")
    if kind not in {one.value for one in Kind} or level not in {"0", "1", "2", "3"}:
        raise ClientError("Choose what the caller is, and how surely.", reason="question-invalid")
    return Asked.model_construct(
        action=form.get("action", "").strip()[:200],
        resource=form.get("resource", "").strip()[:200],
        kind=Kind(kind),
        id=form.get("id", "").strip()[:200],
        tenant=form.get("tenant", "").strip()[:100] or "default",
        roles=form.get("roles", "").split()[:100],
        assurance=int(level),
        context=context,
    )
