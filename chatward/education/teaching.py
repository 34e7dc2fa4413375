"""Tips in the path of messages: who gets which, and how often.

The rules:

1. Nobody gets the same tip twice in a row, nor again within ``again_after`` seconds of it. Who somebody is: the
   principal; of those nobody in particular, also the address.
2. A tip is a header of the answer, or stands in the comment line of a stream (``gateway.notices``): official clients
   read on as before. It never delays an answer and never fails one.
3. What is remembered is a tip's id and a time for each of the newest ``REMEMBERED`` people, in this process.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from chatward.core.identity import Caller, Kind
from chatward.core.values import Verdict
from chatward.education.tips import Tip, languages, of_message, of_reply, preferred, words

REMEMBERED: Final = 20_000


class Teaching:
    """Implements the rules. ``own`` are the organisation's own words, by tip; ``off`` the tips that nobody gets;
    ``language`` is that of all tips where it is set. ``given`` is told the id of every tip. ``clock`` gives seconds of
    any origin."""

    def __init__(
        self,
        *,
        again_after: float,
        language: str = "",
        own: Mapping[str, Tip] = {},
        off: Sequence[str] = (),
        given: Callable[[str], None] = lambda tip: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._again_after = again_after
        self._language = language
        self._own = dict(own)
        self._off = frozenset(off)
        self._given = given
        self._clock = clock
        self._last: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def message(self, caller: Caller, verdict: Verdict) -> Mapping[str, str] | None:
        """What is told with the answer to a message that was judged so."""
        tip = self._for(caller, of_message(verdict))
        return tip.fields() if tip is not None else None

    def reply(self, caller: Caller, hidden: Mapping[str, int]) -> Mapping[str, str] | None:
        """What is told with an answer of which this was hidden."""
        tip = self._for(caller, of_reply(hidden))
        return tip.fields() if tip is not None else None

    def _for(self, caller: Caller, tip: str) -> Tip | None:
        if not tip or tip in self._off or not self._new(caller, tip):
            return None
        self._given(tip)
        own = self._own.get(tip)
        if own is not None:
            return own
        asked = caller.presented.headers.get("accept-language") or ""
        return words(self._language or preferred(asked, languages()))[tip]

    def _new(self, caller: Caller, tip: str) -> bool:
        """Whether they may get it now; then they have."""
        principal = caller.person
        who = principal.id if principal.kind is not Kind.ANONYMOUS else f"{principal.id}@{caller.presented.address}"
        now = self._clock()
        last = self._last.get(who)
        if last is not None and last[0] == tip and now - last[1] < self._again_after:
            return False
        self._last[who] = (tip, now)
        self._last.move_to_end(who)
        while len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return True
