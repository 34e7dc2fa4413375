"""Who presents an API key.

The rules:

1. What begins with ``cw_`` is of this kind, whether it stands in ``authorization: Bearer`` or in ``x-api-key``. It is a
   good key, or the request is refused: it never counts as something else.
2. A key that does not exist, a wrong secret and a slip of the pen are told alike and cost alike. The record is looked
   up by the id, which is no secret; one query gives one row whether there is such a key or not, and both digests of
   that row, or two that nothing fits, are compared in constant time. Only who shows a right secret learns that the key
   is revoked or expired.
3. What was verified is remembered by digest, until the keys change. The database's generation tells whether anybody,
   here or in another process, has committed anything since; if so, the counter of changes tells whether it was about
   keys. Times are looked at every time.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Kind, Presented, Principal
from chatward.identity import keys
from chatward.identity.behind import Behind
from chatward.identity.credential import shown
from chatward.identity.key_store import (
    SCHEMA,
    Budget,
    changes,
    note_uses,
    principal_id,
    read_budget,
    read_grants,
    read_roles,
)
from chatward.stores.database import Database

VERSION: Final = "key_version"
"""The attribute of a principal that tells which version of the key it showed; ``key_env`` tells the environment."""

_NOTED: Final = 60.0
"""Seconds between two notes of when a key was last used."""
_REMEMBERED: Final = 20_000
_NOTHING: Final = bytes(32)

# At most two rows: a key has no more live versions. Both questions are asked, whether there is such a key or not.
_VERSIONS: Final = (
    "SELECT version, digest, until FROM key_versions"
    " WHERE key = ? AND revoked IS NULL AND (until IS NULL OR until > ?) ORDER BY version DESC LIMIT 2"
)
_RECORD: Final = "SELECT env, tenant, roles, grants, expires, revoked FROM keys WHERE id = ?"
_STATE: Final = (
    "SELECT coalesce(k.revoked, v.revoked), k.expires, v.until FROM keys k JOIN key_versions v ON v.key = k.id"
    " WHERE k.id = ? AND v.version = ?"
)
_FOREVER: Final = float("inf")
_KNOWN_BY_KEY: Final = principal_id("")


@dataclass(slots=True)
class _Memory:
    """What holds as long as the keys do not change. It is replaced as a whole: who filled the old one while it was
    being replaced leaves nothing stale in the new one."""

    verified: dict[bytes, tuple[Principal, str]]
    ends: dict[tuple[str, str], float]
    budgets: dict[str, Budget | None]


class KeyAuthenticator:
    """Implements ``core.identity.Authenticator`` for API keys. A check that is not the first costs microseconds.

    ``clock`` gives seconds since 1970 UTC. When a key was last used is written behind, at most once a minute a key;
    ``close`` writes the rest. Raises ``IdentityError`` (401): ``api-key-invalid``, ``api-key-expired``,
    ``api-key-revoked``; ``credentials-ambiguous`` (400); and ``StoreError``.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._generation: tuple[int, int] | None = None
        self._changes = -1
        self._memory = _Memory({}, {}, {})
        self._noted: dict[str, float] = {}
        self._uses: dict[str, float] = {}
        database.adopt(SCHEMA)
        self._behind = Behind("chatward-key-uses", self.flush, pause=2.0)

    def identify(self, presented: Presented) -> Principal | None:
        found = shown(presented)
        if found is None or not found.text.startswith(keys.PREFIX):
            return None
        if found.scheme not in {"bearer", "x-api-key"}:
            _refuse("api-key-invalid")
        memory, now = self._fresh(), self._clock()
        digest = keys.digest(found.text)
        known = memory.verified.get(digest)
        if known is None:
            known = self._verify(found.text, digest, now)
            if len(memory.verified) >= _REMEMBERED:
                memory.verified.clear()
            memory.verified[digest] = known
        principal, id_ = known
        if principal.expires is not None and now >= principal.expires:
            _refuse("api-key-expired")
        if now - self._noted.get(id_, -_FOREVER) >= _NOTED:
            self._note(id_, now)
        return principal

    def valid(self, principal: Principal) -> bool:
        now = self._clock()
        if principal.expires is not None and now >= principal.expires:
            return False
        ends = self._fresh().ends
        version = principal.attributes.get(VERSION, "")
        end = ends.get((principal.id, version))
        if end is None:
            end = self._end(principal.id, version)
            if len(ends) >= _REMEMBERED:
                ends.clear()
            ends[principal.id, version] = end
        return now < end

    def budget(self, principal: str) -> Budget | None:
        """The budget of a principal that is known by a key; ``None`` for all others, and where there is none."""
        id_ = principal.removeprefix(_KNOWN_BY_KEY)
        if id_ == principal:
            return None
        budgets = self._fresh().budgets
        if principal not in budgets:
            row = self._database.row("SELECT budget FROM keys WHERE id = ?", (id_,))
            if len(budgets) >= _REMEMBERED:
                budgets.clear()
            budgets[principal] = (read_budget(row[0]) or None) if row else None
        return budgets[principal]

    def flush(self) -> None:
        """Writes what is not written yet of when keys were used. Waits for the disk."""
        uses, self._uses = self._uses, {}
        if uses:
            try:
                note_uses(self._database, list(uses.items()))
            except BaseException:
                self._uses = uses | self._uses
                raise

    def close(self) -> None:
        self._behind.close()

    def _fresh(self) -> _Memory:
        """The memory, emptied where keys have changed since. The generation is asked before what depends on it."""
        generation = self._database.generation
        if generation != self._generation:
            number = changes(self._database)
            if number != self._changes:
                self._memory = _Memory({}, {}, {})
                self._changes = number
            self._generation = generation
        return self._memory

    def _verify(self, text: str, digest: bytes, now: float) -> tuple[Principal, str]:
        key = keys.parse(text)
        if key is None:  # noise: told by its checksum, without a look at what exists
            _refuse("api-key-invalid")
        versions = self._database.rows(_VERSIONS, (key.id, now))
        record = self._database.row(_RECORD, (key.id,))
        fits = None
        for version, known, until in (*versions, (0, _NOTHING, None), (0, _NOTHING, None))[:2]:
            if hmac.compare_digest(known, digest):
                fits = (version, until)
        if fits is None or record is None:
            _refuse("api-key-invalid")
        env, tenant, roles, grants, expires, revoked = record
        if revoked is not None:
            _refuse("api-key-revoked")
        version, until = fits
        ends = [end for end in (expires, until) if end is not None]
        principal = Principal(
            id=principal_id(key.id),
            kind=Kind.SERVICE,
            tenant=tenant,
            roles=frozenset(read_roles(roles)),
            assurance=Assurance.SINGLE,
            grants=read_grants(grants),
            expires=min(ends) if ends else None,
            attributes={VERSION: str(version), "key_env": env},
        )
        return principal, key.id

    def _end(self, principal: str, version: str) -> float:
        """Until when this version of this key is good as things stand."""
        id_ = principal.removeprefix(_KNOWN_BY_KEY)
        if id_ == principal or not version.isdecimal():
            return -_FOREVER
        row = self._database.row(_STATE, (id_, int(version)))
        if row is None or row[0] is not None:
            return -_FOREVER
        return min((end for end in row[1:] if end is not None), default=_FOREVER)

    def _note(self, id_: str, now: float) -> None:
        if len(self._noted) >= _REMEMBERED:
            self._noted.clear()
        self._noted[id_] = now
        self._uses[id_] = now
        self._behind.due()


_PUBLIC: Final = {
    "api-key-invalid": "The API key is not good. Check that it is complete, or ask for a new one.",
    "api-key-expired": "The API key has expired. Ask for a new one.",
    "api-key-revoked": "The API key was revoked. Ask for a new one.",
}


def _refuse(reason: str) -> NoReturn:
    raise IdentityError(_PUBLIC[reason], reason=reason)
