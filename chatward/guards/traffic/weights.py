"""What each signal is worth, and the score that they make. All weights stand here.

The rules:

1. A score goes from 1 (surely automated) to 99 (surely not). It is a logistic curve over the sum of the weights of the
   signals that were seen, from ``BASE``: nothing seen is 87.
2. A signal counts once, however often it was seen. Evidence for a person is capped (``MOST_HUMAN``): what a page says
   of itself can be made up, so it never outweighs what speaks against.
3. No signal that a person may cause with a keyboard only, a screen reader, dictation, a text expander or open developer
   tools is enough by itself for the default ladder: they weigh 2.8 at most (29 and below takes more than 2.87).

By hand, from the drivers of ``tests/traffic/test_drivers.py`` and recorded people (docs/traffic.md); not fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

BASE: Final = 2.0
MOST_HUMAN: Final = 1.5

WEIGHTS: Final[dict[str, float]] = {
    # what the request's head says
    "headers.agent-missing": -5.0,
    "headers.agent-tool": -6.0,
    "headers.agent-headless": -6.0,
    "headers.hints-mismatch": -4.0,
    "headers.hints-missing": -3.0,
    "headers.fetch-missing": -3.0,
    "headers.fetch-odd": -3.5,
    "headers.origin-missing": -2.5,
    "headers.language-missing": -1.5,
    "headers.encoding-missing": -1.5,
    "headers.order": -2.0,
    "crawler.declared": -6.0,
    "crawler.faked": -7.0,
    "tls.mismatch": -4.0,
    # what the page says
    "page.missing": -3.2,
    "page.invalid": -5.0,
    "page.webdriver": -6.0,
    "page.globals": -6.0,
    "page.headless": -4.2,
    "page.debugged": -2.8,
    "page.frameless": -1.5,
    "page.agent-mismatch": -4.2,
    "page.trap": -6.0,
    "page.untrusted": -2.5,
    # how was written
    "pace.no-input": -2.8,
    "pace.inserted": -1.5,
    "pace.regular": -2.8,
    "pace.sequential": -2.8,
    "pace.no-dwell": -2.8,
    "pace.fast": -2.5,
    "pace.instant": -1.0,
    # what the session does, seen from here
    "session.faster-than-typing": -2.5,
    "session.quick-reply": -1.0,
    "session.parallel": -2.5,
    "session.near-duplicate": -1.5,
    "session.rotating": -1.3,
    "session.moving": -2.0,
    "session.cookie-dropped": -2.0,
    "session.swarm": -1.5,
    "session.refused": -2.0,
    # for a person
    "pace.human-keys": 0.9,
    "page.pointer": 0.3,
    "session.lasting": 0.3,
}
"""Weight by signal: below zero speaks for a program, above for a person."""


def score(signals: Iterable[str]) -> int:
    """The score of signals, each counted once. Raises ``KeyError`` for a signal that is none."""
    against = human = 0.0
    for signal in set(signals):
        weight = WEIGHTS[signal]
        if weight < 0:
            against += weight
        else:
            human += weight
    total = BASE + against + min(human, MOST_HUMAN)
    return min(99, max(1, round(1 + 98 / (1 + math.exp(-total)))))


def explained(signals: Iterable[str]) -> list[tuple[str, float]]:
    """Signals with their weights, the heaviest first."""
    return sorted(((signal, WEIGHTS[signal]) for signal in set(signals)), key=lambda pair: (pair[1], pair[0]))
