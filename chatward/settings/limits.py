"""``[limits]`` and ``[limiter]``: how fast callers may ask."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from chatward.settings.base import Seconds, Size, Strict


class Limit(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast something may be asked for: `rate` in every `period`, and `burst` of it at once (docs/limits.md)."""

    of: Literal["requests", "tokens", "money", "streams"] = "requests"
    """What is counted. Money is in the currency of `limiter.prices`; streams are replies under way at the same time."""
    per: Literal["tenant", "principal", "session", "address", "bot"] = "principal"
    """Whose count it is, within a tenant; a principal is a key or a person."""
    rate: Annotated[float, Meta(gt=0)] = 60.0
    """How much in every period. Streams have none."""
    period: Seconds = 60.0
    """Seconds. Of streams: after which one counts no more, should its end have been lost."""
    burst: Annotated[float, Meta(gt=0)] = 10.0
    """How much at once. Of streams: how many at the same time."""


class Price(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What 1,000 tokens of a model cost. The section's name is the model, or a pattern (`gpt-*`)."""

    input: Annotated[float, Meta(ge=0)] = 0.0
    """Tokens that it reads."""
    output: Annotated[float, Meta(ge=0)] = 0.0
    """Tokens that it writes."""


class Limiter(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How limits are counted."""

    store: Literal["memory", "valkey"] = "memory"
    """In this process, or in a server that speaks the Valkey/Redis protocol, for all processes together."""
    url: str = "valkey://127.0.0.1:6379"
    """Address of that server (`valkeys://` with TLS); with a password in it, a reference: `env:NAME`, `file:/path`."""
    cluster: bool = False
    """Whether it is one of a cluster."""
    timeout: Seconds = 0.1
    """Seconds that it may take to answer."""
    on_failure: Literal["local", "allow", "refuse"] = "local"
    """When it does not: count in this process, let everybody in, or nobody (503)."""
    retry: Seconds = 1.0
    """Seconds after which it is asked again."""
    most: Size = 100_000
    """Keys that this process remembers."""
    ipv4_prefix: Annotated[int, Meta(ge=8, le=32)] = 24
    """Bits of an IPv4 address that are counted as one."""
    ipv6_prefix: Annotated[int, Meta(ge=16, le=128)] = 56
    """Bits of an IPv6 address that are counted as one."""
    reply_tokens: Size = 500
    """Tokens of a reply that are taken beforehand where a request does not say how long it may be."""
    prices: dict[str, Price] = field(default_factory=dict)
    """Prices by model; the first pattern that fits counts."""
