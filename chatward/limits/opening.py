"""Settings in, a limiter out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from chatward.configuration import resolve
from chatward.core.errors import ConfigError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.limits.amounts import Prices
from chatward.limits.limiter import Limiter
from chatward.limits.memory import MemoryStore
from chatward.limits.steady import Steady
from chatward.limits.store import Store
from chatward.limits.valkey import ValkeyStore
from chatward.settings import Limiter as LimiterSettings
from chatward.settings import Settings


def opened(settings: Settings, bot_of: Callable[[str, str], str], note: Callable[[Entry], None]) -> Limiter | None:
    """The limiter; ``None`` where there are no limits. ``note`` writes an entry and never raises. Raises
    ``ConfigError``. To be called on the event loop that asks."""
    if not settings.limits:
        return None
    wanted = settings.limiter
    for name, limit in settings.limits.items():
        if limit.of == "requests" and limit.burst < 1:
            raise ConfigError("Nobody could ever ask.", key=f"limits.{name}.burst")
        if limit.of == "money" and not wanted.prices:
            raise ConfigError("A limit of money needs prices: [limiter.prices.MODEL].", key=f"limits.{name}.of")

    def told(back: bool) -> None:
        event = Event.LIMITS_STORE_BACK if back else Event.LIMITS_STORE_LOST
        note(Entry(event.value, "", {"on_failure": wanted.on_failure}))

    store: Store | Steady = MemoryStore(most=wanted.most)
    if wanted.store == "valkey":
        shared = ValkeyStore(_address(wanted), cluster=wanted.cluster, timeout=wanted.timeout)
        store = Steady(shared, wanted.on_failure, wanted.retry, told)
    return Limiter(
        settings.limits,
        store,
        bot_of=bot_of,
        prices=Prices(wanted.prices),
        reply_tokens=wanted.reply_tokens,
        prefixes=(wanted.ipv4_prefix, wanted.ipv6_prefix),
    )


def figures(limiter: Limiter) -> Mapping[str, Mapping[str, float]]:
    """What ``/metrics`` says of it: values by metric and limit (empty: the metric has no label)."""
    found: dict[str, Mapping[str, float]] = {"chatward_limits_refused_total": dict(limiter.refused)}
    steady = limiter.steady
    if steady is not None:
        found["chatward_limits_store_up"] = {"": float(steady.up)}
        found["chatward_limits_store_failures_total"] = {"": steady.failures}
        found["chatward_limits_undecided_total"] = {"": steady.undecided}
    return found


def _address(wanted: LimiterSettings) -> str:
    url = wanted.url
    if url.startswith(("env:", "file:")):
        return resolve(url)
    if urlsplit(url).password:
        raise ConfigError(
            "A password does not stand in the file: give the address as env:NAME or file:/path.", key="limiter.url"
        )
    return url
