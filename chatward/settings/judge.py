"""``[judge]``: the language model that is asked where the models are unsure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chatward.settings.base import Fraction, Seconds, Size, Strict

ActionName = Literal["allow", "redact", "challenge", "block"]


class JudgeSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A language model that is asked where the detection models are unsure. The text goes to its bot."""

    enabled: bool = False
    """Whether it is asked at all."""
    bot: str = "default"
    """The bot of `[bots]` that judges; it must speak OpenAI's chat completions."""
    model: str = ""
    """The model it asks for."""
    low: Fraction = 0.2
    """Scores below this are sure enough: no attack."""
    high: Fraction = 0.5
    """Scores from this on are sure enough: an attack."""
    clears: bool = False
    """Whether a firm `benign` also takes away an unsure finding. Without it the judge can add findings only."""
    required: bool = True
    """Whether no opinion counts as a guard that could not run; otherwise the first tiers decide alone."""
    calls_per_minute: Size = 60
    """Calls begun in any 60 seconds."""
    tokens_per_day: Size = 500_000
    """Tokens, questions and answers together, in a day (UTC)."""
    seconds: Seconds = 5.0
    """How long one opinion may take, waiting for its turn included."""
    concurrent: Size = 4
    """Calls at once; more wait."""
    max_text: Size = 8_000
    """The longest text that is judged. A longer one gets no opinion, since a part of it is not the whole."""
    max_answer_tokens: Annotated[int, Meta(ge=64)] = 200
    """Tokens that an answer may have. A model that reasons aloud needs thousands."""
    reasoning: bool = False
    """The model takes no temperature, and its limit is called `max_completion_tokens`."""
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    """How the bot is told the form of the answer (`response_format`). The answer is checked either way."""
    trial_every: Seconds = 3_600.0
    """Seconds after which the judge must show again that it can judge."""
    memory: Annotated[int, Meta(ge=0)] = 2_000
    """How many opinions are remembered by digest, so that the same text is asked about once."""
