"""How much an entry counts, by its age: the polynomial of MISP's decaying indicators.

``score = confidence * (1 - (age / lifetime) ** (1 / speed))``, zero from the lifetime on (Iklody, Wagener, Dulaunoy,
Mokaddem, Wagner: *Decaying Indicators of Compromise*, 2018). It is worked out when somebody asks, so that another
lifetime takes effect at once and nothing has to be imported again.

Lifetimes are days and a matter of trade: phishing pages live for days, yet their URLs go on in old mails; an address
of a scanner is somebody else's soon. An explicit end (``valid_until``) ends an entry whatever its lifetime.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chatward.core.indicators import ThreatType

DAY: Final = 86_400.0
SPEED: Final = 0.3
"""Below 1: slow at first and quicker towards the end."""

LIFETIMES: Final[Mapping[ThreatType, float]] = {
    ThreatType.PHISHING: 90.0,
    ThreatType.SCAM: 180.0,
    ThreatType.MALWARE: 365.0,
    ThreatType.CONTROL: 180.0,
    ThreatType.SPAM: 60.0,
    ThreatType.SCANNER: 14.0,
    ThreatType.ANONYMISER: 30.0,
    ThreatType.COMPROMISED: 60.0,
    ThreatType.MALICIOUS: 120.0,
}
"""Days by type."""


def lifetimes(own: Mapping[str, float]) -> dict[ThreatType, float]:
    """Lifetimes in days, with an operator's own."""
    return {type_: own.get(type_.value, days) for type_, days in LIFETIMES.items()}


def score(confidence: float, age: float, lifetime: float) -> float:
    """What is left of a confidence after ``age`` seconds. ``lifetime``: days. Never above the confidence, never
    rising with age."""
    if age <= 0:
        return confidence
    share = age / (lifetime * DAY) if lifetime > 0 else 1.0
    if share >= 1.0:
        return 0.0
    left: float = confidence * (1.0 - share ** (1.0 / SPEED))
    return left
