"""LiteLLM's generic guardrail call, in its terms.

LiteLLM asks ``POST /beta/litellm_basic_guardrail_api`` before and after a model call, and does what the answer says:
``NONE``, ``GUARDRAIL_INTERVENED`` with as many ``texts`` as were asked about, or ``BLOCKED`` with a reason
(LiteLLM documentation, "Generic Guardrail API"). The rule here: one blocked text blocks the call; else, if any text
has to change, all texts go back, each in its place.

What this call cannot do: change images, or the arguments of a tool call. Arguments are inspected, and block where
they must; a change they would need is not made. Fields that LiteLLM adds are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from chatward.core.values import Verdict


class GuardrailRequest(BaseModel):
    """What LiteLLM asks."""

    input_type: Literal["request", "response"]
    texts: list[str] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    litellm_call_id: str | None = None
    litellm_trace_id: str | None = Field(default=None, description="the same for all calls of a conversation")

    @property
    def role(self) -> str:
        return "user" if self.input_type == "request" else "assistant"

    @property
    def conversation(self) -> str:
        return self.litellm_trace_id or self.litellm_call_id or ""

    @property
    def arguments(self) -> list[str]:
        """The arguments of the tool calls, as the JSON text they are."""
        functions = [call.get("function") for call in self.tool_calls or ()]
        found = [function.get("arguments") for function in functions if isinstance(function, dict)]
        return [text for text in found if isinstance(text, str)]


class GuardrailAnswer(BaseModel):
    """What LiteLLM is told."""

    action: Literal["NONE", "BLOCKED", "GUARDRAIL_INTERVENED"]
    blocked_reason: str | None = None
    texts: list[str] | None = None


def answer(texts: Sequence[str], verdicts: Sequence[Verdict], sentence: str) -> GuardrailAnswer:
    """The answer. ``verdicts`` are those of ``texts``, then those of arguments; ``sentence`` is for the person."""
    for verdict in verdicts:
        if verdict.blocked:
            reason = f"{sentence} ({verdict.rule})" if verdict.rule else sentence
            return GuardrailAnswer(action="BLOCKED", blocked_reason=reason)
    forwarded = [text if verdict.text is None else verdict.text for text, verdict in zip(texts, verdicts, strict=False)]
    if forwarded != list(texts):
        return GuardrailAnswer(action="GUARDRAIL_INTERVENED", texts=forwarded)
    return GuardrailAnswer(action="NONE")
