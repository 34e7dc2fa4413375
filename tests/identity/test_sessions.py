"""Sessions: opened anew, ended in time, and ended for everybody who shares the store."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Kind, Presented, Principal
from chatward.identity.operators import Operator, Operators
from chatward.identity.passwords import Cost, Passwords
from chatward.identity.sessions import SCHEMA, Limits, Sessions, cookie, family
from chatward.stores.database import Database, Schema

GOOD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Headers:
    lines: list[tuple[str, str]] = field(default_factory=list)

    def get(self, key: str, default: str | None = None) -> str | None:
        return next(iter(self.get_all(key)), default)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self.lines if name == key]

    def __contains__(self, key: str) -> bool:
        return bool(self.get_all(key))


@dataclass
class Place:
    database: Database
    operators: Operators
    sessions: Sessions
    clock: Clock
    ann: Operator

    async def ask(self, token: str, agent: str = FIREFOX, *more: tuple[str, str]) -> Principal | None:
        headers = Headers([("user-agent", agent), ("cookie", f"{self.sessions.cookie}={token}"), *more])
        found = self.sessions.identify(Presented("GET", "https://c.example/", headers))
        return await found if inspect.isawaitable(found) else found

    async def refused(self, token: str) -> str:
        with pytest.raises(IdentityError) as caught:
            await self.ask(token)
        assert not token or token not in caught.value.public
        return caught.value.reason


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "identity.db"


@pytest.fixture
def place(file: Path) -> Place:
    return made(file, Clock())


def made(file: Path, clock: Clock) -> Place:
    database = Database(file)
    operators = Operators(database, Passwords(Cost(8, 1)), lambda entry: None, clock=clock)
    if not operators.any():
        operators.create("root", GOOD, ["admin"])
        operators.create("ann", GOOD, ["analyst"])
    sessions = Sessions(database, operators, secure=True, clock=clock)
    return Place(database, operators, sessions, clock, operators.named("ann"))


async def test_a_session_says_who_asks(place: Place) -> None:
    token, opened = place.sessions.open(place.ann, Assurance.MULTI, FIREFOX)
    found = await place.ask(token)
    assert found == opened
    assert found.id == place.ann.id
    assert (found.kind, found.roles, found.assurance) == (Kind.OPERATOR, {"analyst"}, Assurance.MULTI)
    assert found.expires == place.clock.now + 43_200
    assert place.sessions.valid(found)
    assert token not in repr(found)


async def test_without_a_cookie_there_is_nobody(place: Place) -> None:
    for lines in (
        [],
        [("cookie", "")],
        [("cookie", "other=1; __Host-chatward-sessions=x")],
        [("x-forwarded-user", "ann")],
    ):
        assert place.sessions.identify(Presented("GET", "https://c.example/", Headers(lines))) is None


async def test_only_a_digest_of_the_token_is_stored(place: Place, file: Path) -> None:
    token, principal = place.sessions.open(place.ann, Assurance.SINGLE)
    assert all(token.encode() not in part.read_bytes() for part in file.parent.iterdir())
    assert len(token) == 43
    assert await place.refused(principal.session) == "session-ended"


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 100_000, "a b", "\ud800", "' OR 1=1 --"])
async def test_a_token_that_nobody_gave_out_is_refused(place: Place, token: str) -> None:
    place.sessions.open(place.ann, Assurance.SINGLE)
    assert await place.refused(token) == "session-ended"


async def test_a_cookie_that_stands_there_twice_is_refused(place: Place) -> None:
    token, _ = place.sessions.open(place.ann, Assurance.SINGLE)
    name = place.sessions.cookie
    for more in (f"{name}={token}", f"{name}=", f"a=b; {name}={'x' * 43}"):
        with pytest.raises(IdentityError) as caught:
            await place.ask(token, FIREFOX, ("cookie", more))
        assert caught.value.reason == "cookie-ambiguous"
    assert cookie(Headers([("cookie", "a=1; b=2"), ("cookie", "c=3=4")]), "c") == "3=4"


# --- the end of a session


async def test_it_ends_without_requests_and_after_the_day(place: Place) -> None:
    idle, _ = place.sessions.open(place.ann, Assurance.SINGLE)
    place.clock.now += 1799
    busy, principal = place.sessions.open(place.ann, Assurance.SINGLE)
    assert await place.ask(idle)  # a request counts from now on
    place.clock.now += 1799
    assert await place.ask(idle)
    place.clock.now += 1800
    assert await place.refused(idle) == "session-ended"
    assert await place.refused(busy) == "session-ended"
    assert not place.sessions.valid(principal)
    token, principal = place.sessions.open(place.ann, Assurance.SINGLE)
    assert principal.expires is not None
    while place.clock.now + 1000 < principal.expires:
        assert await place.ask(token)
        place.clock.now += 1000
    place.clock.now = principal.expires
    assert await place.refused(token) == "session-ended"


async def test_a_session_in_use_is_written_once_a_minute(place: Place) -> None:
    token, _ = place.sessions.open(place.ann, Assurance.SINGLE)
    before = place.database.generation
    place.clock.now += 59
    assert await place.ask(token)
    assert place.database.generation == before
    place.clock.now += 1
    assert await place.ask(token)
    assert place.database.generation != before


async def test_an_emergency_is_short(place: Place) -> None:
    glass = place.operators.create("glass", GOOD, ["admin"], break_glass=True)
    token, principal = place.sessions.open(glass, Assurance.SINGLE)
    assert principal.attributes["break_glass"] == "yes"
    assert principal.expires == place.clock.now + 3600
    place.clock.now += 1700
    assert await place.ask(token)


async def test_what_ends_it(place: Place) -> None:
    sessions, operators, ann = place.sessions, place.operators, place.ann
    changes = [
        lambda one: sessions.end(one.session, one.id),
        lambda one: sessions.end_all(one.id),
        lambda one: operators.disable(one.id) and operators.enable(one.id),
        lambda one: operators.set_roles(one.id, ["auditor"]),
        lambda one: operators.set_password(one.id, "another good one"),
    ]
    for change in changes:
        token, principal = sessions.open(operators.named("ann"), Assurance.SINGLE)
        other, root = sessions.open(operators.named("root"), Assurance.SINGLE)
        assert await place.ask(token)
        assert change(principal)
        assert await place.refused(token) == "session-ended"
        assert not sessions.valid(principal)
        assert await place.ask(other)
        assert sessions.valid(root)
    operators.disable(ann.id)
    assert sessions.of(ann.id) == []


async def test_nobody_ends_the_session_of_another(place: Place) -> None:
    token, principal = place.sessions.open(place.ann, Assurance.SINGLE)
    root = place.operators.named("root")
    assert not place.sessions.end(principal.session, root.id)
    assert place.sessions.end_all(root.id) == 0
    assert await place.ask(token)


async def test_all_but_one(place: Place) -> None:
    tokens = [place.sessions.open(place.ann, Assurance.SINGLE) for _ in range(3)]
    assert len(place.sessions.of(place.ann.id)) == 3
    assert place.sessions.end_all(place.ann.id, but=tokens[1][1].session) == 2
    assert await place.ask(tokens[1][0])
    assert await place.refused(tokens[0][0]) == "session-ended"


async def test_disabled_by_another_process_is_disabled_here_at_the_next_request(place: Place, file: Path) -> None:
    token, principal = place.sessions.open(place.ann, Assurance.SINGLE)
    assert await place.ask(token)
    assert place.sessions.valid(principal)
    code = (
        "import sys; from pathlib import Path; from chatward.stores.database import Database;"
        "from chatward.identity.operators import Operators; from chatward.identity.passwords import Passwords;"
        "o = Operators(Database(Path(sys.argv[1])), Passwords(), lambda entry: None); o.disable(o.named('ann').id)"
    )
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, str(file)], check=True)
    assert not place.sessions.valid(principal)
    assert await place.refused(token) == "session-ended"


async def test_another_process_takes_the_session_too_and_its_end(place: Place, file: Path) -> None:
    token, principal = place.sessions.open(place.ann, Assurance.SINGLE)
    other = made(file, place.clock)
    assert await other.ask(token)
    place.sessions.end(principal.session, principal.id)
    assert await other.refused(token) == "session-ended"


# --- a new id


async def test_a_gain_of_assurance_makes_a_new_token_and_ends_the_old(place: Place) -> None:
    token, principal = place.sessions.open(place.ann, Assurance.SINGLE)
    renewed = place.sessions.rotate(principal, assurance=Assurance.STRONG)
    assert renewed != token
    assert await place.refused(token) == "session-ended"
    found = await place.ask(renewed)
    assert found is not None
    assert (found.assurance, found.session) == (Assurance.STRONG, principal.session)
    assert place.sessions.valid(principal)  # weaker than the session is: still true
    assert place.sessions.valid(found)
    place.sessions.end(principal.session, principal.id)
    with pytest.raises(IdentityError):
        place.sessions.rotate(principal)


async def test_assurance_cannot_be_claimed(place: Place) -> None:
    _, principal = place.sessions.open(place.ann, Assurance.SINGLE)
    fields = {"id": principal.id, "kind": principal.kind, "session": principal.session}
    assert not place.sessions.valid(Principal(**fields, roles=principal.roles, assurance=Assurance.STRONG))
    assert not place.sessions.valid(Principal(**fields, roles=frozenset({"admin"})))
    other = {**fields, "id": place.operators.named("root").id}
    assert not place.sessions.valid(Principal(**other, roles=principal.roles))


async def test_every_log_in_has_its_own_token(place: Place) -> None:
    tokens = {place.sessions.open(place.ann, Assurance.SINGLE)[0] for _ in range(50)}
    assert len(tokens) == 50


async def test_old_sessions_are_swept(place: Place) -> None:
    place.sessions.open(place.ann, Assurance.SINGLE)
    place.clock.now += 1800
    place.sessions.open(place.ann, Assurance.SINGLE)
    assert place.database.rows("SELECT count(*) FROM operator_sessions") == [(1,)]


# --- the browser


async def test_another_browser_is_a_signal_and_no_more(place: Place) -> None:
    token, _ = place.sessions.open(place.ann, Assurance.SINGLE, FIREFOX)
    same, changed = await place.ask(token, FIREFOX.replace("140", "141")), await place.ask(token, CHROME)
    assert same is not None
    assert changed is not None
    assert (same.attributes["agent"], changed.attributes["agent"]) == ("same", "changed")


@pytest.mark.parametrize(
    ("agent", "wanted"),
    [
        (FIREFOX, "firefox"),
        (CHROME, "chrome"),
        (CHROME + " Edg/140.0", "edge"),
        (CHROME + " OPR/99.0", "opera"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605 (KHTML, like Gecko) Version/18 Safari/605", "safari"),
        ("curl/8", "other"),
        ("", "other"),
    ],
)
def test_families(agent: str, wanted: str) -> None:
    assert family(agent) == wanted


def test_without_tls_there_is_no_host_prefix(file: Path) -> None:
    place = made(file, Clock())
    assert place.sessions.cookie == "__Host-chatward-session"
    plain = Sessions(place.database, place.operators, secure=False, limits=Limits(idle=5))
    assert plain.cookie == "chatward-session"


# --- whom an identity provider vouches for

PERSON = Principal("person:1", Kind.PERSON, attributes={"idp": "staff", "issued": "5.0", "idp_session": "oidc:1"})


async def test_a_session_that_a_provider_vouched_for_ends_when_it_says_so(file: Path) -> None:
    place, gone = made(file, Clock()), set[str]()
    asked: list[Principal] = []

    def ended(person: Principal) -> bool:
        asked.append(person)
        return person.attributes["idp_session"] in gone

    sessions = Sessions(place.database, place.operators, secure=True, ended=ended, clock=place.clock)
    place.sessions = sessions
    token, principal = sessions.open(place.ann, Assurance.MULTI, FIREFOX, PERSON)
    own, _ = sessions.open(place.ann, Assurance.SINGLE, FIREFOX)
    assert await place.ask(token) == principal
    assert (asked[-1].id, asked[-1].attributes) == (PERSON.id, PERSON.attributes)
    gone.add("oidc:1")
    assert await place.refused(token) == "session-ended"
    assert not sessions.valid(principal)
    assert await place.ask(own) is not None  # a password here is another way in


async def test_sessions_from_before_providers_go_on(file: Path) -> None:
    old = Schema("operator-sessions", tuple(one for one in SCHEMA.steps if not one.startswith("ALTER")))
    Database(file, [old]).close()
    place = made(file, Clock())
    token, opened = place.sessions.open(place.ann, Assurance.SINGLE, FIREFOX)
    assert await place.ask(token) == opened
