"""Proofs for the replies of one gateway, chained by conversation.

The rules:

1. What is signed is what went out. A reply that was stopped has no proof: part of what a person reads then is ours.
2. A conversation's name in proofs is made by chance; it tells nothing of who talks. The newest ``capacity``
   conversations are remembered; one that was forgotten, or that goes on after a restart, begins a chain anew.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

from chatward.core.errors import ConfigError
from chatward.core.values import Part
from chatward.genuine import agent_card
from chatward.genuine.directory import directory
from chatward.genuine.keyring import Keyring
from chatward.genuine.manifest import Facts, manifest
from chatward.genuine.message_signatures import bot_headers
from chatward.genuine.proof import MAX_PARTS, Claims, Proof, Signer, digests

LOOK: Final = 1.0
"""Seconds between two looks at the file with the keys."""

_log = logging.getLogger("chatward.genuine")


class Proving:
    """Signs replies for ``facts.origin``. One event loop. While the keys cannot be read nothing is signed: what they
    were may have been revoked."""

    def __init__(
        self,
        keyring: Keyring,
        facts: Callable[[], Facts],
        *,
        capacity: int = 10_000,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keyring = keyring
        self._facts = facts
        self._capacity = capacity
        self._clock = clock
        self._monotonic = monotonic
        self._signer: Signer | None = self._made()
        self._looked = monotonic()
        self._chains: OrderedDict[tuple[str, str], tuple[str, int, str, int]] = OrderedDict()
        """Conversation, sequence, digest and time of the last proof, by owner and thread."""

    def prove(self, owner: str, thread: str, parts: Iterable[Part]) -> str:
        """The proof of a reply, as it travels; empty where there is nothing to prove, or no key. Never raises."""
        said = digests(parts)
        origin = self._facts().origin
        signer = self._current()
        if signer is None or not said or not origin or len(said) > MAX_PARTS:
            return ""
        place = (owner, thread)
        conversation, sequence, last, before = self._chains.pop(place, ("", 0, "", 0))
        claims = Claims(
            origin,
            conversation or secrets.token_urlsafe(12),
            sequence + 1,
            max(int(self._clock()), before),
            said,
            last,
        )
        proof: Proof = signer.sign(claims)
        if thread:
            self._chains[place] = (claims.conversation, claims.sequence, proof.digest(), claims.time)
            if len(self._chains) > self._capacity:
                self._chains.popitem(last=False)
        return proof.text()

    def manifest(self) -> bytes:
        """The manifest as it is served. Raises ``ConfigError``."""
        document: dict[str, Any] = manifest(self._facts(), self._keyring.keys, self._clock())
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    def request_fields(self, method: str, url: str) -> list[tuple[str, str]]:
        """The fields that sign a request of ours to ``url``; none while the keys cannot be read."""
        origin = self._facts().origin
        signer = self._current()
        if signer is None or not origin:
            return []
        return bot_headers(
            method, url, signer.key, signer.kid, origin, now=self._clock(), nonce=secrets.token_urlsafe(12)
        )

    def directory(self) -> tuple[list[tuple[str, str]], bytes]:
        """The directory of keys as it is served: header fields and body. Raises ``ConfigError``."""
        return directory(self._facts().origin, self._keyring.keys, self._clock())

    def agent_card(self, card: Mapping[str, Any]) -> bytes:
        """An A2A agent card as it is served, signed. Raises ``ConfigError``."""
        return orjson.dumps(agent_card.signed(card, self._keyring.current, self._facts().origin))

    def _current(self) -> Signer | None:
        now = self._monotonic()
        if now - self._looked >= LOOK:
            self._looked = now
            if self._keyring.changed():
                try:
                    self._signer = self._made()
                except ConfigError as error:
                    self._signer = None
                    _log.error("replies are not signed: %s", error.reason)
        return self._signer

    def _made(self) -> Signer:
        key = self._keyring.current
        return Signer(key.private, key.kid)
