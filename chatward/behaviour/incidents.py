"""Incidents: alerts that have something in common, told as one.

The rules:

1. Alerts have in common: a text (``clusters``), a principal, an address block that is not a busy one. What shares none
   of these is another incident, or none: a single unusual thing is an alert and stays one. Tenants are kept apart.
2. An incident is opened by a text of many conversations that is suspicious; or by ``REFUSED`` alerts about refusals, or
   ``ALERTS`` of any kind, with one thing in common within ``MEMORY`` seconds.
   While it is open, every refused message of a principal or address block in it is an alert too.
3. It is told when it opens, and whenever it has doubled; all else is folded into it. After ``MEMORY`` seconds of
   silence it is closed, and what comes then is another.
4. Processes that share a file hear of each other's incidents whenever they write their own, and join them to what they
   have. Of two incidents with something in common the younger becomes part of the older, in all of them.
5. It is suppressed by an owner, for a reason, until a time, as long as it stays within a scope: no more conversations
   than ``breaks`` times those at the time. Beyond either it is told again.

Ids and counts alone: no text. No I/O but in ``save`` and ``load``.
"""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from chatward.behaviour.clusters import SUSPICIOUS, Cluster, Clusters, Sent
from chatward.behaviour.incident import MOST, Incident, restored
from chatward.behaviour.signatures import Signature, Signer, alike
from chatward.behaviour.store import BehaviourStore
from chatward.behaviour.values import Alert, Deviation
from chatward.core.events import Event
from chatward.core.observing import Observation
from chatward.core.ports import Entry

MEMORY: Final = 86_400.0
REFUSED: Final = 3
NEAR: Final = 0.2
"""How alike texts are, both of them suspicious, that belong to one incident."""
ALERTS: Final = 12
FASTEST: Final = 30.0
"""Letters a second, over a whole message, that nobody types."""
_REFUSALS: Final = frozenset({"refused", "novelty"})
_LOOSE: Final = 20_000
_EVIDENCE: Final = 20
_WRITTEN: Final = 40
"""Letters of a message at least whose pace says something."""


@dataclass(slots=True)
class _Loose:
    """Alerts with one thing in common that are no incident yet."""

    at: float
    refused: int = 0
    alerts: list[tuple[Alert, int, int]] = field(default_factory=list)


class Incidents:
    """``analyst.Folding``. ``spread``: conversations before near-duplicates are looked into; ``breaks``: see rule 4.
    ``tell`` puts an entry on record; ``name`` makes ids."""

    def __init__(
        self,
        key: bytes,
        *,
        spread: int = 5,
        breaks: float = 2.0,
        tell: Callable[[Entry], None] = lambda entry: None,
        name: Callable[[], str] = lambda: f"inc-{secrets.token_hex(6)}",
    ) -> None:
        self._signer = Signer(key)
        self._spread = spread
        self.breaks = breaks
        self._tell = tell
        self._name = name
        self.clusters = Clusters()
        self.open: dict[str, Incident] = {}
        self._by_key: dict[str, str] = {}
        self._loose: OrderedDict[str, _Loose] = OrderedDict()
        self._process = secrets.token_hex(4)
        self._written = 0
        self._joined: list[tuple[str, str]] = []
        self._paces: OrderedDict[int, float] = OrderedDict()
        self._suppressed: dict[str, tuple[float, float]] = {}
        self._lifted: list[str] = []
        self._closed: list[Incident] = []
        self._members: list[tuple[str, str, str]] = []
        self._seen = 0
        self._refused = 0.0  # the share of messages, but of those that many send
        self.opened = 0

    # --- what comes in

    def message(self, seen: Observation, sender: Alert, sent: Sent, alerts: Iterable[Alert]) -> list[tuple[Alert, str]]:
        """Compares a message with others. ``sender`` is an alert about its sender as it would be raised, without its
        deviations; the alerts that come of it, with their incidents."""
        sent.fast = self._fast(seen, sent)
        signature = self._signer.sign(seen.text) if seen.text else None
        found: list[tuple[Alert, str]] = []
        text, small = "", True
        if signature is not None:
            cluster = self.clusters.add(seen.tenant, signature, sent)
            small = cluster.spread < self._spread
            text = f"text:{cluster.id}"
            why = {} if small else cluster.suspicion(min(max(self._refused, 0.005), 0.02))
            if sum(why.values()) >= SUSPICIOUS:
                alert = _duplicates(sender, cluster, self._spread, text)
                incident = self._of([text]) or self._near(cluster) or self._open(alert, text)
                if cluster.id not in incident.texts:  # who sent it before is part of it too
                    incident.texts[cluster.id] = cluster.signature.tolist()
                    incident.sessions |= dict.fromkeys(list(cluster.sessions)[:MOST])
                incident.because |= why
                self._join(incident, alert, sent)
                found.append((alert, incident.id))
        if small and not seen.refusal:
            self._seen += 1
            self._refused += (sent.refused - self._refused) / min(self._seen, 10_000)
        found += [(alert, self._fold(alert, text, sent)) for alert in alerts]
        if sent.refused and not found:
            known = self._of(sender.keys)
            if known is not None:
                again = replace(sender, signal="again", deviations=(Deviation("refused", 1, 0, 1.0, 1.0, 0, 0),))
                self._join(known, again, sent)
                found.append((again, known.id))
        return found

    def _fast(self, seen: Observation, sent: Sent) -> bool:
        """Whether the message was written faster than anybody types, since the conversation's last one was over."""
        before = self._paces.get(sent.session)
        self._paces[sent.session] = seen.at
        self._paces.move_to_end(sent.session)
        if len(self._paces) > 10 * _LOOSE:
            self._paces.popitem(last=False)
        if before is None or seen.sent < _WRITTEN:
            return False
        return seen.sent / max(seen.at - seen.took - before, 0.05) > FASTEST

    def _fold(self, alert: Alert, text: str, sent: Sent) -> str:
        """The incident that an entity's alert belongs to; empty: none."""
        keys = [key for key in alert.keys if key]
        incident = self._of([*keys, text] if alert.form == "principal" else keys)
        if incident is not None:
            self._join(incident, alert, sent)
            return incident.id
        for key in keys:
            loose = self._loose.get(key)
            if loose is None or alert.at - loose.at > MEMORY:
                loose = self._loose[key] = _Loose(alert.at)
            self._loose.move_to_end(key)
            loose.at = alert.at
            loose.refused += bool(_REFUSALS & set(alert.features))
            loose.alerts.append((alert, sent.session, sent.block))
            del loose.alerts[:-ALERTS]
            if loose.refused >= REFUSED or len(loose.alerts) >= ALERTS:
                incident = self._open(alert, key)
                for earlier, session, block in loose.alerts:
                    self._join(incident, earlier, Sent(earlier.at, session, 0, block))
                incident.because["alerts"] = float(len(loose.alerts))
                del self._loose[key]
                return incident.id
        while len(self._loose) > _LOOSE:
            self._loose.popitem(last=False)
        return ""

    # --- incidents

    def _of(self, keys: Iterable[str]) -> Incident | None:
        """The open incident that has one of these in common."""
        for key in keys:
            found = self.open.get(self._by_key.get(key, ""))
            if found is not None:
                return found
        return None

    def _near(self, cluster: Cluster) -> Incident | None:
        """The open incident with a text like this one: wordings drift apart."""
        return self._alike(cluster.tenant, cluster.signature)

    def _alike(self, tenant: str, text: Signature) -> Incident | None:
        for incident in self.open.values():
            if incident.tenant == tenant:
                for signature in list(incident.texts.values())[:_EVIDENCE]:
                    if alike(np.array(signature, np.uint32), text) >= NEAR:
                        return incident
        return None

    def _open(self, alert: Alert, key: str) -> Incident:
        incident = Incident(self._name(), alert.at, alert.at, alert.tenant)
        incident.keys[key] = None
        self._by_key[key] = incident.id
        self.open[incident.id] = incident
        self.opened += 1
        return incident

    def _join(self, incident: Incident, alert: Alert, sent: Sent) -> None:
        incident.heard = max(incident.heard, alert.at)
        incident.changed = True
        incident.counts.setdefault(self._process, Counter())[alert.signal] += 1
        if alert.bot:
            incident.bots[alert.bot] = None
        for seen, one in ((incident.sessions, sent.session), (incident.blocks, sent.block)):
            if len(seen) < MOST:
                seen[one] = None
        if alert.form == "principal" and len(incident.entities) < MOST:
            if (alert.tenant, alert.entity) not in incident.entities:
                self._members.append((incident.id, alert.tenant, alert.entity))
            incident.entities[alert.tenant, alert.entity] = None
        if alert.evidence:
            incident.evidence.append(alert.evidence[-1])
        for key in alert.keys:
            if key and len(incident.keys) < MOST and key not in incident.keys:
                incident.keys[key] = None
                self._by_key.setdefault(key, incident.id)
        self._look(incident, alert.at)

    def _look(self, incident: Incident, now: float) -> None:
        """Tells what is to be told of an incident that has grown."""
        if incident.suppressed is not None:
            scope, until = incident.suppressed
            ended = "expired" if now >= until else "spread" if incident.size > scope else ""
            if not ended:
                return
            incident.suppressed = None
            self._lifted.append(incident.id)
            self._tell(_entry(Event.BEHAVIOUR_SUPPRESSION_ENDED, incident, ended=ended))
        if not incident.told:
            incident.told = max(incident.size, self._spread)
            self._tell(_entry(Event.BEHAVIOUR_INCIDENT_OPENED, incident))
        elif incident.size >= 2 * incident.told:
            incident.told = incident.size
            self._tell(_entry(Event.BEHAVIOUR_INCIDENT_GREW, incident))

    def is_suppressed(self, id: str) -> bool:
        """Whether nobody wants to hear of an incident now."""
        incident = self.open.get(id)
        return incident is not None and incident.suppressed is not None

    # --- the file

    def load(self, store: BehaviourStore, now: float) -> None:
        """Incidents that are open still, with what others would have in common with them."""
        self._hear(store, now)
        self._follow(store)

    def _hear(self, store: BehaviourStore, now: float) -> None:
        """What other processes wrote since."""
        for told in store.heard(self._process, self._written):
            self._written = max(self._written, told["written"])
            if now - told["heard"] > MEMORY:
                continue
            theirs = restored(told, store.members(told["id"]))
            mine = self.open.get(theirs.id)
            if mine is not None:
                mine.changed |= mine.join(theirs)
                self._hold(mine)
            elif (twin := self._twin(theirs)) is None:
                self._hold(theirs)
            elif (twin.opened, twin.id) < (theirs.opened, theirs.id):  # they will find so too
                twin.join(theirs)
                twin.changed = True
                self._hold(twin)
            else:
                theirs.join(twin)
                theirs.changed = True
                self._drop(twin, theirs)
                self._hold(theirs)

    def _twin(self, theirs: Incident) -> Incident | None:
        """An open incident that has something in common with another process's."""
        found = self._of(theirs.keys)
        if found is not None and found.tenant == theirs.tenant:
            return found
        signatures = [np.array(one, np.uint32) for one in list(theirs.texts.values())[:_EVIDENCE]]
        return next((one for at in signatures if (one := self._alike(theirs.tenant, at)) is not None), None)

    def _hold(self, incident: Incident) -> None:
        """Keeps it open, and what others would have in common with it."""
        self.open[incident.id] = incident
        for key in incident.keys:
            self._by_key.setdefault(key, incident.id)
        for id, signature in incident.texts.items():
            self.clusters.restore(incident.tenant, id, signature, incident.heard)

    def _drop(self, incident: Incident, into: Incident) -> None:
        del self.open[incident.id]
        for key in incident.keys:
            if self._by_key.get(key) == incident.id:
                self._by_key[key] = into.id
        self._members = [
            (into.id if one == incident.id else one, tenant, entity) for one, tenant, entity in self._members
        ]
        self._joined.append((incident.id, into.id))
        self._tell(_entry(Event.BEHAVIOUR_INCIDENT_JOINED, incident, into=into.id))

    def save(self, store: BehaviourStore, now: float) -> None:
        """Writes what has changed, closes what is silent, and hears what others wrote and what is suppressed. Raises
        ``StoreError``."""
        self._hear(store, now)
        for incident in [one for one in self.open.values() if now - one.heard > MEMORY]:
            del self.open[incident.id]
            for key in incident.keys:
                if self._by_key.get(key) == incident.id:
                    del self._by_key[key]
            self._closed.append(incident)
        changed = [one for one in (*self.open.values(), *self._closed) if one.changed]
        store.put_incidents([(one.id, one.opened, one.heard, one.state()) for one in changed], self._process)
        store.add_members(self._members)
        store.join_incidents(self._joined)
        for id in self._lifted:
            store.end_suppression(id)
        for one in changed:
            one.changed = False
        self._members, self._closed, self._lifted, self._joined = [], [], [], []
        self._follow(store)

    def _follow(self, store: BehaviourStore) -> None:
        suppressed = store.suppressions()
        for id, incident in self.open.items():
            incident.suppressed = suppressed.get(id)

    def forget(self, gone: Callable[[str, str], bool]) -> None:
        """Takes whoever is gone out of everything that is held in memory."""
        for incident in self.open.values():
            incident.entities = {one: None for one in incident.entities if not gone(*one)}
        self._members = [one for one in self._members if not gone(*one[1:])]
        for loose in self._loose.values():
            loose.alerts = [one for one in loose.alerts if not gone(one[0].tenant, one[0].entity)]


def _duplicates(sender: Alert, cluster: Cluster, spread: int, text: str) -> Alert:
    told = Deviation("sessions", cluster.spread, spread, cluster.spread / spread, 1.0, 0.0, 0.0)
    return Alert(
        sender.at, sender.tenant, sender.form, sender.entity, sender.bot, "duplicates", (told,), sender.evidence,
        1.0, (text, *sender.keys),
    )  # fmt: skip


def _entry(event: Event, incident: Incident, **more: object) -> Entry:
    fields: dict[str, object] = {
        "incident": incident.id,
        "tenant": incident.tenant,
        "alerts": incident.alerts,
        "sessions": incident.size,
        "entities": len(incident.entities),
        "blocks": incident.networks,
        "signals": sorted(incident.signals),
        "because": sorted(incident.because),
        "requests": list(incident.evidence)[-5:],
        **more,
    }
    return Entry(event.value, "", fields)
