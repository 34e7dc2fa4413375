"""``[traffic]``: which callers look automated, and what is done about it (``chatward.traffic``).

Scores go from 1 (surely automated) to 99 (surely not). A threshold is the score below which its rung of the ladder is
taken; 0 switches the rung off.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from chatward.settings.base import Seconds, Size, Strict

Score = Annotated[int, Meta(ge=0, le=99)]


class Ladder(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scores below which something is done; of several the strictest counts. 0: never."""

    slow_below: Score = 40
    """The message waits for `traffic.slow_seconds` first."""
    work_below: Score = 30
    """A proof of work (or waiting) is asked for, once for `traffic.pass_seconds`."""
    step_up_below: Score = 0
    """Their risk is raised (`context.risk` of policies), so that policy can ask people for a proof of who they are."""
    block_below: Score = 0
    """The message is refused."""


class TrafficSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bot detection: every message gets a score from 1 (surely automated) to 99."""

    enabled: bool = False
    """Whether messages are scored."""
    mode: Literal["observe", "enforce"] = "observe"
    """`observe` only records what `enforce` would do. Observe first."""
    ladder: Ladder = field(default_factory=Ladder)
    """What is done at which score."""
    bots: dict[str, Ladder] = field(default_factory=dict)
    """Other ladders by name of the bot."""
    kinds: tuple[Literal["anonymous", "visitor", "service", "person"], ...] = ("anonymous", "visitor", "person")
    """Callers for whom the ladder is there. A program with a key (`service`) is automated by right."""
    secret: str | None = None
    """What challenges and cookies are signed with (`env:`/`file:`), the same in all processes that share callers. Else
    it is derived from this installation's key."""
    store: Literal["memory", "valkey"] = "memory"
    """Where used solutions and passes are remembered. `valkey` is the server of `[limiter]`, for several processes."""
    work_numbers: Annotated[int, Meta(ge=1_000, le=10_000_000)] = 50_000
    """Numbers to be tried at most for a proof of work; up to eight times as many at the lowest scores."""
    work_seconds: Seconds = 600.0
    """Seconds that a challenge is good for."""
    wait_seconds: Annotated[float, Meta(ge=1)] = 20.0
    """Seconds to wait for whoever waits instead of having their browser work."""
    waits_per_hour: Size = 30
    """Passes that one network may get by waiting in an hour."""
    pass_seconds: Seconds = 1_800.0
    """Seconds that a pass is good for."""
    pass_messages: Size = 100
    """Messages that it is good for, in each process."""
    slow_seconds: Annotated[float, Meta(gt=0, le=30)] = 2.0
    """Seconds that a slowed message waits."""
    slow_most: Size = 64
    """Messages that wait at once; beyond that they are refused, and told to come again."""
    ja4_header: str = ""
    """A header in which a trusted proxy (`server.trusted_proxies`) tells the JA4 fingerprint of the caller's TLS."""
    resolve: bool = True
    """Whether declared crawlers are looked up in the DNS (beside the message path)."""
    sessions: Size = 50_000
    """Sessions that are remembered."""
