"""Human approval of a tool call: four eyes, from the console.

The rules:

1. Who asked never decides, whatever roles they have, and neither does who was given the credential that asked
   (``behind``). Who decides is an operator with one of ``roles``, of the same tenant. For everybody else there is
   nothing to decide.
2. What is shown is what is approved: the binding is made from the very tool and arguments that are shown. With others
   the approval is worth nothing (``identity.challenges``). What was refused is not asked again for ``expiry`` seconds.
3. Those arguments are kept sealed (AES-256-GCM, bound to the challenge) for as long as they wait, and then destroyed.
4. A decision has a reason from ``REASONS`` for the ledger, and may have a note, kept sealed beside it. It is on record
   before it counts. One decides; who comes second hears that it is settled.
5. Everybody sees those arguments masked (``console.approval_desk``). Who has them shown whole is on record first.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatward.core.errors import ClientError, IdentityError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Challenge, Kind, Principal, Proof
from chatward.core.ports import Entry
from chatward.identity.binding import tool_binding
from chatward.identity.challenges import Challenges
from chatward.identity.record import Record
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "approvals",
    (
        "CREATE TABLE approvals (challenge TEXT PRIMARY KEY, tenant TEXT NOT NULL, principal TEXT NOT NULL,"
        " asked REAL NOT NULL, expires REAL NOT NULL, tool BLOB, arguments BLOB, approver TEXT, approved INTEGER,"
        " reason TEXT, note BLOB, decided REAL)",
        "CREATE INDEX approvals_open ON approvals (tenant, decided, expires)",
        "ALTER TABLE approvals ADD COLUMN bot TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE approvals ADD COLUMN policies TEXT NOT NULL DEFAULT ''",
    ),
)

ACTION: Final = "tool:call"
REASONS: Final = (
    "expected",
    "checked-with-person",
    "within-limits",
    "not-expected",
    "too-much",
    "wrong-target",
    "suspicious",
    "other",
)
"""Why somebody agreed or did not; the words of the ledger."""
MAX_NOTE: Final = 500
KEPT: Final = 30 * 86_400.0
"""Seconds that a decision and its note are kept here; the ledger keeps the decision."""


@dataclass(frozen=True, slots=True, repr=False)
class Pending:
    """A tool call that waits. ``arguments`` is the JSON text for the tool, ``policies`` are the ids of those that want
    it approved. ``own``: this operator asked for it, or has the credential that did."""

    id: str
    principal: str
    tool: str
    arguments: str
    asked: float
    expires: float
    own: bool
    bot: str = ""
    policies: tuple[str, ...] = ()


class Approvals:
    """Implements the rules above. ``key``: 32 bytes. ``record`` is for ``reveal``. ``behind`` says whether an operator
    (second) was given a credential of a principal (first). ``all_tenants``: operators have no
    tenant, and decide for all of them. Everything but ``pending`` writes, and blocks."""

    def __init__(
        self,
        database: Database,
        challenges: Challenges,
        key: bytes,
        *,
        record: Record | None = None,
        behind: Callable[[str, str], bool] = lambda principal, operator: False,
        roles: Collection[str] = ("admin", "operator"),
        all_tenants: bool = False,
        expiry: float = 900.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._challenges = challenges
        self._cipher = AESGCM(key)
        self._record = record
        self._behind = behind
        self._all_tenants = all_tenants
        self._roles = frozenset(roles)
        self._expiry = expiry
        self._clock = clock

    def ask(
        self,
        principal: Principal,
        tool: str,
        arguments: str,
        *,
        exchange: str = "",
        bot: str = "",
        policies: Sequence[str] = (),
    ) -> Challenge:
        """A challenge that another person meets. Who asks for the same call again gets the one that waits. ``bot`` and
        ``policies`` say to who decides where the call comes from, and what wants it approved.

        Raises ``IdentityError`` (``approval-refused``) for what was refused lately, and as ``Challenges.require``."""
        self._clear()
        binding = tool_binding(tool, arguments, principal.session)
        refused = self._database.row(
            "SELECT 1 FROM approvals JOIN challenges ON challenges.id = approvals.challenge"
            " WHERE approved = 0 AND decided > ? AND challenges.principal = ? AND binding = ?",
            (self._clock() - self._expiry, principal.id, binding),
        )
        if refused is not None:
            raise IdentityError("Somebody has decided against this.", reason="approval-refused", status=403)
        challenge = self._challenges.require(
            principal, ACTION, binding, (Proof.APPROVAL,), expiry=self._expiry, exchange=exchange
        )
        self._database.write(
            "INSERT OR IGNORE INTO approvals"
            " (challenge, tenant, principal, asked, expires, tool, arguments, bot, policies)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                challenge.id,
                principal.tenant,
                principal.id,
                self._clock(),
                challenge.expires,
                self._seal(challenge.id, "tool", tool),
                self._seal(challenge.id, "arguments", arguments),
                bot,
                "\n".join(policies),
            ),
        )
        return challenge

    def pending(self, operator: Principal) -> tuple[Pending, ...]:
        """What waits for a decision in the operator's tenant, oldest first. Raises ``IdentityError``."""
        self._check(operator)
        rows = self._database.rows(
            "SELECT challenge, principal, tool, arguments, asked, expires, bot, policies FROM approvals"
            " WHERE (tenant = ? OR ?) AND decided IS NULL AND expires > ? AND tool IS NOT NULL ORDER BY asked",
            (operator.tenant, self._all_tenants, self._clock()),
        )
        return tuple(
            Pending(
                id,
                principal,
                self._open(id, "tool", tool),
                self._open(id, "arguments", arguments),
                asked,
                expires,
                self._own(principal, operator),
                bot,
                tuple(policies.splitlines()),
            )
            for id, principal, tool, arguments, asked, expires, bot, policies in rows
        )

    def reveal(self, operator: Principal, id: str) -> Pending:
        """One of ``pending``, to be shown whole; recorded first. Raises ``ClientError`` (``challenge-unknown``)."""
        found = next((one for one in self.pending(operator) if one.id == id), None)
        if found is None or self._record is None:
            raise ClientError("There is no such challenge here.", reason="challenge-unknown", status=404)
        about = {"challenge": id, "principal": found.principal, "by": operator.id}
        self._record(Entry(Event.APPROVAL_REVEALED, "", about))
        return found

    def decide(self, operator: Principal, id: str, *, approve: bool, reason: str, note: str = "") -> None:
        """Raises ``IdentityError`` (403: ``approval-forbidden``, ``approval-own``), ``ClientError``
        (``challenge-unknown``, ``challenge-settled``, ``challenge-expired``, ``approval-reason``)."""
        self._check(operator)
        if reason not in REASONS or len(note) > MAX_NOTE:
            raise ClientError("A decision has a reason from the list, and a short note.", reason="approval-reason")
        row = self._database.row(
            "SELECT principal FROM approvals WHERE challenge = ? AND (tenant = ? OR ?)",
            (id, operator.tenant, self._all_tenants),
        )
        if row is None:
            raise ClientError("There is no such challenge here.", reason="challenge-unknown", status=404)
        if self._own(row[0], operator):
            raise IdentityError("Somebody else must decide what you asked for.", reason="approval-own", status=403)
        self._challenges.settle(
            id,
            Proof.APPROVAL,
            grant=approve,
            event=Event.APPROVAL_GRANTED if approve else Event.APPROVAL_REFUSED,
            approver=operator.id,
            reason=reason,
        )
        kept = self._seal(id, "note", note) if note else None
        self._database.write(
            "UPDATE approvals SET tool = NULL, arguments = NULL, approver = ?, approved = ?, reason = ?, note = ?,"
            " decided = ? WHERE challenge = ?",
            (operator.id, approve, reason, kept, self._clock(), id),
        )

    def note(self, operator: Principal, id: str) -> str:
        """The note of a decision in the operator's tenant; empty where there is none."""
        self._check(operator)
        row = self._database.row(
            "SELECT note FROM approvals WHERE challenge = ? AND (tenant = ? OR ?)",
            (id, operator.tenant, self._all_tenants),
        )
        return self._open(id, "note", row[0]) if row is not None and row[0] is not None else ""

    # --- within --------------------------------------------------------------------------------------

    def _check(self, operator: Principal) -> None:
        if operator.kind is not Kind.OPERATOR or not self._roles & operator.roles:
            raise IdentityError("You may not decide this.", reason="approval-forbidden", status=403)

    def _own(self, principal: str, operator: Principal) -> bool:
        return principal == operator.id or self._behind(principal, operator.id)

    def _clear(self) -> None:
        """Destroys the arguments of what nobody decided in time, and forgets old decisions."""
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE approvals SET tool = NULL, arguments = NULL WHERE expires <= ? AND tool IS NOT NULL", (now,)
            )
            connection.execute("DELETE FROM approvals WHERE expires <= ?", (now - KEPT,))

    def _seal(self, id: str, what: str, text: str) -> bytes:
        nonce = secrets.token_bytes(12)
        about = f"chatward approval 1\0{id}\0{what}".encode()
        return nonce + self._cipher.encrypt(nonce, text.encode("utf-8", "surrogatepass"), about)

    def _open(self, id: str, what: str, sealed: bytes) -> str:
        about = f"chatward approval 1\0{id}\0{what}".encode()
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], about).decode("utf-8", "surrogatepass")
        except InvalidTag as error:
            raise StoreError("The identity store holds something that its key does not open.") from error
