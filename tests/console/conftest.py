"""Simulators of what the console stands on: a ward, a ledger and a meter with settable behaviour."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.console.access import AdminAccess
from chatward.console.admin import admin_pages
from chatward.console.assuring import Assuring
from chatward.console.behaviour_desk import BehaviourDesk
from chatward.console.desks import Desks, desk_router
from chatward.console.guarding import Guarding
from chatward.console.happened import Happened
from chatward.console.people_desk import People
from chatward.console.seeing import Seeing
from chatward.console.views import Views
from chatward.console.watching import Watching
from chatward.core.errors import IdentityError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Authorizer, Principal
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.core.values import Action, Category, Decision, Finding, Severity, Treatment, Unavailable, Verdict
from chatward.identity.approvals import Approvals
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped
from chatward.identity.challenges import Challenges
from chatward.identity.csrf import Csrf
from chatward.identity.enrolment import Enrolment
from chatward.identity.invitations import Invitations
from chatward.identity.key_store import KeyStore
from chatward.identity.lockout import Lockout
from chatward.identity.operator_passkeys import OperatorPasskeys
from chatward.identity.operators import ROLES, Operators
from chatward.identity.passkeys import Passkeys
from chatward.identity.passwords import Cost, Passwords
from chatward.identity.relying_party import RelyingParty
from chatward.identity.risk import Risks
from chatward.identity.sessions import Sessions
from chatward.ledger.events import encode
from chatward.ledger.sqlite import SqliteLedger
from chatward.settings import Settings
from chatward.stores.database import Database
from tests.browsing import browser

__all__ = ["browser"]

SECRET_WORD = "xyzzy-plugh"


@dataclass
class SimulatedWard:
    """Blocks "attack", masks "ann@example.com", allows the rest."""

    states: list[tuple[str, str, str]] = field(
        default_factory=lambda: [("text.pii", "Personal data", "on"), ("text.injection", "Orders", "on")]
    )
    missing: tuple[Unavailable, ...] = ()
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def check(self, text: str, role: str = "user", *, conversation: str = "") -> Verdict:
        self.asked.append((text, role, conversation))
        ran = tuple(id for id, _, state in self.states if state == "on")
        if (start := text.find("attack")) >= 0:
            finding = Finding("text.injection/override", Category.INJECTION, Severity.HIGH, 0.9, (start, start + 6))
            decision = Decision(finding, Action.BLOCK, Treatment.BLOCK)
            return Verdict(Action.BLOCK, Action.BLOCK, finding.rule, (decision,), ran, self.missing)
        if (start := text.find("ann@example.com")) >= 0:
            finding = Finding("text.pii/email", Category.PII, Severity.MEDIUM, 0.95, (start, start + 15), 0, "EMAIL")
            decision = Decision(finding, Action.REDACT, Treatment.MASK)
            forwarded = text.replace("ann@example.com", "[email hidden]")
            return Verdict(Action.REDACT, Action.REDACT, finding.rule, (decision,), ran, self.missing, text=forwarded)
        return Verdict(ran=ran, unavailable=self.missing, text=text)

    def guards(self) -> Sequence[tuple[str, str, str]]:
        return self.states


@dataclass(frozen=True)
class StoredRecord:
    seq: int
    at: int
    event: str
    exchange: str
    fields: dict[str, object]


@dataclass
class SimulatedLedger:
    """Checks entries as the real one does, and keeps them."""

    records: list[StoredRecord] = field(default_factory=list)
    broken: bool = False

    def append(self, entry: Entry) -> Awaitable[None]:
        if self.broken:
            raise StoreError("The record cannot be written.", reason="ledger-full")
        encode(entry)
        seq = len(self.records) + 1
        at = 1_750_000_000_000_000_000 + seq * 1_000_000_000
        self.records.append(StoredRecord(seq, at, entry.event, entry.exchange, dict(entry.fields)))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def tail(self, n: int) -> Sequence[StoredRecord]:
        return self.records[-n:]


class SimulatedMeter:
    def render(self) -> str:
        return "# TYPE chatward_up gauge\nchatward_up 1\n"


@dataclass
class Plane:
    """An admin plane with its parts and a client that talks to it."""

    ward: SimulatedWard
    ledger: SimulatedLedger
    client: httpx.AsyncClient


@pytest.fixture
def plane() -> Callable[..., Plane]:
    """Builds an admin plane: ``plane(settings, keys=..., base_url=...)``."""

    def build(
        settings: Settings | None = None,
        *,
        keys: Sequence[str] = (),
        base_url: str = "http://127.0.0.1:8788",
    ) -> Plane:
        ward, ledger = SimulatedWard(), SimulatedLedger()
        settings = settings or Settings(upstream="https://user:pass@bot.example/v1?token=t")
        database, clock, key = Database(None), Clock(), b"k" * 32
        operators = Operators(database, Passwords(Cost(8, 1)), lambda entry: None, clock=clock)
        sessions = Sessions(database, operators, secure=False, clock=clock)
        access = AdminAccess(operators, sessions, Lockout(database, key), Csrf(key, secure=False), ledger, secure=False)
        inner = admin_pages(ward, ledger, SimulatedMeter(), settings, "1.2.3", access)
        server = settings.server
        app = Guarding(inner, access, host=server.admin_host, keys=keys, max_body=server.max_body)
        transport = httpx.ASGITransport(app=app)
        return Plane(ward, ledger, httpx.AsyncClient(transport=transport, base_url=base_url))

    return build


# --- operators: the admin plane behind ``Guarding``, with a real store, and browsers that behave as browsers do

GOOD = "correct horse battery"


class Clock:
    """Seconds since 1970 UTC, by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class SimulatedFactor:
    """One-time codes: the code is ``123456``, once enrolled. A wrong one raises as the real part does."""

    enrolled_: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)

    def enrolled(self, operator: str) -> bool:
        return operator in self.enrolled_

    def verify(self, operator: Principal, code: str) -> None:
        self.places.append(operator.session)
        if code != "123456":
            raise IdentityError("This was not accepted as a proof.", reason="proof-refused", status=403)

    def begin(self, operator: Principal, label: str, code: str) -> str:
        if operator.id in self.enrolled_:
            self.verify(operator, code)
        self.begun.add(operator.id)
        return f"otpauth://totp/Chatward:{label}?secret=MADEUP&issuer=Chatward"

    def confirm(self, operator: Principal, code: str) -> None:
        self.verify(operator, code)
        self.begun.remove(operator.id)
        self.enrolled_.add(operator.id)

    def reset(self, operator: str) -> bool:
        had = operator in self.enrolled_
        self.enrolled_.discard(operator)
        return had


class Browser(httpx.AsyncClient):
    """Keeps cookies, says where requests come from, and sends a page's hidden fields with its forms."""

    async def send_form(self, page: str, action: str | None = None, /, **fields: str) -> httpx.Response:
        csrf = await self.token(page)
        return await self.post(action or page, data={"csrf": csrf, **fields})

    async def token(self, page: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', (await self.get(page)).text)
        return found[1] if found else ""

    async def sign_in(self, name: str = "ann", password: str = GOOD, **more: str) -> httpx.Response:
        return await self.send_form("/login", name=name, password=password, **more)


@dataclass
class House:
    """The admin plane with operators. ``app`` is the guarded application, ``routes`` those of the one behind."""

    app: Any
    inner: Any
    access: AdminAccess
    ledger: SimulatedLedger
    database: Database
    clock: Clock
    factor: SimulatedFactor
    url: str
    desks: Desks
    ward: SimulatedWard
    challenges: Challenges
    ledger_path: Path | None = None

    def browser(self, address: str = "127.0.0.1", url: str | None = None, **headers: str) -> Browser:
        base = url or self.url
        said = {"origin": base, "sec-fetch-site": "same-origin", "accept": "text/html", "user-agent": "Firefox/140"}
        transport = httpx.ASGITransport(app=self.app, client=(address, 1234))
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Browser(transport=transport, base_url=base, headers={**said, **given})

    def program(self, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, client=(address, 1234))
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.AsyncClient(transport=transport, base_url=self.url, headers=given)

    def events(self, *subjects: str) -> list[tuple[str, dict[str, object]]]:
        return [(one.event, one.fields) for one in self.ledger.records if one.event.startswith(subjects or ("",))]


@cache
def shipped_policies() -> CedarAuthorizer:
    return CedarAuthorizer(book({"default.cedar": shipped()}))


@pytest.fixture
def house(tmp_path: Path) -> Callable[..., House]:
    """Builds the guarded plane: ``house(people={"ann": ["admin"]}, keys=..., secure=...)``."""

    def build(
        people: Mapping[str, Sequence[str]] | None = None,
        *,
        keys: Sequence[str] = (),
        secure: bool = True,
        host: str = "127.0.0.1",
        code_needed: bool = False,
        authorizer: Authorizer | None = None,
        path: Path | None = None,
        clock: Clock | None = None,
        passwords: Passwords | None = None,
        passkeys: RelyingParty | None = None,
        behaviour: BehaviourDesk | None = None,
        watching: Callable[[Database, SimulatedLedger], Watching] | None = None,
        assuring: Callable[[Record], Assuring] | None = None,
        behind: People | None = None,
    ) -> House:
        ledger, clock, key = SimulatedLedger(), clock or Clock(), b"k" * 32

        def record(entry: Entry) -> None:
            if ledger.broken:
                raise StoreError("The record cannot be written now; nothing was done.")
            encode(entry)
            ledger.records.append(StoredRecord(len(ledger.records) + 1, 0, entry.event, "", dict(entry.fields)))

        database = Database(path or tmp_path / "identity.db")
        operators = Operators(database, passwords or Passwords(Cost(8, 1)), record, clock=clock)
        for name, roles in (people or {}).items():
            operators.create(name, GOOD, roles, break_glass=name.startswith("glass"))
        sessions = Sessions(database, operators, secure=secure, clock=clock)
        lockout, csrf, factor = Lockout(database, key, clock=clock), Csrf(key, secure=secure), SimulatedFactor()
        invitations = Invitations(database, operators, record, clock=clock)
        given = (lockout, csrf, ledger, secure, factor, code_needed, invitations)
        access = AdminAccess(operators, sessions, *given, views=Views(database))
        if passkeys is not None:
            enrolment = Enrolment(database, record, clock=clock)
            made = Passkeys(database, passkeys, b"s" * 32, record, enrolment, clock=clock)
            keyed = OperatorPasskeys(database, made, enrolment, operators, key, clock=clock)
            access = replace(access, passkeys=keyed)
        challenges, issued = Challenges(database, record, clock=clock), KeyStore(database, record, clock=clock)
        approvals = Approvals(
            database, challenges, key, record=record, behind=issued.given, roles=ROLES, all_tenants=True, clock=clock
        )
        risks = Risks(clock=clock)
        desks = Desks(access, approvals, invitations, issued, shipped_policies(), clock, risks, behaviour, behind)
        if assuring is not None:
            desks = replace(desks, assuring=assuring(record))
        ward = SimulatedWard([(f"text.{name}", name, "on") for name in ("pii", "secrets", "injection")])
        settings = Settings(upstream="https://bot.example/v1")
        router = desk_router(desks, ward.check)
        watched = watching(database, ledger) if watching is not None else None
        inner = admin_pages(
            SimulatedWard(), ledger, SimulatedMeter(), settings, "1.2.3", access, desks=router, watching=watched
        )
        app = Guarding(inner, access, host=host, keys=keys, max_body=100_000, authorizer=authorizer)
        url = "https://console.example" if secure else "http://127.0.0.1:8788"
        return House(app, inner, access, ledger, database, clock, factor, url, desks, ward, challenges)

    return build


# --- what happened: a real ledger on the disk, its index, and pages over them

NOW = 1_700_000_000.0
Said = tuple[str, str, dict[str, object]]


def exchange(number: int, action: str = "allow", rule: str = "", **more: object) -> list[Said]:
    """The entries of one message, as the gateway writes them: event, exchange, fields."""
    judged: dict[str, object] = {"channel": "openai_chat", "route": "default", "action": action, "policy": "3f9c2a17"}
    if rule:
        judged |= {"rule": rule, "rules": [rule], "findings": 1}
    judged |= {"principal": f"key:{number % 7:016x}", **more}
    id_ = f"01890a5d-ac96-774b-bcce-{number:012d}"
    if action in {"block", "challenge"}:
        return [("message:input:judged", id_, judged)]
    sent = {"bot": "main", "stream": False, **judged}
    reply = {"status": 200, "channel": "openai_chat", "route": "default", "action": "allow", "policy": "3f9c2a17"}
    return [("upstream:call:intended", id_, sent), ("reply:output:judged", id_, reply)]


SCENE: tuple[Said, ...] = tuple(
    entry
    for number in range(120)
    for entry in (
        exchange(number, "block", "text.injection/override")
        if number % 12 == 5
        else exchange(number, "redact", "text.pii/email")
        if number % 10 == 3
        else exchange(number, unavailable=["text.links"], route="quiet")
        if number % 40 == 7
        else exchange(number)
    )
)
"""Two hours of an ordinary day: 120 messages, a minute apart."""


def _elsewhere(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs on a thread of its own: a test's thread may have a loop already."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(work())).result()


def written(path: Path, entries: Sequence[Said], *, until: float = NOW) -> Path:
    """A real ledger with these entries, half a minute apart, the last at ``until``."""
    at = iter(range(len(entries)))

    def clock() -> int:
        return int((until - (len(entries) - 1 - next(at, len(entries) - 1)) * 30) * 1e9)

    async def write() -> None:
        ledger = SqliteLedger(path, "process", min_free=1, clock=clock)
        for event, id_, fields in entries:
            await ledger.append(Entry(event, id_, fields))
        await ledger.aclose()

    _elsewhere(write)
    return path


def appended(path: Path, *entries: Said) -> None:
    """More entries of the same ledger, now."""

    async def write() -> None:
        ledger = SqliteLedger(path, "process", min_free=1, clock=lambda: int(NOW * 1e9))
        for event, id_, fields in entries:
            await ledger.append(Entry(event, id_, fields))
        await ledger.aclose()

    _elsewhere(write)


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of ``SCENE``; read it, or copy it."""
    return written(tmp_path_factory.mktemp("scene") / "ledger.db", SCENE)


def seen(ledger: Path, clock: Callable[[], float] = lambda: NOW) -> Seeing:
    """An index of a ledger, in memory, up to date."""
    happened = Happened(ledger, None, pause=0)
    happened.catch_up(None)
    return Seeing(happened, clock)


@pytest.fixture
def watch(tmp_path: Path, scene: Path) -> Callable[..., Callable[[Database, SimulatedLedger], Watching]]:
    """For ``house(watching=...)``: pages over the ledger of ``SCENE``, or over another one; entries that pages put on
    record are written there."""

    def build(ledger: Path | None = None, **more: Any) -> Callable[[Database, SimulatedLedger], Watching]:
        path = ledger
        if path is None:
            path = tmp_path / "watched.db"
            for name in (scene, *scene.parent.glob(scene.name + "?*")):
                path.with_name(name.name.replace(scene.name, path.name)).write_bytes(name.read_bytes())

        def made(database: Database, kept: SimulatedLedger) -> Watching:
            async def record(entry: Entry) -> None:
                kept.append(entry)
                event = entry.event.value if isinstance(entry.event, Event) else entry.event
                await asyncio.to_thread(appended, path, (event, entry.exchange, dict(entry.fields)))

            return Watching(seen(path), path, record, **more)

        return made

    return build
