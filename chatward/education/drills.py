"""Phishing drills at ``/v1/drills``: for people of internal bots who have asked for them, and nobody else.

The rules:

1. A drill is offered for bots of ``education.drills`` alone, to people who are known, never to visitors of a widget. It
   comes only to who has opted in; opting out is as easy, and counts at once. An opting in ends after ``LASTS``.
2. Who opted in is kept as a keyed digest of the person, with when a drill came last. Both is on record, as consent is.
3. A drill's words are ours and go to the person's page alone: neither the bot nor the message path sees them. What
   looks like a link leads nowhere, and nothing can be typed into it.
4. The lesson is told right after. On record is that there was a drill and what came of it, by kind and bot, without
   the person: it is marked as a drill (``drill:message:*``) and no alert, incident or count of attacks reads it.
5. A drill that was shown is settled once, and within ``OPEN`` seconds.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import orjson

from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Fields, Kind, Principal
from chatward.core.ports import Entry
from chatward.education import translated
from chatward.education.api import Answered, asked_object
from chatward.education.counting import TipCounts
from chatward.education.tips import preferred
from chatward.stores.database import Database, Schema

DRILLS_PATH: Final = "/v1/drills"
CHAT: Final = "/v1/chat/completions"
SHOWN: Final = "shown"
FOLLOWED: Final = "followed"
DID: Final = (FOLLOWED, "reported", "ignored")
"""What a person may do about a drill."""
DRILL: Final = "drill"
"""Counted as ``drill:KIND`` (``shown``, and what came of it)."""
LASTS: Final = 365 * 86_400.0
"""Seconds for which opting in is good."""
OPEN: Final = 86_400.0
SCHEMA: Final = Schema(
    "drills",
    (
        "CREATE TABLE drill_people (person BLOB PRIMARY KEY, since REAL NOT NULL, last REAL NOT NULL,"
        " drill TEXT NOT NULL, kind TEXT NOT NULL, bot TEXT NOT NULL) WITHOUT ROWID",
    ),
)


def languages() -> tuple[str, ...]:
    """The languages there are drills in."""
    return translated.languages("drill_texts")


def drills(language: str) -> Mapping[str, Mapping[str, str]]:
    """Every drill in one of ``languages``: who it pretends to be from, its text, what its link says, the lesson."""
    return translated.words("drill_texts", language)  # type: ignore[no-any-return]


def person_of(secret: bytes, tenant: str, id_: str) -> bytes:
    """What a person is called in ``drill_people``. ``secret`` is the key of this installation."""
    return hmac.digest(secret, f"drill\0{tenant}\0{id_}".encode(), "sha256")


class DrillApi:
    """The service. ``bots``: those that are internal; ``bot_of`` tells the bot of a path and a model; ``every``:
    seconds between two drills of a person. ``record`` puts an entry on record and waits for it; ``clock`` gives seconds
    since 1970 UTC. Raises ``ClientError``, ``IdentityError`` and ``StoreError``."""

    def __init__(
        self,
        database: Database,
        counts: TipCounts,
        record: Callable[[Entry], None],
        bot_of: Callable[[str, str], str],
        *,
        secret: bytes,
        bots: Collection[str],
        every: float,
        language: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._counts = counts
        self._record = record
        self._bot_of = bot_of
        self._secret = secret
        self._bots = frozenset(bots)
        self._every = every
        self._language = language
        self._clock = clock
        database.adopt(SCHEMA)

    def answer(self, method: str, path: str, headers: Fields, body: bytes, principal: Principal) -> Answered:
        if principal.kind in {Kind.ANONYMOUS, Kind.VISITOR} or principal.assurance is Assurance.NONE:
            raise IdentityError("Sign in first: drills are for people who are known.", reason="not-authenticated")
        person = person_of(self._secret, principal.tenant, principal.id)
        if method == "GET" and path.rstrip("/") == DRILLS_PATH:
            return _said({"opted_in": self._since(person) is not None})
        said = asked_object(method, path, DRILLS_PATH, body)
        language = preferred(self._language or headers.get("accept-language") or "", languages())
        wish = said.get("opt_in")
        if isinstance(wish, bool):
            return self._opt(principal, person, wish)
        if isinstance(said.get("model"), str):
            return _said({"drill": self._next(person, said["model"], language)})
        if isinstance(said.get("drill"), str) and said.get("did") in DID:
            return _said(self._settle(person, said["drill"], said["did"], language))
        wanted = f'{{"opt_in": true or false}}, {{"model": name}} or {{"drill": id, "did": one of {", ".join(DID)}}}'
        raise ClientError(f"The body must be {wanted}.", reason="drill-invalid")

    # --- who takes part

    def _since(self, person: bytes) -> float | None:
        row = self._database.row("SELECT since FROM drill_people WHERE person = ?", (person,))
        return row[0] if row is not None and self._clock() < row[0] + LASTS else None

    def _opt(self, principal: Principal, person: bytes, wish: bool) -> Answered:
        about = {"principal": principal.id}
        if wish and self._since(person) is None:
            self._record(Entry(Event.DRILLS_JOINED, "", about))  # on record before it counts
            with self._database.writing() as connection:
                values = (person, self._clock())
                connection.execute("INSERT OR REPLACE INTO drill_people VALUES (?, ?, 0, '', '', '')", values)
        elif not wish and self._since(person) is not None:
            with self._database.writing() as connection:
                connection.execute("DELETE FROM drill_people WHERE person = ?", (person,))
            self._record(Entry(Event.DRILLS_LEFT, "", about))
        return _said({"opted_in": wish})

    # --- a drill and its lesson

    def _next(self, person: bytes, model: str, language: str) -> Mapping[str, str] | None:
        """The drill that is due for this person now, or none."""
        bot = self._bot_of(CHAT, model)
        if bot not in self._bots or self._since(person) is None:
            return None
        now, number, kind = self._clock(), secrets.token_urlsafe(12), secrets.choice(sorted(drills("en")))
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE drill_people SET last = ?, drill = ?, kind = ?, bot = ? WHERE person = ? AND last <= ?",
                (now, number, kind, bot, person, now - self._every),
            ).rowcount
        if not changed:
            return None
        self._counts.add(f"{DRILL}:{kind}", SHOWN)
        self._record(Entry(Event.DRILL_SHOWN, "", {"kind": kind, "bot": bot}))
        words = drills(language)[kind]
        return {"id": number, **{name: words[name] for name in ("from", "text", "link")}}

    def _settle(self, person: bytes, number: str, did: str, language: str) -> Mapping[str, str]:
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT kind, bot, last FROM drill_people WHERE person = ? AND drill = ? AND drill <> ''",
                (person, number),
            ).fetchone()
            if row is not None:
                connection.execute("UPDATE drill_people SET drill = '' WHERE person = ?", (person,))
        if row is None or self._clock() > row[2] + OPEN:
            raise ClientError("There is no such drill, or it is over.", reason="drill-unknown", status=404)
        kind, bot, _ = row
        self._counts.add(f"{DRILL}:{kind}", did)
        self._record(Entry(Event.DRILL_ENDED, "", {"kind": kind, "bot": bot, "did": did}))
        words = drills(language)[kind]
        return {"told": words[did], "lesson": words["lesson"]}


def _said(value: Mapping[str, Any]) -> Answered:
    return 200, (("content-type", "application/json"),), orjson.dumps(value)
