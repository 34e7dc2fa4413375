"""Who may ask, made ready from the settings: ways of being known, policy, proofs, and the file they are kept in.

The rule of place: on an address of this machine, without keys of the configuration, and with ``identity.anonymous``,
callers without a credential are served (policy then lets in who is on this machine); a credential that nobody knows is
passed on to the bot. As soon as one of these is not so, every caller must be known.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec.structs import replace

from chatward.agents import Agents
from chatward.configuration import resolve
from chatward.console.access import AdminAccess
from chatward.console.chat import PAGE
from chatward.console.second_factor import TotpFactor
from chatward.console.sign_in import sign_in_page
from chatward.console.views import Views
from chatward.core.errors import ConfigError, StoreError
from chatward.core.identity import ANONYMOUS, Authenticator, Fetch, Principal, Proof
from chatward.core.ports import Ledger
from chatward.gateway.credentials import Keys
from chatward.gateway.services import AnyService, Entrance, Open
from chatward.gateway.wires import SignedChannels
from chatward.identity.access import Access
from chatward.identity.allowance import Allowance
from chatward.identity.approvals import Approvals
from chatward.identity.backchannel import BackChannel, Revocations
from chatward.identity.budgets import Budgets
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import load
from chatward.identity.certificates import Certificates
from chatward.identity.chain import Chain
from chatward.identity.challenges import Challenges
from chatward.identity.csrf import Csrf
from chatward.identity.enrolment import Enrolment
from chatward.identity.invitations import Invitations
from chatward.identity.key_authenticator import KeyAuthenticator
from chatward.identity.key_store import KeyStore
from chatward.identity.lockout import Lockout
from chatward.identity.networks import Networks
from chatward.identity.oidc import OidcAuthenticator
from chatward.identity.oidc_login import Logins
from chatward.identity.operator_passkeys import OperatorPasskeys
from chatward.identity.operators import ROLES, Operators
from chatward.identity.passkeys import Passkeys
from chatward.identity.passwords import Passwords
from chatward.identity.people import PeopleRegistry
from chatward.identity.person_sessions import PersonSessions
from chatward.identity.provider import Provider, providers
from chatward.identity.provisioned import Provisioned, linked, registry
from chatward.identity.record import Record, later, recorder
from chatward.identity.refusals import Refusals
from chatward.identity.relying_party import RelyingParty, console_party
from chatward.identity.risk import UNKNOWN, Bands, Risks, Watched
from chatward.identity.scim import Scim
from chatward.identity.sessions import Limits, Sessions
from chatward.identity.shared_proofs import SharedProofs
from chatward.identity.shared_risk import SharedRisks, name_under
from chatward.identity.signin_api import PREFIXES as SIGNING_IN
from chatward.identity.signin_api import SignInApi
from chatward.identity.stepup_api import PREFIXES, StepUpApi
from chatward.identity.totp import Totp
from chatward.identity.widget import Widget
from chatward.identity.widget_api import PREFIX as WIDGET
from chatward.identity.widget_api import WidgetSessions
from chatward.settings import Settings, WidgetSettings
from chatward.settings.rules import identity_file, is_loopback, shared_file
from chatward.stores.database import Database
from chatward.stores.fleeting import Fleeting

if TYPE_CHECKING:
    from fastapi import APIRouter

    from chatward.console.desks import Desks
    from chatward.console.federation import Federation
    from chatward.console.people_desk import People


@dataclass(frozen=True, slots=True)
class Callers:
    """All of it, for one process. ``services`` are what the data plane answers besides messages, by prefix."""

    database: Database
    shared: Fleeting
    authenticator: Chain
    access: Access
    budgets: Budgets
    challenges: Challenges
    services: Mapping[str, AnyService]
    keys: KeyAuthenticator
    signing_in: AdminAccess
    desks: Callable[[], Desks]
    """Makes what the console's pages work with: imports the console."""
    directory: APIRouter | None
    """SCIM for the admin plane, where it is enabled."""
    first_link: Callable[[], str | None]
    """The token of the link by which the first admin signs up; ``None`` once there is one. Blocks."""
    risks: Risks | None = None
    """Who is how risky."""
    shared_risks: SharedRisks | None = None
    """The same, over all processes, once ``run`` runs."""

    def close(self) -> None:
        """Writes what is counted, and closes the files."""
        self.budgets.close()
        self.keys.close()
        if self.shared_risks is not None:
            with suppress(StoreError):  # it is faded soon
                self.shared_risks.exchange()
        self.shared.close()
        self.database.close()


def callers(
    settings: Settings, *, folder: Path | None, configured: Sequence[str], ledger: Ledger, secret: bytes, fetch: Fetch
) -> Callers:
    """Everything about callers. ``folder`` is that of the configuration file, ``configured`` the keys it names,
    ``secret`` the key of this installation. Call it on the event loop. Raises ``ConfigError`` and ``StoreError``."""
    database = Database(identity_file(settings))
    shared = Fleeting(shared_file(settings))
    proofs_seen = SharedProofs(shared)
    record = recorder(ledger, asyncio.get_running_loop())
    keys = KeyAuthenticator(database)
    ways: dict[str, Authenticator] = {"configured": Keys(configured), "keys": keys}
    people = registry(database, settings.identity, record) if settings.identity.scim.enabled else None
    directory = _directory(people, keys) if people is not None else None
    vouched = _vouched(settings, database, people, ledger, fetch, proofs_seen)
    ways |= vouched.ways
    if settings.identity.agents:
        ways["agents"] = Agents(settings.identity.agents, fetch)
    visiting: dict[str, AnyService] = {**vouched.services}
    visitors = _visitors(settings.widget, database, proofs_seen) if settings.widget.enabled else None
    if visitors is not None:
        ways["visitors"] = visitors
        visiting[WIDGET] = Open(_sessions(settings.widget, visitors, record).handle)
    if any(one.secret is not None for one in settings.channels.values()):
        ways["channels"] = SignedChannels()
    if settings.server.client_ca is not None:
        ways["certificates"] = Certificates()  # last: who presents a credential too is known by that
    everybody = settings.identity.anonymous and not configured and is_loopback(settings.server.host)
    refused = Refusals(ledger, asyncio.get_running_loop())
    chain = Chain(ways, ANONYMOUS if everybody else None, strict=not everybody, refused=refused)
    step_up = settings.step_up
    proofs = frozenset(Proof) if step_up.totp else frozenset(Proof) - {Proof.TOTP}
    challenges = Challenges(database, record, expiry=step_up.expiry, freshness=step_up.freshness, proofs=proofs)
    enrolment = Enrolment(database, record, first=step_up.first)
    party = RelyingParty.of(step_up, settings.server.port)
    passkeys = Passkeys(database, party, _derived(secret, b"passkeys"), record, enrolment)
    totp = Totp(database, _derived(secret, b"totp"), record, enrolment) if step_up.totp else None
    api = StepUpApi(challenges, passkeys, totp, enrolment)
    rights = settings.authorization
    issued = KeyStore(database, record)
    approvals = Approvals(
        database,
        challenges,
        _derived(secret, b"approvals"),
        record=record,
        behind=issued.given,
        roles=ROLES,  # policy says which of them: ``admin:approvals:approve``
        all_tenants=True,
    )
    authorizer = CedarAuthorizer(load(rights, folder))
    risks = _risks(settings, ledger, secret)
    access = Access(
        authorizer,
        valid=chain.valid,
        risk=risks.band if risks is not None else lambda principal: UNKNOWN,
        challenges=challenges,
        approvals=approvals,
        network=Networks(rights.networks).of if rights.networks else None,
        everywhere=bool(rights.policies or rights.groups),
        note=later(ledger, asyncio.get_running_loop()),
    )
    budgets = Budgets(database, keys.budget)
    operators = Operators(database, Passwords(), record)
    invitations = Invitations(database, operators, record)
    second = TotpFactor(totp, enrolment, lambda id: bool(passkeys.of(id))) if totp is not None else None
    signing_in = _signing_in(settings, database, operators, ledger, secret, second, invitations, vouched)
    console = console_party(settings, secure=signing_in.secure)
    if console is not None:
        theirs = Passkeys(database, console, _derived(secret, b"operators passkeys"), record, enrolment)
        signing_in = dataclasses.replace(
            signing_in, passkeys=OperatorPasskeys(database, theirs, enrolment, operators, secret)
        )
    return Callers(
        database,
        shared,
        chain,
        access,
        budgets,
        challenges,
        {**dict.fromkeys(PREFIXES, api.handle), **visiting},
        keys,
        signing_in,
        lambda: _desks()(
            signing_in,
            approvals,
            invitations,
            issued,
            authorizer,
            risks=risks,
            people=_people()(record, issued, passkeys, vouched.sessions, vouched.revocations, people, visitors),
        ),
        directory,
        operators.first_link,
        risks,
        SharedRisks(shared, risks, settings.risk.half_life) if risks is not None else None,
    )


def _desks() -> type[Desks]:
    from chatward.console.desks import Desks  # noqa: PLC0415 - with all pages, when they are first asked for

    return Desks


def _people() -> type[People]:
    from chatward.console.people_desk import People  # noqa: PLC0415 - as above

    return People


def _directory(people: PeopleRegistry, keys: KeyAuthenticator) -> APIRouter:
    from chatward.console.scim import scim_router  # noqa: PLC0415 - FastAPI, where SCIM is enabled

    return scim_router(Scim(people), keys.identify)


@dataclass(frozen=True, slots=True)
class _Vouched:
    """What identity providers add: ways of being known, and where browsers and providers come in."""

    ways: Mapping[str, Authenticator]
    services: Mapping[str, AnyService]
    ended: Callable[[Principal], bool] = lambda person: False
    """Whether a person is logged out or shut out by now."""
    federation: Federation | None = None
    """Operators who sign in by a provider."""
    sessions: PersonSessions | None = None
    revocations: Revocations | None = None


def _vouched(
    settings: Settings,
    database: Database,
    people: PeopleRegistry | None,
    ledger: Ledger,
    fetch: Fetch,
    seen: SharedProofs,
) -> _Vouched:
    identity, clock = settings.identity, time.time
    for name in settings.operators.oidc.keys() - identity.oidc.keys():
        said = f"There is no identity provider `{name}` in [identity.oidc]."
        raise ConfigError(said, key=f"operators.oidc.{name}")
    if not identity.oidc:
        return _Vouched({}, {})
    known = providers(identity.oidc, fetch, clock, linked(identity))
    revocations = Revocations(database, clock)
    ways: dict[str, Authenticator] = {"oidc": OidcAuthenticator(known, revocations, clock, seen)}
    services: dict[str, AnyService] = {}
    secrets = {name: resolve(one.client_secret) for name, one in identity.oidc.items() if one.client_secret}
    admits = people.admits if people is not None else None
    sessions: PersonSessions | None = None
    if any(one.client_id for one in identity.oidc.values()):
        wanted = identity.sign_in
        origin = wanted.url.rstrip("/")
        secure = origin.startswith("https:") if origin else _by_tls(settings)
        sessions = PersonSessions(
            database, revocations.covers, secure=secure, origin=origin, idle=wanted.idle, absolute=wanted.absolute
        )
        ways["sessions"] = sessions
        api = SignInApi(
            known,
            Logins(known, secrets, database, revocations, clock, admits),
            sessions,
            {name: BackChannel({name: one}, revocations) for name, one in known.items()},
            ledger,
            sign_in_page(PAGE if settings.chat.enabled else ""),
            origin=origin,
            secure=secure,
        )
        services = dict.fromkeys(SIGNING_IN, Entrance(api.handle))
    if people is not None:
        ways = {name: Provisioned(way, people) for name, way in ways.items()}

    def ended(person: Principal) -> bool:
        return revocations.covers(person) or not (admits is None or admits(person))

    federation: Federation | None = None
    if settings.operators.oidc:
        from chatward.console.federation import Federation, attempts  # noqa: PLC0415 - FastAPI, where it is configured

        theirs = {attempts(name): _of_operators(settings, name, fetch) for name in settings.operators.oidc}
        logins = Logins(theirs, secrets, database, revocations, clock, admits)
        titles = {one.name: one.settings.title or one.name for one in theirs.values()}
        federation = Federation(logins, titles, settings.operators.url.rstrip("/"))
    return _Vouched(ways, services, ended, federation, sessions, revocations)


def _of_operators(settings: Settings, name: str, fetch: Fetch) -> Provider:
    """A provider as the console sees it: its groups give operators' roles. Raises ``ConfigError``."""
    one, wanted = settings.identity.oidc[name], settings.operators.oidc[name]
    if not one.client_id:
        raise ConfigError("It is needed for operators to sign in.", key=f"identity.oidc.{name}.client_id")
    if not wanted.claim or not wanted.roles or not frozenset(wanted.roles.values()) <= frozenset(ROLES):
        said = f"It needs a `claim`, and `roles` of these: {', '.join(ROLES)}."
        raise ConfigError(said, key=f"operators.oidc.{name}")
    seen = replace(one, roles_claim=wanted.claim, role_map=wanted.roles)
    return Provider(name, seen, fetch, time.time, linked(settings.identity))


def _risks(settings: Settings, ledger: Ledger, secret: bytes) -> Risks | None:
    """Who is how risky, by the entries of a ledger that can be watched; else nobody says anything."""
    wanted = settings.risk
    if not wanted.enabled or not isinstance(ledger, Watched):
        return None
    bands = Bands(wanted.raised, wanted.high, wanted.half_life)
    risks = Risks(bands, name=name_under(_derived(secret, b"risk")))
    ledger.watchers.append(risks.entry)
    return risks


def _by_tls(settings: Settings) -> bool:
    return settings.server.tls_cert is not None or settings.server.behind_tls_proxy


def _signing_in(
    settings: Settings,
    database: Database,
    operators: Operators,
    ledger: Ledger,
    secret: bytes,
    second: TotpFactor | None,
    invitations: Invitations,
    vouched: _Vouched,
) -> AdminAccess:
    secure = _by_tls(settings)
    wanted = settings.operators
    limits = Limits(wanted.idle, wanted.absolute, wanted.break_glass)
    return AdminAccess(
        operators,
        Sessions(database, operators, secure=secure, limits=limits, ended=vouched.ended),
        Lockout(database, secret),
        Csrf(secret, secure=secure),
        ledger,
        secure,
        second,
        wanted.second_factor == "required",
        invitations,
        vouched.federation,
        views=Views(database),
    )


def _visitors(wanted: WidgetSettings, database: Database, seen: SharedProofs) -> Widget:
    origins, models = frozenset((*wanted.origins, wanted.frame)) - {""}, (wanted.model,) if wanted.model else ()
    return Widget(
        database,
        lambda bot: origins if bot == wanted.bot else (),
        seen=seen,
        models=lambda bot: models,
        lifetime=wanted.lifetime,
        longest=wanted.longest,
    )


def _sessions(wanted: WidgetSettings, visitors: Widget, record: Record) -> WidgetSessions:
    return WidgetSessions(visitors, wanted.bot, Allowance(wanted.sessions_per_minute), record, model=wanted.model)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """A key for one purpose (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=b"chatward " + purpose).derive(secret)


def known(principal: Principal) -> bool:
    """Whether somebody in particular asks."""
    return principal.id != ANONYMOUS.id
