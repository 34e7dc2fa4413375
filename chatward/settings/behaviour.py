"""``[behaviour]``: what is usual for people, keys, bots, tenants and address blocks, and what is not
(``chatward.behaviour``)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chatward.settings.base import Size, Strict


class BehaviourSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is learnt from messages after they were answered. No text is stored."""

    enabled: bool = False
    """Whether anything is learnt."""
    path: str = ""
    """The file of baselines, alerts and incidents. Empty: `chatward-behaviour.db` beside the ledger."""
    most: Size = 100_000
    """Entities whose baselines are kept; of more, those are forgotten of whom nothing was heard the longest. Each takes
    about a kilobyte."""
    window: Annotated[float, Meta(ge=10, le=86_400)] = 300.0
    """Seconds of a window: what happens in one is compared with what was usual."""
    half_life: Annotated[float, Meta(ge=3_600)] = 1_209_600.0
    """Seconds of silence in which a baseline fades by half."""
    risk: Annotated[float, Meta(gt=0, le=0.01)] = 0.00001
    """How probable it is that a window is called extreme by chance, for each feature."""
    points: Annotated[float, Meta(ge=0)] = 1.0
    """Points of risk (`[risk]`) that an alert about a person or visitor is worth, and each message of theirs in an
    incident. 0: policies hear nothing of it."""
    spread: Annotated[int, Meta(ge=3)] = 5
    """Conversations that send nearly the same text before it is an alert, if there is something suspicious about it."""
    breaks: Annotated[float, Meta(ge=1)] = 2.0
    """How many times as large as it was an incident grows before its suppression ends."""
    keep_days: Annotated[int, Meta(ge=1)] = 90
    """Days that alerts and closed incidents are kept."""
    queue: Size = 10_000
    """Messages that may wait to be looked at; of more, those that come are dropped and counted."""
