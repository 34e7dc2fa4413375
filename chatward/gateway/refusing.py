"""Messages that were refused before any guard saw them, told to those who learn from messages.

The rules:

1. A message is what is posted to a path of conversations. Refused is what the caller is answered 4xx for: a credential,
   policy, a limit, a size, a form. What fails here or at a bot (5xx) is nobody's doing.
2. Who is not known by then is nobody in particular, at an address.
3. It is off the way of a message that goes on, and changes nothing about the answer.
"""

from __future__ import annotations

from contextlib import suppress

from chatward.core.errors import ChatwardError
from chatward.core.identity import ANONYMOUS, Caller
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.inflight import Flight
from chatward.gateway.messages import converses
from chatward.gateway.parties import Beside, Scope


class Refusing:
    """Tells ``beside`` of them."""

    def __init__(self, beside: Beside, checkpoint: Checkpoint) -> None:
        self._observing = beside.observing
        self._watching = beside.watching
        self._checkpoint = checkpoint

    def tell(self, flight: Flight, scope: Scope, path: str, error: ChatwardError) -> None:
        """``flight`` ends with this error, and was not sent to a bot. Never raises."""
        if self._observing is None and self._watching is None:
            return
        if not 400 <= error.status < 500 or scope.method != "POST" or not converses(flight, path):
            return
        caller = flight.caller
        if caller is None:
            with suppress(ChatwardError):  # its own head may be what was refused
                caller = Caller(ANONYMOUS, self._checkpoint.presented(scope))
        if caller is None:
            return
        if self._watching is not None:
            self._watching.refused(caller, error.reason)
        if self._observing is not None:
            self._observing.refused(flight, caller, error)
