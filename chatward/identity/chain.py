"""All ways of being known, asked in their order.

The rules:

1. The first that answers wins. A refusal is final: what is of somebody's kind and not good is never looked at by the
   next, and never becomes anonymous.
2. ``valid`` is answered by the one that gave the principal out; its name is in the principal's attributes (``via``).
   A name that is no longer there, after a reload, is of nobody: the principal is not good any more.
3. Nothing presented: the ``anonymous`` principal, or ``not-authenticated`` where there is none.
4. A credential that nobody knows is refused where ``strict``. Else it is meant for the bot behind and passed on; the
   caller is anonymous, but known by a digest, so that the threads of two callers never mix.
5. An answer may be awaitable; what has been waited for is answered as if it had been there. Without such an answer
   nothing is awaited.
6. A credential that is refused is told to ``refused``, with the name of whose kind it was; so is a principal that is
   not good any more. That nothing was presented is not: there was no credential.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from chatward.core.errors import IdentityError
from chatward.core.identity import Authenticator, Presented, Principal
from chatward.identity.credential import shown

VIA: Final = "via"
_STRANGER: Final = "caller:"
_REMEMBERED: Final = 10_000


class Chain:
    """Implements ``core.identity.Authenticator`` over several, by name, in the order in which they are asked.

    ``anonymous`` is who asks without a credential; ``None``: nobody may. ``strict`` refuses credentials that nobody
    knows; without ``anonymous`` it is always so. ``refused`` neither raises nor waits.
    """

    def __init__(
        self,
        authenticators: Mapping[str, Authenticator],
        anonymous: Principal | None,
        *,
        strict: bool = True,
        refused: Callable[[str, IdentityError], None] = lambda way, error: None,
    ) -> None:
        self._authenticators = dict(authenticators)
        self._anonymous = anonymous
        self._strict = strict or anonymous is None
        self._refused = refused
        self._strangers: dict[str, Principal] = {}

    def identify(self, presented: Presented) -> Principal | Awaitable[Principal]:
        """Who asks. Raises ``IdentityError``: that of the one whose kind it is, ``credentials-ambiguous`` (400) or
        ``not-authenticated`` (401)."""
        try:
            shown(presented)  # ambiguous is ambiguous, whoever would have answered
        except IdentityError as error:
            self._refused("", error)
            raise
        return self._ask(presented, iter(self._authenticators.items()))

    def valid(self, principal: Principal) -> bool:
        if principal is self._anonymous:
            return True
        via = principal.attributes.get(VIA)
        if via is not None:
            known = self._authenticators.get(via)
            if known is not None and known.valid(principal):
                return True
            self._refused(via, IdentityError("This credential is not valid any more.", reason="revoked"))
            return False
        if self._anonymous is None:
            return False
        stranger = principal.id.startswith(_STRANGER) and not self._strict
        wanted = self._stranger(self._anonymous, principal.id) if stranger else self._anonymous
        return principal is wanted or principal == wanted

    def _ask(self, presented: Presented, rest: Iterator[tuple[str, Authenticator]]) -> Principal | Awaitable[Principal]:
        for name, authenticator in rest:
            try:
                answer = authenticator.identify(presented)
            except IdentityError as error:
                self._refused(name, error)
                raise
            if answer is None:
                continue
            if isinstance(answer, Principal):
                return _given_out(answer, name)
            return self._wait(answer, name, presented, rest)
        return self._unknown(presented)

    async def _wait(
        self,
        answer: Awaitable[Principal | None],
        name: str,
        presented: Presented,
        rest: Iterator[tuple[str, Authenticator]],
    ) -> Principal:
        try:
            found = await answer
        except IdentityError as error:
            self._refused(name, error)
            raise
        if found is not None:
            return _given_out(found, name)
        others = self._ask(presented, rest)
        return others if isinstance(others, Principal) else await others

    def _unknown(self, presented: Presented) -> Principal:
        found = shown(presented)
        if self._anonymous is None or (found is not None and self._strict):
            said = "A credential is needed: an API key, or a token of this service's identity provider."
            error = IdentityError(said)
            if found is not None:
                self._refused("", error)
            raise error
        if found is None:
            return self._anonymous
        digest = hashlib.sha256(found.text.encode("utf-8", "surrogatepass")).hexdigest()
        return self._stranger(self._anonymous, _STRANGER + digest[:16])

    def _stranger(self, anonymous: Principal, id_: str) -> Principal:
        known = self._strangers.get(id_)
        if known is None:
            if len(self._strangers) >= _REMEMBERED:
                self._strangers.clear()
            known = self._strangers[id_] = replace(anonymous, id=id_)
        return known


def _given_out(principal: Principal, name: str) -> Principal:
    return replace(principal, attributes={**principal.attributes, VIA: name})
