"""Showing what is masked for every reader: to an auditor, with a reason, and on record before a word is shown.

The reason is text, so it is kept in the store, sealed with the subject's own key; the ledger has who, whose and what.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Kind, Principal
from chatward.core.ports import Entry
from chatward.core.sealing import Record, Sealer
from chatward.stores.conversation_rows import reason_place
from chatward.stores.database import Tables

AUDITOR: Final = "auditor"
_SHORTEST_REASON: Final = 8
_LONGEST_REASON: Final = 2_000


@dataclass(frozen=True, slots=True)
class Revealing:
    """Lets an auditor see what stands in ``database``. ``clock`` gives seconds since 1970 UTC."""

    database: Tables
    sealer: Sealer
    record: Record
    clock: Callable[[], float]

    def permit(
        self,
        principal: Principal,
        subject: str,
        id_: str,
        reason: str,
        fields: Mapping[str, object],
        events: tuple[Event, Event],
    ) -> None:
        """Returns once it is on record that ``principal`` sees ``id_``, which is of ``subject``. ``fields`` are the
        entry's (``tenant`` among them), ``events`` those of showing and of refusing. Raises ``IdentityError``
        (``reveal-not-permitted``), ``ClientError`` (``reveal-reason-missing``) and ``StoreError``."""
        shown, refused = events
        entry = {"by": principal.id, "subject": subject, **fields}
        if principal.kind is not Kind.OPERATOR or AUDITOR not in principal.roles:
            self.record(Entry(refused, "", entry | {"reason": "reveal-not-permitted"}))
            raise IdentityError("An auditor may do this, with a reason.", reason="reveal-not-permitted", status=403)
        told = " ".join(reason.split())
        if not _SHORTEST_REASON <= len(told) <= _LONGEST_REASON:
            raise ClientError(
                f"Say why, in {_SHORTEST_REASON} to {_LONGEST_REASON} characters.", reason="reveal-reason-missing"
            )
        tenant, reveal = str(fields["tenant"]), secrets.token_hex(8)
        with self.database.writing() as connection:
            sealed = self.sealer.seal(reason_place(tenant, subject, reveal), told.encode("utf-8", "surrogatepass"))
            connection.execute(
                "INSERT INTO reveals (id, tenant, subject, conversation, by, at, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (reveal, tenant, subject, id_, principal.id, self.clock(), sealed),
            )
        self.record(Entry(shown, "", entry | {"reveal": reveal}))
