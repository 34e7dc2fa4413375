"""What stands behind placeholders, kept sealed by subject and conversation (``[conversations] vault``).

The rules:

1. A vault is found by the caller's name of the conversation, or by the id of the reply that a thread goes on from:
   through a blind index. Names stand sealed, with the values. Each vault has a key of its own.
2. **Before the effect.** What a bot is about to be sent as a placeholder is durable before it is sent: otherwise nobody
   could restore it later.
3. **No two values of one placeholder.** A save says which state it began with; if another process was faster, it is
   refused (``StaleError``), and whoever asked loads again.
4. Shown to readers are placeholders alone. Values are revealed as conversations are (``revealing``), exported to their
   subject, erased with them, and purged with the conversations' time, counted from the last use.

Waits for the disk: call it on a thread.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chatward.core.errors import ClientError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Principal
from chatward.core.sealing import Place, Record, Sealer
from chatward.stores.conversation_rows import SCHEMA, VAULT, vault_place
from chatward.stores.database import Connection, Tables
from chatward.stores.revealing import Revealing

_EVENTS: Final = (Event.VAULT_REVEALED, Event.VAULT_REVEAL_REFUSED)
_NAMED: Final = (
    "SELECT {} FROM vault_names n JOIN vaults v ON v.number = n.vault"
    " WHERE n.value IN ({}) AND v.tenant = ? AND v.subject = ?"
)


class StaleError(Exception):
    """Another process has saved this vault meanwhile: load it again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A vault as it is stored. ``data`` is what ``engine.placeholders.Vault.dump`` gave; ``state`` names this state
    of it (0: there is none yet)."""

    data: Mapping[str, Any] | None
    state: int


NOTHING: Final = Kept(None, 0)


class Vaults:
    """Vaults in ``Tables``, beside stored conversations. ``retention`` in seconds, from the last use. Raises
    ``StoreError``, ``ClientError`` (``vault-unknown``) and what ``Revealing`` raises."""

    def __init__(
        self,
        database: Tables,
        sealer: Sealer,
        record: Record,
        *,
        retention: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.database = database
        self._sealer = sealer
        self._retention = retention
        self._clock = clock
        self._revealing = Revealing(database, sealer, record, clock)
        database.adopt(SCHEMA)

    def load(self, tenant: str, subject: str, name: str) -> Kept:
        """The vault of that name, or ``NOTHING``; one whose key was destroyed is none."""
        values = self._sealer.index(tenant, subject, VAULT, name)
        row = self.database.row(_named("v.id, v.state, v.body", values), (*values, tenant, subject))
        if row is None:
            return NOTHING
        try:
            return Kept(self._opened(tenant, subject, row[0], row[2])["vault"], row[1])
        except StoreError as error:
            if error.reason != "sealed-key-gone":
                raise
            return NOTHING

    def save(self, tenant: str, subject: str, name: str, data: Mapping[str, Any], state: int) -> None:
        """Keeps ``data`` in place of the ``state`` that it was made from. Raises ``StaleError``."""
        body = json.dumps({"name": name, "vault": data}).encode()
        with self.database.writing() as connection:
            self._sealer.prepare([Place(tenant, subject, VAULT, "")])
            values = self._sealer.index(tenant, subject, VAULT, name)
            row = connection.execute(
                _named("v.id, v.state, v.number", values), (*values, tenant, subject)
            ).fetchone() or ("", 0, 0)
            if row[1] != state:
                raise StaleError
            id_ = row[0] or secrets.token_hex(16)
            sealed = self._sealer.seal(vault_place(tenant, subject, id_), body)
            if row[0]:
                connection.execute(
                    "UPDATE vaults SET state = state + 1, at = ?, body = ? WHERE number = ?",
                    (self._clock(), sealed, row[2]),
                )
            else:
                self._insert(connection, (id_, tenant, subject, self._clock(), sealed), values)

    @staticmethod
    def _insert(connection: Connection, row: tuple[object, ...], values: Sequence[bytes]) -> None:
        (number,) = connection.execute(
            "INSERT INTO vaults (id, tenant, subject, at, state, body) VALUES (?, ?, ?, ?, 1, ?) RETURNING number", row
        ).fetchone()
        connection.executemany("INSERT INTO vault_names VALUES (?, ?)", [(value, number) for value in values])

    def listing(self, tenant: str, subject: str) -> list[tuple[str, float]]:
        """Ids of a subject's vaults, and when each was used last (seconds since 1970 UTC)."""
        rows = self.database.rows(
            "SELECT id, at FROM vaults WHERE tenant = ? AND subject = ? ORDER BY number", (tenant, subject)
        )
        return [(row[0], row[1]) for row in rows]

    def read(self, tenant: str, id_: str) -> list[str]:
        """The placeholders of a vault, which is all that readers see."""
        return [token for token, _ in self._values(tenant, *self._known(tenant, id_))]

    def reveal(self, principal: Principal, tenant: str, id_: str, reason: str) -> list[tuple[str, str]]:
        """Placeholders with their values (rule 4)."""
        known = self._known(tenant, id_)
        self._revealing.permit(principal, known[0], id_, reason, {"tenant": tenant, "vault": id_}, _EVENTS)
        return self._values(tenant, *known)

    def purge(self, kept: Callable[[str, str], bool] = lambda tenant, subject: False) -> int:
        """Takes out vaults that were not used for the retention time: keys first. How many."""
        if self._retention is None:
            return 0
        rows = self.database.rows(
            "SELECT number, id, tenant, subject FROM vaults WHERE at < ?", (self._clock() - self._retention,)
        )
        due = [row for row in rows if not kept(row[2], row[3])]
        for number, id_, tenant, subject in due:
            with self.database.writing() as connection:
                self._sealer.destroy(tenant, subject, [id_])
                connection.execute("DELETE FROM vaults WHERE number = ?", (number,))
        if due:
            self.database.scrub()
        return len(due)

    def _known(self, tenant: str, id_: str) -> tuple[str, str, bytes]:
        row = self.database.row("SELECT subject, body FROM vaults WHERE tenant = ? AND id = ?", (tenant, id_))
        if row is None:
            raise ClientError("There are no such values.", reason="vault-unknown", status=404)
        return row[0], id_, row[1]

    def _values(self, tenant: str, subject: str, id_: str, body: bytes) -> list[tuple[str, str]]:
        found = self._opened(tenant, subject, id_, body)["vault"]["values"]
        return [(f"[{entity}_{number}]", value) for entity, number, value, _ in found]

    def _opened(self, tenant: str, subject: str, id_: str, body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._sealer.open(vault_place(tenant, subject, id_), body))
        return found


def _named(columns: str, values: Sequence[bytes]) -> str:
    return _NAMED.format(columns, ",".join("?" * len(values)))
