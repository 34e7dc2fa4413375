"""From observations to alerts: which entities a message counts for, what is unusual about them, and who is told.

The rules:

1. A message counts for four entities (``values.FORMS``), each by itself. "Nobody in particular" has no baseline of its
   own, only its address block has.
2. An alert goes into the file and the ledger (``behaviour:alert:raised``), and is worth ``points`` of risk to its
   principal. In the ledger stand ids, numbers and names of features; an address block stands there as a keyed digest.
3. What the thread of ``worker`` calls is called by it alone; ``forget`` may come from others, hence the lock.
"""

from __future__ import annotations

import ipaddress
import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, Protocol

import numpy as np

from chatward.behaviour.baselines import Baselines, Floats, Seen, Unusual, group_of
from chatward.behaviour.clusters import Sent
from chatward.behaviour.rows import TOPICS, Rows, digest
from chatward.behaviour.series import Series
from chatward.behaviour.store import BehaviourStore
from chatward.behaviour.topics import MOST_READ, Topics
from chatward.behaviour.values import FEATURES, Alert
from chatward.core.events import Event
from chatward.core.observing import Observation
from chatward.core.ports import Entry

IPV4: Final = 24
IPV6: Final = 56
NOBODY: Final = "anonymous"
_WORD: Final = re.compile(r"[^\W\d_]+")
_WORDS: Final = 3
BUSY: Final = 2_000
"""Messages from an address block after which it is too busy to tie alerts together by itself."""
_REFUSED: Final = frozenset({"block", "challenge"})
_MOST_TOLD: Final = 10
"""Alerts in a second that are put on record; the file has all."""

Tell = Callable[[Entry], None]
Rate = Callable[[str, str, float], None]
"""Principal, signal, points (``identity.risk.Risks.add``)."""


class Folding(Protocol):
    """What makes incidents of alerts (``incidents.Incidents``)."""

    def message(self, seen: Observation, sender: Alert, sent: Sent, alerts: Sequence[Alert]) -> list[tuple[Alert, str]]:
        """All alerts about a message with their incidents: those given, and what comes of comparing it with others,
        about its ``sender``."""
        ...

    def is_suppressed(self, id: str) -> bool: ...

    def load(self, store: BehaviourStore, now: float) -> None: ...

    def save(self, store: BehaviourStore, now: float) -> None: ...

    def forget(self, gone: Callable[[str, str], bool]) -> None:
        """Takes out whoever is gone, by tenant and principal."""
        ...


class Analyst:
    """All of behaviour for one process. ``topics`` tells what a text is about, by its words alone where there is none;
    ``clock``: seconds since 1970, for what is kept how long."""

    def __init__(
        self,
        key: bytes,
        store: BehaviourStore,
        *,
        most: int = 100_000,
        width: float = 300.0,
        half_life: float = 14 * 86_400.0,
        risk: float = 1e-5,
        points: float = 1.0,
        keep: float = 90 * 86_400.0,
        tell: Tell = lambda entry: None,
        rate: Rate = lambda principal, signal, points: None,
        folding: Folding | None = None,
        topics: Topics | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = _derived(key)
        self._topics = topics or self._words
        self._erased = store.erased()
        self._store = store
        self._points = points
        self._keep = keep
        self._tell = tell
        self._rate = rate
        self._folding = folding
        self._clock = clock
        self._lock = threading.RLock()
        self._pending: list[tuple[Alert, str]] = []
        self._purged = 0.0
        self._second = self._told = self._left_out = 0
        self.baselines = Baselines(Rows(most), risk, width, half_life)
        self.alerts = 0
        store.load(self.baselines.rows)
        for name, state in store.states().items():
            if name.startswith("peers:"):
                self.baselines.peers(int(name.removeprefix("peers:"))).restore(state)
            elif name.startswith("series:"):
                series = self.baselines.series[bytes.fromhex(name.removeprefix("series:"))] = Series()
                series.restore(state)
        if folding is not None:
            folding.load(store, clock())

    def learn(self, observation: Observation) -> None:
        """One finished message."""
        with self._lock:
            self._learn(observation)

    def _learn(self, seen: Observation) -> None:
        added = self._added(seen)
        found: list[tuple[str, str, Unusual]] = []
        names: dict[str, str] = {}
        keys: dict[str, str] = {}
        rows = self.baselines.rows
        for form, name in entities(seen):
            entity = digest(self._key, form, seen.tenant, name)
            kind = seen.kind if form == "principal" else ""
            found += [(form, name, unusual) for unusual in self.baselines.add(entity, group_of(form, kind), added)]
            names[form], keys[form] = name, f"{form}:{entity.hex()}"
            if form == "address" and rows.find(entity)["seen"] > BUSY:
                keys[form] = ""  # too many share it to have anything in common
        form = "principal" if "principal" in names else "address" if "address" in names else "tenant"
        whole = digest(self._key, form, seen.tenant, names[form])
        shared = {
            "principal": (keys.get("principal", ""), keys.get("address", "")),
            "address": (f"address:{whole.hex()}",) if form == "address" else (keys.get("address", ""),),
        }
        alerts = [self._alert(seen, one, name, unusual, shared.get(one, ())) for one, name, unusual in found]
        if self._folding is None:
            folded = [(alert, "") for alert in alerts]
        else:
            sender = self._alert(seen, form, names[form], Unusual("", (), (seen.request,)), shared.get(form, ()))
            sent = Sent(
                seen.at,
                _hash(seen.session or seen.request, 1 << 48),
                _hash(names[form], 1 << 48),
                _hash(names.get("address", ""), 1 << 48),
                refused=added.refused,
                fresh=bool(rows.find(whole)["weight"] < 1),
                unusual=any(one in ("principal", "address") for one, _, _ in found),
            )
            folded = self._folding.message(seen, sender, sent, alerts)
        for alert, incident in folded:
            self._raise(alert, incident)

    def _added(self, seen: Observation) -> Seen:
        marks = 0
        for name in (*seen.tools, *seen.rules, *((seen.refusal,) if seen.refusal else ())):
            marks |= 1 << _hash(name, 64)
        unread = bool(seen.refusal) and not seen.text
        return Seen(
            seen.request,
            seen.at,
            seen.action in _REFUSED,
            bool(seen.rules),
            _hash(seen.session or seen.request, 64),
            marks,
            None if unread else math.log1p(max(seen.sent, 0)),
            None if unread else math.log1p(max(seen.took, 0.0) * 1e3),
            self._topics(seen.text),
        )

    def _words(self, text: str) -> Floats | None:
        return topic_of(text, self._key)

    @staticmethod
    def _alert(seen: Observation, form: str, name: str, unusual: Unusual, keys: tuple[str, ...]) -> Alert:
        points = max((one.score / max(one.threshold, 1.0) for one in unusual.deviations), default=1.0)
        return Alert(
            at=seen.at,
            tenant=seen.tenant,
            form=form,
            entity=name,
            bot=seen.bot,
            signal=unusual.signal,
            deviations=unusual.deviations,
            evidence=unusual.evidence,
            points=round(min(max(points, 1.0), 5.0), 2),
            keys=tuple(key for key in keys if key),
        )

    def _raise(self, alert: Alert, incident: str) -> None:
        self.alerts += 1
        self._pending.append((alert, incident))
        if self._folding is not None and incident and self._folding.is_suppressed(incident):
            return
        if alert.form == "principal" and self._points:
            self._rate(alert.entity, f"behaviour/{alert.signal}", self._points)
        second = int(alert.at)
        if second != self._second:
            self._second, self._told = second, 0
        if self._told >= _MOST_TOLD:
            self._left_out += 1
            return
        self._told += 1
        self._tell(self._entry(alert, incident))

    def _entry(self, alert: Alert, incident: str) -> Entry:
        named = alert.entity if alert.form != "address" else digest(self._key, "address", alert.entity).hex()
        fields: dict[str, object] = {
            "tenant": alert.tenant,
            "form": alert.form,
            "entity": named,
            "bot": alert.bot,
            "signal": alert.signal,
            "features": list(alert.features),
            "values": [one.value for one in alert.deviations],
            "expected": [one.expected for one in alert.deviations],
            "scores": [one.score for one in alert.deviations],
            "requests": list(alert.evidence),
        }
        if alert.form == "principal":
            fields["principal"] = alert.entity
        if incident:
            fields["incident"] = incident
        if self._left_out:
            fields["left_out"], self._left_out = self._left_out, 0
        return Entry(Event.BEHAVIOUR_ALERT_RAISED.value, alert.evidence[-1] if alert.evidence else "", fields)

    def save(self) -> None:
        """Writes what was learnt and raised since. Raises ``StoreError``."""
        with self._lock:
            self._forget_erased()
            pending, self._pending = self._pending, []
            try:
                if pending:
                    self._store.add(pending)
            except BaseException:
                self._pending = [*pending, *self._pending]
                raise
            now = self._clock()
            if self._folding is not None:
                self._folding.save(self._store, now)
            states: dict[str, Any] = {f"peers:{group}": peers.state() for group, peers in self.baselines.groups.items()}
            states |= {f"series:{id.hex()}": one.state() for id, one in self.baselines.series.items()}
            self._store.save(self.baselines.rows, states)
            if now - self._purged > 3_600:
                self._purged = now
                self.baselines.evict(now)
                self._store.purge(now - self._keep)

    def _forget_erased(self) -> None:
        """Whoever was erased in the file, by this process or another, goes from memory before anything is written."""
        found = self._store.erased()
        new = {entity for entity, at in found.items() if at > self._erased.get(entity, 0.0)}
        self._erased = found
        if not new:
            return

        def gone(tenant: str, name: str) -> bool:
            return digest(self._key, "principal", tenant, name) in new

        for entity in new:
            self.baselines.forget(entity)
        self._pending = [one for one in self._pending if not gone(one[0].tenant, one[0].entity)]
        if self._folding is not None:
            self._folding.forget(gone)

    def forget(self, tenant: str, principal: str) -> int:
        """Erases a principal: baseline, alerts, membership in incidents. Raises ``StoreError``."""
        with self._lock:
            count = self._store.erase(tenant, principal, digest(self._key, "principal", tenant, principal))
            self._forget_erased()
            return count

    def usual(self, group: int) -> dict[str, float]:
        """Medians of a peer group's features."""
        return dict(zip(FEATURES, (one.value for one in self.baselines.peers(group).usual), strict=True))


def _derived(key: bytes) -> bytes:
    """The key of entities, from that of the installation."""
    return blake2b(key, digest_size=32, person=b"chatward-behave").digest()


def entity_of(key: bytes, tenant: str, principal: str) -> bytes:
    """What a principal is called in the file, under the key of the installation."""
    return digest(_derived(key), "principal", tenant, principal)


def entities(seen: Observation) -> list[tuple[str, str]]:
    """Form and name of all that a message counts for."""
    found = [("tenant", seen.tenant)]
    if seen.bot:  # what was refused before led to none
        found.append(("bot", seen.bot))
    if seen.principal != NOBODY:
        found.append(("principal", seen.principal))
    block = block_of(seen.address)
    if block:
        found.append(("address", block))
    return found


def topic_of(text: str, key: bytes) -> Floats | None:
    """What a text is about, by its words alone: each is a keyed hash of signs, and the text their mean (a random
    projection of its bag of words). ``None``: there are no words to tell."""
    words = {word for word in _WORD.findall(text[:MOST_READ].casefold()) if len(word) > 3}
    if len(words) < _WORDS:
        return None
    hashes = [blake2b(word.encode("utf-8", "surrogatepass"), digest_size=TOPICS, key=key).digest() for word in words]
    signs = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, TOPICS) >= 128
    mean = signs.mean(axis=0) * 2 - 1
    norm = float(np.linalg.norm(mean))
    return mean / norm if norm else None


@lru_cache(10_000)
def block_of(address: str) -> str:
    """The address block that an address stands for: /24 of IPv4, /56 of IPv6; empty: of no address."""
    try:
        one: Any = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if one.version == 6 and one.ipv4_mapped is not None:
        one = one.ipv4_mapped
    return str(ipaddress.ip_network((one, IPV4 if one.version == 4 else IPV6), strict=False))


@lru_cache(10_000)
def _hash(name: str, of: int) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") % of
