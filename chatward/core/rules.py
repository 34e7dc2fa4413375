r"""Rules that find text by pattern, and what a pattern has to promise so that streams can use it.

All guards' rules are compiled into one multi-pattern pass (``engine.scanner``). The pass works on whole
texts and on streams with identical results, because every rule is *bounded*:

1. ``pattern`` (stdlib ``re`` syntax) consumes at most ``MAX_WIDTH`` code points. What is longer has a
   bounded head as its pattern and goes on as a ``tail`` (a character class, such as ``[\w-]``, extended
   as long as it matches) or ``until`` a terminator (at most ``limit`` code points away). Heads decide.
2. Look-behind reaches at most ``MAX_CONTEXT`` code points back, look-ahead at most ``MAX_AHEAD`` ahead.
   Patterns contain no ``^``, ``$``, ``\A`` or ``\Z``: a stream has no line or text start to offer.
3. Matches of one rule are taken from left to right and do not overlap; where ``validate`` refuses a match the
   search goes on at the next position. So what a rule finds depends on the text alone.
4. ``trigger`` is for patterns that can match across blanks and letters ("prose"): a short pattern
   (at most ``MAX_TRIGGER`` code points) that every match of the rule starts with. It lets a stream flow
   while nothing has started. Without it, a stream holds back the rule's whole width.

``validate(text, before)`` gets the text of the finding's span (``group``; without the tail) and up to
``MAX_CONTEXT`` code points before that span, and returns the confidence (0..1], or ``None`` when this is not
one. It is pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatward.core.text import ViewKind
from chatward.core.values import Category, Severity

MAX_WIDTH: Final = 320
MAX_CONTEXT: Final = 96
MAX_AHEAD: Final = 4
MAX_TRIGGER: Final = 24

Validator = Callable[[str, str], float | None]

NO_FLAGS: Final = re.RegexFlag(0)
PLAIN_AND_DECODED: Final = frozenset({ViewKind.PLAIN, ViewKind.DECODED})
ALL_VIEWS: Final = frozenset(ViewKind)
PLAIN_ONLY: Final = frozenset({ViewKind.PLAIN})


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern with its meaning. ``id`` is ``<guard id>/<name>``.

    ``entity`` names the kind of value in placeholders and masks (``EMAIL``, ``API_KEY``); rules that do
    not stand for a value leave it empty. ``group`` is the number of the capturing group that is the
    finding's span (0: the whole match; the rest is context, still bounded by rule 1).
    """

    id: str
    pattern: str
    category: Category
    severity: Severity
    confidence: float = 0.9
    summary: str = ""
    entity: str = ""
    detail: str = ""
    flags: re.RegexFlag = NO_FLAGS
    group: int = 0
    validate: Validator | None = None
    tail: str = ""
    until: str = ""
    limit: int = 16384
    trigger: str = ""
    views: frozenset[ViewKind] = PLAIN_AND_DECODED

    @property
    def guard(self) -> str:
        return self.id.partition("/")[0]
