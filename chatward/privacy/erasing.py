"""Erasing a person everywhere that Chatward stores anything of what they wrote or said (GDPR Articles 17 and 19).

The rules:

1. Nothing of somebody under a legal hold is erased (Article 17(3)(b), (e)): the request waits until it is lifted.
2. Keys first, then rows, then a signed receipt for each store: that is ``seal.register``'s to do. What people said
   about their data goes as well, and they are asked anew if they come back. Their requests stay under a digest.
3. Accounts, keys and passkeys are of ``chatward users``, ``keys`` and the directory. The ledger holds no text. What a
   bot's processor has kept is listed by ``recipients``: they are to be told (Article 19).

Waits for the disk: call it on a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from chatward.core.errors import ClientError
from chatward.core.sealing import Change, Place, Record, Resealed, SealedFields
from chatward.privacy.requests import Requests
from chatward.privacy.retention import Holds
from chatward.privacy.standing import Standings
from chatward.seal.opening import Sealing
from chatward.seal.register import Eraser
from chatward.settings import Settings
from chatward.stores.clearing import empty_log
from chatward.stores.conversation_rows import Fields


class Statements:
    """What people have said, as erasure sees it (``core.sealing.SealedFields``). Nothing of it is sealed."""

    name = "privacy"
    tables: frozenset[str] = frozenset()

    def __init__(self, standings: Standings, requests: Requests) -> None:
        self._standings = standings
        self._requests = requests

    def tenants(self) -> list[str]:
        return []

    def reseal(self, tenant: str, version: int, change: Change, limit: int) -> Resealed:
        return Resealed(0, 0)

    def behind(self, tenant: str, is_behind: Callable[[Place, bytes], bool]) -> int:
        return 0

    def subjects(self) -> list[tuple[str, str]]:
        return self._standings.subjects()

    def erase_subject(self, tenant: str, subject: str) -> int:
        database = self._standings.database
        count = database.write("DELETE FROM privacy_statements WHERE tenant = ? AND subject = ?", (tenant, subject))
        count += self._requests.disown(tenant, subject)
        empty_log(database)
        return count

    def sweep(self, tenant: str, subject: str, dead: Callable[[Place, bytes], bool]) -> int:
        return 0


def erase(
    sealing: Sealing,
    standings: Standings,
    requests: Requests,
    holds: Holds,
    record: Record,
    tenant: str,
    subject: str,
    *,
    by: str,
    clock: Callable[[], float] = time.time,
) -> list[str]:
    """Erases a person; the receipts in writing. Raises ``ClientError`` (``subject-held``) and ``StoreError``
    (``erasure-unfinished``: ask again)."""
    if holds.held(tenant, subject):
        raise ClientError("There is a legal hold on this person: lift it first.", reason="subject-held", status=409)
    stores: list[SealedFields] = [Fields(sealing.data, sealing.sealer), Statements(standings, requests)]
    return Eraser(sealing.register, sealing.sealer, stores, record, clock).erase(tenant, subject, by)


def recipients(settings: Settings) -> list[tuple[str, str]]:
    """Name and contract of everybody who gets messages and is not the controller: to be told of an erasure."""
    return [(one.name or key, one.contract) for key, one in settings.privacy.processors.items() if not one.own]
