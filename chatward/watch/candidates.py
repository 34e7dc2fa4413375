"""Names that may be a copy's: why, and how sure that is.

The score is from 0 to 1 and adds up as follows; each part is a reason of the candidate.

1. The *name*: how much its class says (``permutations.LIKELY``), or what ``guards.links.imitation`` sees in it,
   whichever is more. A name of ours inside it counts 0.4 at least.
2. *Presence* takes from that: 0.6 of it for a name that is only registered, 0.9 with an address or a mail server, all
   of it with both. A certificate counts as an address.
3. The same name servers as ours make it half: most such names are ours, registered to keep others off them. Not so
   where the servers are of the owner of very many domains; nobody here knows that, so it is a hint alone.
4. A *page* like ours says more than its name: the score is at least the page's (``likeness``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from chatward.core.addresses import parse
from chatward.core.brands import Brand, Brands, brand_of, skeleton
from chatward.core.hosts import split
from chatward.guards.links.imitation import imitation
from chatward.watch.permutations import LIKELY
from chatward.watch.resolving import Records

CONTAINS: Final = 0.4
_LEAST: Final = 4
"""Letters of a name that is looked for inside others."""


class Ours:
    """Our domains, and names that belong to us. ``ignore`` are domains of others that are known."""

    def __init__(self, domains: Iterable[str], names: Iterable[str] = (), ignore: Iterable[str] = ()) -> None:
        self.domains = tuple(dict.fromkeys(domains))
        self._known = frozenset((*self.domains, *ignore))
        owned = frozenset(self.domains)
        made = [brand_of(domain) for domain in self.domains]
        made += [Brand(name, owned) for name in names]
        self.brands = Brands(made)
        self._inside = tuple(
            dict.fromkeys(skeleton(brand.name) for brand in self.brands.by_name.values() if len(brand.name) >= _LEAST)
        )

    def owned(self, host: str) -> bool:
        """Whether a host is ours, or known."""
        labels = host.split(".")
        return any(".".join(labels[at:]) in self._known for at in range(len(labels)))

    def seen_in(self, host: str) -> tuple[float, str]:
        """How much a host looks like ours, and the rule that says so; 0 and ``""`` where it does not."""
        address = parse(f"https://{host}/")
        if address is None or self.owned(address.host):
            return 0.0, ""
        found = imitation(address, self.brands, lambda _: False)
        score, rule = (found.confidence, found.rule) if found is not None else (0.0, "")
        if score < CONTAINS:
            parts = split(address.host)
            whole = skeleton(f"{parts.subdomain}{parts.name}".replace(".", ""))
            if any(name in whole for name in self._inside):
                return CONTAINS, "name-inside"
        return score, rule


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host, its score and the reasons for it. ``found`` says how: ``permutation`` or ``certificate``."""

    host: str
    score: float
    reasons: tuple[str, ...]
    found: str
    of: str = ""
    records: Records = field(default_factory=Records)

    def told(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "score": self.score,
            "reasons": list(self.reasons),
            "found": self.found,
            "of": self.of,
            "records": self.records.told(),
        }


def judged(
    host: str,
    ours: Ours,
    *,
    kind: str = "",
    of: str = "",
    records: Records | None = None,
    certificate: bool = False,
    our_servers: frozenset[str] = frozenset(),
) -> Candidate:
    """A host with its score. ``kind`` is the class of a permutation; ``records``: ``None`` where DNS was not asked."""
    seen, rule = ours.seen_in(host)
    reasons = [reason for reason in (kind, rule) if reason]
    score = max(LIKELY.get(kind, 0.0), seen)
    known = records or Records()
    reachable, mail = known.reachable or certificate, bool(known.mx)
    if certificate:
        reasons.append("certificate")
    if records is not None:
        reasons += [word for word, there in (("address", known.reachable), ("mail", mail)) if there]
        score *= 1.0 if reachable and mail else 0.9 if reachable or mail else 0.6
    if known.ns and set(known.ns) <= our_servers:
        reasons.append("our-name-servers")
        score *= 0.5
    return Candidate(host, round(score, 3), tuple(reasons), "certificate" if certificate else "permutation", of, known)
