"""Erasing a person everywhere that Chatward stores anything of what they wrote or said (GDPR Articles 17 and 19).

The rules:

1. Nothing of somebody under a legal hold is erased (Article 17(3)(b), (e)): the request waits until it is lifted.
2. Keys first, then rows, then a signed receipt for each store: that is ``seal.register``'s to do. What people said
   about their data goes as well, and they are asked anew if they come back. Their requests stay under a digest.
3. Cut off, it goes on at the next start, and does again what a restored file brings back.
4. Accounts, keys and passkeys are of ``chatward users``, ``keys`` and the directory. The ledger holds no text. What a
   bot's processor has kept is listed by ``recipients``: they are to be told (Article 19), and are told by themselves
   where settings name their webhook (``notices``).

Waits for the disk: call it on a thread.
"""

from __future__ import annotations

from collections.abc import Callable

from chatward.core.errors import ClientError
from chatward.core.sealing import Place, Unsealed
from chatward.privacy.mailing import forget as forget_links
from chatward.privacy.notices import Notices
from chatward.privacy.requests import Requests
from chatward.privacy.retention import Holds
from chatward.privacy.standing import Standings
from chatward.seal.opening import Sealing
from chatward.seal.receipt import digest
from chatward.seal.register import Register
from chatward.settings import Settings


class Statements(Unsealed):
    """What people have said, as erasure sees it (``core.sealing.SealedFields``). Nothing of it is sealed, so what a
    restored file brings back is known by its time: what was said before an erasure that ``register`` knows goes again.
    """

    name = "privacy"

    def __init__(self, standings: Standings, requests: Requests, register: Register) -> None:
        self._standings = standings
        self._requests = requests
        self._register = register

    def subjects(self) -> list[tuple[str, str]]:
        return sorted({*self._standings.subjects(), *self._requests.subjects()})

    def erase_subject(self, tenant: str, subject: str) -> int:
        return self._forget(tenant, subject, None)

    def sweep(self, tenant: str, subject: str, dead: Callable[[Place, bytes], bool]) -> int:
        hidden = digest(tenant, subject)
        times = [one.begun for one in self._register.erasures() if (one.tenant, one.subject) == (tenant, hidden)]
        return self._forget(tenant, subject, max(times)) if times else 0

    def _forget(self, tenant: str, subject: str, before: float | None) -> int:
        """Statements, and whose requests they are, up to a time or all."""
        database = self._standings.database
        count = database.write(
            "DELETE FROM privacy_statements WHERE tenant = ?1 AND subject = ?2 AND (?3 IS NULL OR at <= ?3)",
            (tenant, subject, before),
        )
        count += self._requests.disown(tenant, subject, before)
        forget_links(database, tenant, subject)
        if count:
            database.scrub()
        return count


def erase(
    sealing: Sealing, holds: Holds, tenant: str, subject: str, *, by: str, notices: Notices | None = None
) -> list[str]:
    """Erases a person; the receipts in writing. ``sealing`` was opened with ``Statements`` among its stores;
    ``notices`` tells recipients. Raises ``ClientError`` (``subject-held``) and ``StoreError`` (``erasure-unfinished``:
    ask again)."""
    if holds.held(tenant, subject):
        raise ClientError("There is a legal hold on this person: lift it first.", reason="subject-held", status=409)
    if notices is not None:
        notices.tell("erasure", "subject.erased", tenant, subject)
    return sealing.eraser.erase(tenant, subject, by)


def recipients(settings: Settings) -> list[tuple[str, str]]:
    """Name and contract of everybody who gets messages and is not the controller: to be told of an erasure."""
    return [(one.name or key, one.contract) for key, one in settings.privacy.processors.items() if not one.own]
