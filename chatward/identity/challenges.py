"""Challenges: something to be proven before a message or a tool call goes on.

The rules:

1. A challenge belongs to one principal in one session and to one binding (``identity.binding``). For everybody else,
   and in every other session, it does not exist. Nobody in particular (``anonymous``) cannot be challenged.
2. It is met once: of several proofs at the same time one wins, here or in another process. It is used once: ``met``
   takes it, with exactly the binding that it was made for. Changed arguments have another binding and take nothing.
3. It ends: ``expiry`` seconds to prove, then as many to use what was proven; ``MAX_ATTEMPTS`` wrong proofs refuse it.
4. It is on record before it counts: a proof is claimed (``settling``), recorded, and only then met.
5. What a passkey signs is a digest over a fresh nonce *and* the challenge with its binding, so a signature says what it
   was given for. A nonce serves one attempt.
6. With ``freshness``, a proof lifts its session's assurance for so many seconds, for everything. A principal without a
   session is never lifted. An approval lifts nobody: it is another person's consent to one thing.

States: ``waiting`` -> (``settling``) -> ``met`` -> ``spent``; or ``refused``, or ``expired``.

What writes also records, so it blocks: from an event loop call it on a thread. ``state``, ``fresh`` and ``wait`` read.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256
from typing import Any, Final

from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Challenge, Kind, Principal, Proof
from chatward.core.ports import Entry
from chatward.identity.proofs import LIFTS, ProofError, Why
from chatward.identity.record import Record
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "challenges",
    (
        "CREATE TABLE challenges (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, principal TEXT NOT NULL,"
        " session TEXT NOT NULL, action TEXT NOT NULL, binding TEXT NOT NULL, proofs TEXT NOT NULL,"
        " state TEXT NOT NULL, expires REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, nonce BLOB, proof TEXT)",
        "CREATE INDEX challenges_of ON challenges (principal, session, state)",
        "CREATE INDEX challenges_expire ON challenges (expires)",
        "CREATE TABLE freshness (principal TEXT NOT NULL, session TEXT NOT NULL, assurance INTEGER NOT NULL,"
        " until REAL NOT NULL, PRIMARY KEY (principal, session, assurance))",
    ),
)

MAX_ATTEMPTS: Final = 5
"""Wrong proofs that one challenge takes."""
MAX_OPEN: Final = 20
"""Challenges that one session may have waiting."""
KEPT: Final = 86_400.0
"""Seconds that a challenge is remembered after its end."""
POLL: Final = 0.1
"""Seconds between two looks of ``wait``."""

_BINDING: Final = re.compile(r"[0-9a-f]{64}")
_ACTION: Final = re.compile(r"[\w.:/@*+=-]{1,200}", re.ASCII)


class State(str, Enum):
    """How a challenge is. ``SPENT`` is one that was met and has been used."""

    WAITING = "waiting"
    MET = "met"
    SPENT = "spent"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Granted:
    """What was proven, taken for use. ``assurance`` holds for this binding in this session, at most ``until`` (seconds
    since 1970 UTC), and never goes below what the principal had."""

    principal: str
    session: str
    binding: str
    assurance: Assurance
    until: float
    proof: Proof
    challenge: str


class Challenges:
    """Implements the rules above on a database that several processes may share.

    ``proofs`` are those this installation allows at all; ``clock`` gives seconds since 1970 UTC.
    """

    def __init__(
        self,
        database: Database,
        record: Record,
        *,
        expiry: float = 300.0,
        freshness: float = 0.0,
        proofs: Collection[Proof] = frozenset(Proof),
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._record = record
        self._expiry = expiry
        self._freshness = freshness
        self._allowed = frozenset(proofs)
        self._clock = clock
        self._sleep = sleep
        self._fresh_at: tuple[int, int] | None = None
        self._fresh: dict[tuple[str, str], tuple[tuple[Assurance, float], ...]] = {}

    # --- asking --------------------------------------------------------------------------------------

    def require(
        self,
        principal: Principal,
        action: str,
        binding: str,
        proofs: Collection[Proof],
        *,
        expiry: float | None = None,
        exchange: str = "",
    ) -> Challenge:
        """A challenge that any one of ``proofs`` meets. Who asks for the same again gets the one that waits.

        ``expiry`` in place of the usual seconds; ``exchange`` is the request's id in the ledger. An approval stands
        alone: it is not an alternative to proving who one is. Raises ``IdentityError`` for nobody in particular
        (``not-authenticated``) and where no proof is left to give (``step-up-unavailable``), ``ClientError`` with too
        many waiting (``too-many-challenges``).
        """
        wanted = tuple(proof for proof in Proof if proof in proofs)
        if _BINDING.fullmatch(binding) is None or not wanted or (Proof.APPROVAL in wanted and len(wanted) > 1):
            raise ValueError("a challenge has a SHA-256 (hex) as binding, and proofs that are alternatives")
        if principal.kind is Kind.ANONYMOUS:
            raise IdentityError("This needs somebody who is known: sign in and send it again.")
        wanted = tuple(proof for proof in wanted if proof in self._allowed)
        if not wanted:
            raise IdentityError(
                "This needs a proof that cannot be given here.", reason="step-up-unavailable", status=403
            )
        self.sweep()
        now = self._clock()
        lasts = self._expiry if expiry is None else expiry
        listed = " ".join(proof.value for proof in wanted)
        open_ = self._database.rows(
            "SELECT id, action, binding, proofs, expires FROM challenges"
            " WHERE principal = ? AND session = ? AND state = 'waiting' AND expires > ?",
            (principal.id, principal.session, now),
        )
        for id, *same, expires in open_:
            if same == [action, binding, listed] and expires > now + lasts / 2:
                return Challenge(id, principal.id, binding, wanted, expires, action)
        if len(open_) >= MAX_OPEN:
            raise ClientError(
                "Too many things wait for a proof in this session; give or await some of them first.",
                reason="too-many-challenges",
                status=429,
            )
        challenge = Challenge(secrets.token_urlsafe(18), principal.id, binding, wanted, now + lasts, action)
        event = Event.APPROVAL_REQUIRED if wanted == (Proof.APPROVAL,) else Event.STEP_UP_REQUIRED
        self._record(_entry(event, challenge, exchange, proofs=[proof.value for proof in wanted]))
        self._database.write(
            "INSERT INTO challenges (id, tenant, principal, session, action, binding, proofs, state, expires)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?)",
            (
                challenge.id,
                principal.tenant,
                principal.id,
                principal.session,
                action,
                binding,
                listed,
                challenge.expires,
            ),
        )
        return challenge

    # --- proving -------------------------------------------------------------------------------------

    def nonce(self, id: str, principal: Principal) -> bytes:
        """What a passkey is to sign for this challenge, from now on and once. Raises as ``attempt``."""
        nonce = secrets.token_bytes(32)
        with self._database.writing() as connection:
            challenge = self._waiting(connection, id, principal, Proof.PASSKEY)
            connection.execute("UPDATE challenges SET nonce = ? WHERE id = ?", (nonce, id))
        return _signed(nonce, challenge, principal)

    def attempt(self, id: str, principal: Principal, proof: Proof) -> bytes:
        """Counts an attempt before it is looked at. With a passkey it takes the nonce, and returns what was to sign.

        Raises ``ClientError``: ``challenge-unknown`` (404: there is none, or it is another's, or of another session),
        ``challenge-settled`` (409), ``challenge-expired`` (410), ``proof-not-accepted`` (400).
        """
        with self._database.writing() as connection:
            challenge = self._waiting(connection, id, principal, proof)
            nonce = b""
            if proof is Proof.PASSKEY:
                nonce = connection.execute("SELECT nonce FROM challenges WHERE id = ?", (id,)).fetchone()[0] or b""
                connection.execute("UPDATE challenges SET nonce = NULL WHERE id = ?", (id,))
            connection.execute("UPDATE challenges SET attempts = attempts + 1 WHERE id = ?", (id,))
        if proof is Proof.PASSKEY and not nonce:
            raise ProofError(Why.NONCE)
        return _signed(nonce, challenge, principal)

    def failed(self, id: str, principal: Principal, proof: Proof, why: Why) -> None:
        """Records a proof that was not good; the last one allowed refuses the challenge."""
        row = self._database.row("SELECT action, binding, attempts FROM challenges WHERE id = ?", (id,))
        if row is None:
            return
        challenge = Challenge(id, principal.id, row[1], (), 0.0, row[0])
        self._record(_entry(Event.STEP_UP_FAILED, challenge, "", proof=proof.value, reason=why.value))
        if row[2] >= MAX_ATTEMPTS:
            changed = self._database.write(
                "UPDATE challenges SET state = 'refused', nonce = NULL WHERE id = ? AND state = 'waiting'", (id,)
            )
            if changed:
                refused = Why.ATTEMPTS.value
                self._record(_entry(Event.STEP_UP_FAILED, challenge, "", proof=proof.value, reason=refused))

    def settle(
        self, id: str, proof: Proof, *, grant: bool = True, event: Event = Event.STEP_UP_MET, **fields: object
    ) -> None:
        """A waiting challenge is met, or refused where ``grant`` is false. Who calls this has verified the proof.

        One caller wins; the others get ``ClientError`` (``challenge-settled``, ``challenge-expired``)."""
        now = self._clock()
        claimed = self._returning(
            "UPDATE challenges SET state = 'settling', nonce = NULL WHERE id = ? AND state = 'waiting' AND expires > ?"
            " RETURNING principal, session, action, binding",
            (id, now),
        )
        if not claimed:
            raise _over(self.state(id))
        principal, session, action, binding = claimed[0]
        try:
            challenge = Challenge(id, principal, binding, (), 0.0, action)
            self._record(_entry(event, challenge, "", proof=proof.value, **fields))
        except BaseException:
            self._database.write("UPDATE challenges SET state = 'waiting' WHERE id = ? AND state = 'settling'", (id,))
            raise
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE challenges SET state = ?, proof = ?, expires = ? WHERE id = ? AND state = 'settling'",
                ("met" if grant else "refused", proof.value, now + self._expiry, id),
            ).rowcount
            if not changed:  # revoked meanwhile
                raise _over(State.REFUSED)
            if grant and session and self._freshness and LIFTS[proof]:
                connection.execute(
                    "INSERT OR REPLACE INTO freshness VALUES (?, ?, ?, ?)",
                    (principal, session, int(LIFTS[proof]), now + self._freshness),
                )

    # --- using ---------------------------------------------------------------------------------------

    def met(self, id: str, principal: Principal, binding: str) -> Granted | None:
        """Takes what was proven, once; ``None`` for another principal, session or binding, and for nothing proven."""
        taken = self._returning(
            "UPDATE challenges SET state = 'spent' WHERE id = ? AND principal = ? AND session = ? AND binding = ?"
            " AND state = 'met' AND expires > ? RETURNING proof, expires",
            (id, principal.id, principal.session, binding, self._clock()),
        )
        if not taken:
            return None
        proof = Proof(taken[0][0])
        assurance = max(principal.assurance, LIFTS[proof])
        return Granted(principal.id, principal.session, binding, assurance, taken[0][1], proof, id)

    async def wait(self, id: str, timeout: float) -> State:  # noqa: ASYNC109 - it gives a state, and is not cut off
        """The state once it is no longer ``waiting``, or after ``timeout`` seconds. Sees what other processes do."""
        for pause in self._watching(id, timeout):
            if isinstance(pause, State):
                return pause
            await self._sleep(pause)
        raise AssertionError("watching ends with a state")

    def wait_here(self, id: str, timeout: float, sleep: Callable[[float], object] = time.sleep) -> State:
        """``wait``, for a thread."""
        for pause in self._watching(id, timeout):
            if isinstance(pause, State):
                return pause
            sleep(pause)
        raise AssertionError("watching ends with a state")

    def state(self, id: str, principal: Principal | None = None) -> State:
        """How a challenge is now. ``principal``: raises ``challenge-unknown`` unless it is theirs."""
        if principal is not None:
            self.challenge(id, principal)
        return self._look(id)[0]

    def challenge(self, id: str, principal: Principal) -> Challenge:
        """A challenge of this principal in this session. Raises ``ClientError`` (``challenge-unknown``)."""
        row = self._database.row(
            "SELECT binding, proofs, expires, action FROM challenges WHERE id = ? AND principal = ? AND session = ?",
            (id, principal.id, principal.session),
        )
        if row is None:
            raise _unknown()
        return Challenge(id, principal.id, row[0], _proofs(row[1]), row[2], row[3])

    def fresh(self, principal: Principal) -> Assurance:
        """The principal's assurance, lifted by what was proven in this session not longer ago than ``freshness``."""
        if not self._freshness or not principal.session:
            return principal.assurance
        generation, now = self._database.generation, self._clock()
        if generation != self._fresh_at:
            held: dict[tuple[str, str], tuple[tuple[Assurance, float], ...]] = {}
            for id, session, assurance, until in self._database.rows("SELECT * FROM freshness WHERE until > ?", (now,)):
                held[id, session] = (*held.get((id, session), ()), (Assurance(assurance), until))
            self._fresh, self._fresh_at = held, generation
        lifted = (level for level, until in self._fresh.get((principal.id, principal.session), ()) if until > now)
        return max((principal.assurance, *lifted))

    def lifted(self, principal: Principal) -> Principal:
        """The principal as policy is to see it now."""
        assurance = self.fresh(principal)
        return principal if assurance == principal.assurance else replace(principal, assurance=assurance)

    # --- ending --------------------------------------------------------------------------------------

    def revoke(self, principal: str, session: str | None = None) -> None:
        """Nothing proven so far counts any more, in one session or in all; what waits or was met is refused."""
        one = "" if session is None else " AND session = ?"
        values = (principal,) if session is None else (principal, session)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM freshness WHERE principal = ?" + one, values)  # noqa: S608 - a constant
            connection.execute(
                "UPDATE challenges SET state = 'refused', nonce = NULL"  # noqa: S608 - a constant
                " WHERE principal = ?" + one + " AND state IN ('waiting', 'settling', 'met')",
                values,
            )

    def sweep(self) -> None:
        """Ends what is over, with a record, and forgets what ended long ago. ``require`` does it too."""
        now = self._clock()
        due = self._database.row("SELECT 1 FROM challenges WHERE expires <= ? LIMIT 1", (now,))
        if due is None:
            return
        ended = self._returning(
            "UPDATE challenges SET state = 'expired', nonce = NULL WHERE expires <= ?"
            " AND state IN ('waiting', 'settling') RETURNING id, principal, action, binding, proofs",
            (now,),
        )
        for id, principal, action, binding, proofs in ended:
            challenge = Challenge(id, principal, binding, _proofs(proofs), 0.0, action)
            approval = challenge.proofs == (Proof.APPROVAL,)
            self._record(_entry(Event.APPROVAL_EXPIRED if approval else Event.STEP_UP_EXPIRED, challenge, ""))
        with self._database.writing() as connection:
            connection.execute("DELETE FROM challenges WHERE expires <= ?", (now - KEPT,))
            connection.execute("DELETE FROM freshness WHERE until <= ?", (now,))

    # --- within --------------------------------------------------------------------------------------

    def _returning(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._database.writing() as connection:
            return connection.execute(sql, values).fetchall()

    def _waiting(self, connection: Any, id: str, principal: Principal, proof: Proof) -> Challenge:
        """The challenge, if this principal may try to meet it so, now."""
        row = connection.execute(
            "SELECT binding, proofs, expires, action, state, attempts FROM challenges"
            " WHERE id = ? AND principal = ? AND session = ?",
            (id, principal.id, principal.session),
        ).fetchone()
        if row is None:
            raise _unknown()
        if row[4] == "waiting" and row[2] <= self._clock():
            raise _over(State.EXPIRED)
        if row[4] != "waiting" or row[5] >= MAX_ATTEMPTS:
            raise _over(State.EXPIRED if row[4] == "expired" else State.MET)
        challenge = Challenge(id, principal.id, row[0], _proofs(row[1]), row[2], row[3])
        if proof is Proof.APPROVAL or proof not in challenge.proofs:
            raise ClientError("This is not a way to prove it; see `proofs`.", reason="proof-not-accepted")
        return challenge

    def _watching(self, id: str, timeout: float) -> Iterator[State | float]:
        """Pauses in seconds, and at the end the state."""
        until = self._clock() + timeout
        seen: tuple[int, int] | None = None
        while True:
            generation, now = self._database.generation, self._clock()
            if generation != seen or now >= until:
                seen = generation
                state, expires = self._look(id)
                if state is not State.WAITING or now >= until:
                    yield state
                    return
                until = min(until, expires)
            yield min(POLL, max(until - now, 0.001))

    def _look(self, id: str) -> tuple[State, float]:
        row = self._database.row("SELECT state, expires FROM challenges WHERE id = ?", (id,))
        if row is None:
            return State.EXPIRED, 0.0
        state = State.WAITING if row[0] == "settling" else State(row[0])
        if state in {State.WAITING, State.MET} and row[1] <= self._clock():
            state = State.EXPIRED
        return state, row[1]


def _signed(nonce: bytes, challenge: Challenge, principal: Principal) -> bytes:
    parts = [nonce.hex(), challenge.id, challenge.principal, principal.session, challenge.action, challenge.binding]
    return sha256(json.dumps(["chatward step-up 1", *parts]).encode()).digest()


def _proofs(listed: str) -> tuple[Proof, ...]:
    return tuple(map(Proof, listed.split()))


def _entry(event: Event, challenge: Challenge, exchange: str, **fields: object) -> Entry:
    # The name of a tool is somebody's text; one that is no identifier stays out. So does the binding: a digest of few
    # possible arguments tells them.
    action = challenge.action if _ACTION.fullmatch(challenge.action) else "other"
    about = {"challenge": challenge.id, "principal": challenge.principal, "action": action}
    return Entry(event, exchange, {**about, **fields})


def _unknown() -> ClientError:
    return ClientError("There is no such challenge here.", reason="challenge-unknown", status=404)


def _over(state: State) -> ClientError:
    if state is State.EXPIRED:
        return ClientError(
            "This challenge has expired; send the request again.", reason="challenge-expired", status=410
        )
    return ClientError("This challenge is settled already.", reason="challenge-settled", status=409)
