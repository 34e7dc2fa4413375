"""The one place where implementations meet: settings in, a running Chatward out."""

from __future__ import annotations

import asyncio
import ctypes
import dataclasses
import gc
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from msgspec.structs import replace

from chatward import __version__
from chatward.acme.keeping import kept as kept_certificate
from chatward.assurance.gates import figures as assurance_figures
from chatward.assurance.gates import opened_gates
from chatward.assurance.opening import opened_assessments
from chatward.behaviour.opening import Behaviour
from chatward.behaviour.opening import opened as open_behaviour
from chatward.callers import Callers, callers
from chatward.channels.anthropic import Messages
from chatward.channels.anthropic_count import CountTokens
from chatward.channels.dialect import Call, Dialect
from chatward.channels.labels import Labelled
from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_embeddings import Embeddings
from chatward.channels.openai_models import Models
from chatward.channels.openai_responses import Responses
from chatward.chronicle import Chronicle, witnesses
from chatward.configuration import Loaded, load, resolve
from chatward.console.admin import admin_app
from chatward.console.behaviour_desk import BehaviourDesk
from chatward.console.chat import page_headers, pages
from chatward.console.desks import desk_router
from chatward.console.step_up import step_up_pages
from chatward.console.vendor_answers import VendorAnswers
from chatward.console.verify import directory_service, manifest_service, verify_pages
from chatward.console.widget import HEADERS as WIDGET_HEADERS
from chatward.console.widget import widget_pages
from chatward.core.errors import ClientError, ConfigError
from chatward.core.identity import Caller, Fields
from chatward.core.ports import Entry, Ledger
from chatward.core.values import InspectedFile, Verdict
from chatward.education.api import REPORTS_PATH, TIPS_PATH
from chatward.education.opening import opened as open_education
from chatward.education.safety import safety_pages
from chatward.engine.engine import Screening
from chatward.engine.placeholders import Vault
from chatward.files.desk import FileDesk, Seen
from chatward.files.opening import opened as open_files
from chatward.files.opening import opened_quarantine
from chatward.files.quarantine import Quarantine, sealed_fields
from chatward.gateway.app import GatewayApp
from chatward.gateway.certificates import seconds_left
from chatward.gateway.checkpoint import Checkpoint, Peer, PeerOf, direct
from chatward.gateway.cross_origin import CrossOrigin
from chatward.gateway.fetching import Fetching
from chatward.gateway.meter import Meter
from chatward.gateway.parties import Beside, BotLink, Limits
from chatward.gateway.proxies import networks, peer
from chatward.gateway.proxies import trusted as is_proxy
from chatward.gateway.records import Records
from chatward.gateway.renewal import Renewal
from chatward.gateway.server import EmbeddedServer
from chatward.gateway.services import AnyService, Asked, Entrance, Open
from chatward.gateway.strict_transport import StrictTransport
from chatward.gateway.upstream import HttpUpstream
from chatward.gateway.wires import wires
from chatward.genuine.manifest import PATH as MANIFEST
from chatward.genuine.message_signatures import DIRECTORY
from chatward.genuine.opening import opened as open_proving
from chatward.genuine.replies import Proving
from chatward.guards.catalog import KNOWN
from chatward.identity.access import Access, Where, told
from chatward.identity.end_users import opened as people_behind
from chatward.identity.record import recorder
from chatward.identity.risk import Risks, Watched
from chatward.intel.watching import Updater
from chatward.judge.consulting import consult, doubts
from chatward.judge.judge import Judge
from chatward.keeping import Keeping, Remembering
from chatward.keeping import opened as opened_keeping
from chatward.ledger.checkpointing import Plan
from chatward.ledger.null import NullLedger
from chatward.ledger.reading import Record, tail
from chatward.ledger.sqlite import SqliteLedger
from chatward.limits.limiter import Limiter
from chatward.limits.opening import figures as limit_figures
from chatward.limits.opening import opened as open_limits
from chatward.monitoring.running import Process as Following
from chatward.monitoring.running import check as check_receivers
from chatward.monitoring.running import wanted as following
from chatward.monitoring.standing import figures as receiver_figures
from chatward.monitoring.traces import context as span_context
from chatward.overseeing import overseeing
from chatward.privacy.gate import PrivacyGate, standing_now
from chatward.privacy.learnt import learnt_of_people
from chatward.privacy.mailing import PREFIX as MAILED
from chatward.privacy.marking import Marked
from chatward.privacy.opening import InThePath, in_the_path
from chatward.reload import Watcher, needs_restart
from chatward.routing import Routing, routing
from chatward.settings import Bot, Server, Settings
from chatward.settings_rules import complete, is_loopback
from chatward.stores.conversations import ConversationStore
from chatward.traffic.api import PREFIX as TRAFFIC
from chatward.traffic.api import TrafficApi
from chatward.traffic.ladder import WAIT
from chatward.traffic.opening import opened as open_traffic
from chatward.traffic.watch import Traffic
from chatward.ward import Ward

KEY_SIZE = 32
T = TypeVar("T")


def channels(server: Server) -> dict[str, Dialect]:
    """The dialects by path."""
    depth, parts = server.max_depth, server.max_parts
    return {
        "/v1/chat/completions": ChatCompletions(depth, parts),
        "/v1/responses": Responses(depth, parts),
        "/v1/messages": Messages(depth, parts),
        "/v1/messages/count_tokens": CountTokens(depth, parts),
        "/v1/embeddings": Embeddings(depth, parts),
        "/v1/models": Models(),
    }


class RoutedEngine:
    """The gateway's engine: takes the plan of a request's route and screens with it. Its routing can be swapped."""

    def __init__(self, made: Routing) -> None:
        self.routing = made
        self.judge: Judge | None = None
        self.access: Access | None = None
        self.privacy: PrivacyGate | None = None
        self.conversations: ConversationStore | None = None
        """What is stored of conversations, for the console."""
        self.files: FileDesk | None = None
        self.remembering: Remembering | None = None

    async def screen(self, call: Call, *, channel: str, path: str, caller: Caller, request_id: str) -> Screening:
        current = self.routing
        plan = current.take(path, call.model)
        person, gate, withheld = caller.person, None, 0
        if self.access is not None:
            where = Where(plan.bot, call.model, plan.route)
            withheld = self.access.documents(caller, where, call)
            ruling = self.access.message(caller, where)
            if not ruling.allowed:
                await asyncio.to_thread(self.access.settle, caller, where, ruling, call.body({}), request_id)
            if plan.inspects or self.access.everywhere:
                gate = self.access.gate(caller, where, request_id)
        if self.privacy is not None:
            await self.privacy.admit(caller, plan.route, path, channel, call, request_id)
        files: tuple[Seen, ...] = ()
        inspected: tuple[InspectedFile, ...] = ()
        if self.files is not None and isinstance(call, Labelled) and call.files and plan.reads_files:
            files = await self.files.look(call, change=plan.policy.enforces)
            inspected = tuple(one.inspected for one in files)
            if plan.guard_budget < self.files.seconds:  # documents are longer than messages
                plan = dataclasses.replace(plan, guard_budget=self.files.seconds)
        prepared = await current.engine.prepare(call, plan)

        def screen(vault: Vault | None) -> Screening:
            return current.engine.screen(
                call,
                plan,
                channel=channel,
                principal=person.id,
                tenant=person.tenant,
                prepared=prepared,
                vault=vault,
                files=inspected,
            )

        if self.remembering is None or not plan.inspects:
            screening = screen(None)
        else:
            screening = await self.remembering.screen(person, call, screen)
        screening.gate, screening.person = gate, caller.subject
        if self.judge is not None:
            asked = doubts(self.judge, screening.verdict, screening.exchange.parts, screening.edits)
            if asked:
                said = await consult(self.judge, plan.policy, asked)
                current.engine.supplement(screening, said.findings, complete=not said.verdict.unavailable)
                screening.verdict |= said.verdict
        if self.files is not None and files:
            await self.files.settle(files, screening.verdict, screening.exchange, request_id)
        screening.verdict = told(screening.verdict, withheld)
        return screening


class _AdminLedger:
    """The ledger as the admin plane sees it: appended to, and read from the file."""

    def __init__(self, ledger: Ledger, path: Path | None) -> None:
        self._ledger = ledger
        self._path = path

    def append(self, entry: Entry) -> Awaitable[None]:
        return self._ledger.append(entry)

    def tail(self, n: int) -> Sequence[Record]:
        return tail(self._path, n) if self._path is not None else []


class _RunningWard:
    """A ``Ward`` that follows the configuration when it is reloaded."""

    def __init__(self, engine: RoutedEngine) -> None:
        self._engine = engine
        self._made: Ward | None = None
        self._of: Routing | None = None

    def check(self, text: str, role: str = "user", *, conversation: str = "") -> Verdict:
        return self._current().check(text, role, conversation=conversation)

    async def check_file(self, data: bytes, name: str, media_type: str, role: str, conversation: str) -> Verdict:
        """The verdict on a file. Raises ``ClientError`` where files are not looked at."""
        if self._engine.files is None:
            raise ClientError("Files are not looked at here: files.enabled is false.", reason="files-off")
        report = await self._engine.files.inspect(data, name, media_type)
        return self._current().check_report(report, role, conversation=conversation)

    def guards(self) -> list[tuple[str, str, str]]:
        return self._current().guards()

    def _current(self) -> Ward:
        if self._made is None or self._of is not self._engine.routing:
            self._of = self._engine.routing
            self._made = Ward(routing_=self._of)
        return self._made


def serve(configured: Settings | Loaded, *, announce: Callable[[str], None] | None = None) -> int:
    """Runs the gateway and the admin plane until SIGINT or SIGTERM. Raises ``ChatwardError`` when it cannot start.

    ``announce`` gets the lines that tell where things are; standard error by default.
    """
    loaded = configured if isinstance(configured, Loaded) else Loaded(_completed(configured))
    say = announce or (lambda line: print(line, file=sys.stderr, flush=True))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(loaded, say))
    return 0


def _completed(settings: Settings) -> Settings:
    if settings.upstream is not None and "default" not in settings.bots:
        bots = {**settings.bots, "default": Bot(upstream=settings.upstream)}
        settings = replace(settings, bots=bots)
    return complete(settings)


async def _serve(loaded: Loaded, say: Callable[[str], None]) -> None:
    settings = loaded.settings
    server = settings.server
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    async with AsyncExitStack() as stack:
        ledger, ledger_path = _ledger(settings)
        stack.push_async_callback(ledger.aclose)
        chronicle = Chronicle(ledger, Records(ledger).note)
        await chronicle.started(settings)
        stack.push_async_callback(chronicle.stopped)
        secret = _key(ledger_path)
        engine = RoutedEngine(routing(settings, key=secret))
        engine.routing.warm()
        bots = {name: _link(bot) for name, bot in settings.bots.items()}
        for link in bots.values():
            stack.push_async_callback(link.upstream.aclose)
        if settings.judge.enabled:
            judging = bots[settings.judge.bot]
            engine.judge = Judge(judging.upstream, settings.judge, api_key=judging.api_key)
        keys = tuple(resolve(reference) for reference in server.keys)
        fetch = Fetching()
        stack.push_async_callback(fetch.aclose)
        witnessing = witnesses(settings.ledger, fetch)
        if witnessing is not None:
            showing = asyncio.ensure_future(chronicle.witness(witnessing, settings.ledger.witness_seconds))
            stack.callback(showing.cancel)
        asking = callers(
            settings,
            folder=loaded.path.parent if loaded.path is not None else None,
            configured=keys,
            ledger=ledger,
            secret=secret,
            fetch=fetch,
        )
        stack.callback(asking.close)
        engine.access = asking.access
        behind = people_behind(settings.identity.end_users, secret)
        privacy = in_the_path(settings, recorder(ledger, loop), Records(ledger).note, people=behind)
        if privacy is not None:
            stack.callback(privacy.database.close)
            engine.privacy = privacy.gate
            privacy.api.proving(asking.challenges)
            if privacy.mailed is not None:
                stack.callback(privacy.mailed.close)
            if privacy.notices is not None:
                telling = asyncio.ensure_future(privacy.notices.run(fetch))
                stack.callback(telling.cancel)
        engine.files = await _files(stack, settings, recorder(ledger, loop), fetch, Records(ledger).note)
        meter = _meter(settings, engine)
        running = _RunningWard(engine)
        keeping = await _keeping(stack, settings, recorder(ledger, loop), running, fetch, privacy, meter, engine)
        limiting, watching = (
            _limiting(stack, settings, engine, Records(ledger).note, meter),
            _watching(stack, settings, engine, asking, secret, Records(ledger).note, meter),
        )
        behaviour = _behaviour(stack, settings, secret, Records(ledger).note, asking.desks.risks)
        proving = open_proving(settings, lambda: data_plane.url)
        educating = open_education(settings, recorder(ledger, loop))
        if educating is not None:
            stack.callback(educating.close)
        bots = {name: _signed(bot, settings.bots[name], proving) for name, bot in _gated(stack, settings, bots).items()}
        checkpoint = Checkpoint(asking.authenticator, peer_of=_peer_of(server), standing=standing_now)
        widget = widget_pages(settings)
        app = GatewayApp(
            channels=channels(server),
            wires=wires(settings, secret, Records(ledger).note, stack.callback),
            engine=engine,
            bots=bots,
            ledger=ledger,
            meter=meter,
            keys=keys,
            checkpoint=checkpoint,
            beside=Beside(
                budgets=asking.budgets,
                keeping=keeping,
                signing=proving,
                teaching=educating.teaching if educating is not None else None,
                tracing=span_context if settings.monitoring.traces else None,
                limiting=limiting,
                end_users=behind,
                observing=behaviour.gathering if behaviour is not None else None,
                watching=watching,
            ),
            services={
                **asking.services,
                **(_passes(watching) if watching is not None else {}),
                **(privacy.services if privacy is not None else {}),
                **({MAILED: Open(privacy.mailed.handle)} if privacy is not None and privacy.mailed is not None else {}),
                **(
                    {TIPS_PATH: educating.api.tips, REPORTS_PATH: educating.api.reports}
                    if educating is not None
                    else {}
                ),
                MANIFEST: Open(manifest_service(proving)),
                DIRECTORY: Open(directory_service(proving)),
            },
            limits=Limits(server.max_body, server.body_timeout, server.max_concurrent, settings.step_up.expiry),
            ready=lambda: () if ledger.healthy else ("ledger",),
            pages={
                **pages(settings),
                **safety_pages(settings, signed=proving is not None),
                **verify_pages(),
                **step_up_pages(),
                **widget,
                **(privacy.pages if privacy is not None else {}),
            },
            page_headers=page_headers(settings),
            other_headers=dict.fromkeys(widget, WIDGET_HEADERS),
            cross_origin=CrossOrigin(
                checkpoint.origin,
                api=server.cors_origins,
                credentials=server.cors_credentials,
                widget=settings.widget.origins if widget else (),
                here=_for_this_machine(settings),
            ),
        )
        await _certificate(stack, settings, say)
        data_plane = _data_plane(Marked(app) if privacy is not None else app, server)
        overseen = overseeing(
            stack,
            loaded,
            ledger,
            ledger_path,
            database=asking.database,
            metrics=meter.render,
            record=recorder(ledger, loop),
            privacy=privacy.database if privacy is not None else None,
            conversations=engine.conversations,
        )
        admin = admin_app(
            running,
            _AdminLedger(ledger, ledger_path),
            meter,
            settings,
            __version__,
            asking.signing_in,
            keys=keys,
            authorizer=asking.access.authorizer,
            directory=asking.directory,
            desks=desk_router(
                dataclasses.replace(asking.desks, behaviour=_unusual(behaviour, settings, recorder(ledger, loop))),
                lambda text: running.check(text, "assistant"),
            ),
            watching=overseen,
        )
        admin_plane = _admin_plane(_answering(stack, settings, ledger, admin), server)
        await data_plane.start()
        stack.push_async_callback(data_plane.stop)
        await admin_plane.start()
        stack.push_async_callback(admin_plane.stop)
        _keep_current(stack, loaded, engine, Renewal([data_plane, admin_plane], say), say, chronicle)
        _settle_memory()
        for line in _welcome(settings, data_plane.url, admin_plane.url):
            say(line)
        token = await asyncio.to_thread(asking.first_link)
        if token is not None:
            say(f"  The console has no admin yet. The first one signs up here: {admin_plane.url}/welcome/{token}")
        await asked.wait()
        say("Stopping.")


def _for_this_machine(settings: Settings) -> bool:
    """Whether anybody on this machine is served, and nobody else."""
    server = settings.server
    open_ = settings.identity.anonymous and not server.keys
    return open_ and is_loopback(server.host) and not (server.behind_tls_proxy or server.trusted_proxies)


async def _certificate(stack: AsyncExitStack, settings: Settings, say: Callable[[str], None]) -> None:
    """There is a certificate afterwards, and it is kept, where an authority is to be asked for it."""
    keeping = kept_certificate(settings, resolve, say)
    if keeping is None:
        return
    try:
        await keeping.answering.start(settings.acme.http_host, settings.acme.http_port)
    except OSError as error:
        raise ConfigError(f"acme.http_port: cannot listen there: {error}", key="acme.http_port") from error
    stack.push_async_callback(keeping.answering.stop)
    await keeping.ready()
    stack.callback(asyncio.ensure_future(keeping.run()).cancel)


def _data_plane(app: Any, server: Server) -> EmbeddedServer:
    cert, key, client_ca = _path(server.tls_cert), _path(server.tls_key), _path(server.client_ca)
    front = StrictTransport(app) if cert is not None or server.behind_tls_proxy else app
    return EmbeddedServer(front, server.host, server.port, tls_cert=cert, tls_key=key, client_ca=client_ca)


def _admin_plane(app: Any, server: Server) -> EmbeddedServer:
    cert, key = _path(server.tls_cert), _path(server.tls_key)
    return EmbeddedServer(app, server.admin_host, server.admin_port, tls_cert=cert, tls_key=key, interface="asgi")


def _keep_current(
    stack: AsyncExitStack,
    loaded: Loaded,
    engine: RoutedEngine,
    renewal: Renewal,
    say: Callable[[str], None],
    chronicle: Chronicle,
) -> None:
    """Certificates and settings are read again when they change, and at SIGHUP; sources of intelligence when due."""
    loop = asyncio.get_running_loop()
    tasks = [asyncio.ensure_future(renewal.run())]
    asked: list[Callable[[], object]] = [renewal.check]
    if loaded.path is not None:
        watcher = _watcher(loaded, engine, say, chronicle)
        tasks.append(asyncio.ensure_future(watcher.run()))
        asked.append(watcher.signal)
    if loaded.path is not None or loaded.settings.server.tls_cert is not None:
        # else there is nothing to read again, and SIGHUP ends the process as it does any
        loop.add_signal_handler(signal.SIGHUP, lambda: [act() for act in asked])
    for task in tasks:
        stack.callback(task.cancel)
    if loaded.settings.intel.sources and loaded.path is not None:
        stack.callback(Updater(loaded.path).close)
    if following(loaded.settings) and loaded.path is not None:
        stack.callback(Following(loaded.path).close)


def _meter(settings: Settings, engine: RoutedEngine) -> Meter:
    meter = Meter()
    meter.certificates = partial(seconds_left, settings)
    meter.assurance = partial(assurance_figures, settings)
    if following(settings):
        check_receivers(settings, resolve)
        meter.monitoring = partial(receiver_figures, settings)
    meter.intel = lambda: engine.routing.indicators.ages()  # noqa: PLW0108 - the routing is swapped at a reload
    return meter


async def _keeping(
    stack: AsyncExitStack,
    settings: Settings,
    record: Callable[[Entry], None],
    running: _RunningWard,
    fetch: Fetching,
    privacy: InThePath | None,
    meter: Meter,
    engine: RoutedEngine,
) -> Keeping | None:
    """What keeps conversations, with their purge under way; ``None`` where nothing is kept."""
    quarantine = stack.enter_context(sealed_fields(settings))
    learnt = stack.enter_context(learnt_of_people(settings))
    kept = await opened_keeping(
        settings,
        record,
        lambda text: running.check(text, "user"),  # a person's text is read for more than a bot's
        fetch=fetch,
        also=lambda register: [
            *(privacy.also(register) if privacy is not None else ()),
            *quarantine,
            *learnt(register),
        ],
        failed=meter.not_kept,
    )
    if kept is None:
        return None
    stack.push_async_callback(kept.aclose)
    purging = asyncio.ensure_future(
        kept.purge(privacy.holds.held if privacy is not None else lambda tenant, subject: False)
    )
    stack.callback(purging.cancel)
    engine.remembering = kept.remembering
    engine.conversations = kept.store
    return kept.keeping


async def _files(
    stack: AsyncExitStack,
    settings: Settings,
    record: Callable[[Entry], None],
    fetch: Fetching,
    note: Callable[[Entry], None],
) -> FileDesk | None:
    """What looks at files, with the purge of its quarantine under way; ``None`` where nobody does."""
    quarantine: Quarantine | None = None
    if settings.files.enabled and settings.files.quarantine:
        loop = asyncio.get_running_loop()

        def ask(question: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(question, loop).result()

        quarantine = await asyncio.to_thread(partial(opened_quarantine, settings, record, fetch=fetch, ask=ask))
        stack.callback(quarantine.database.close)
    desk = await asyncio.to_thread(partial(open_files, settings, quarantine=quarantine, note=note))
    if desk is not None:
        stack.callback(desk.close)
        purging = asyncio.ensure_future(desk.purge())
        stack.callback(purging.cancel)
    return desk


def _limiting(
    stack: AsyncExitStack, settings: Settings, engine: RoutedEngine, note: Callable[[Entry], None], meter: Meter
) -> Limiter | None:
    limiter = open_limits(settings, lambda path, model: engine.routing.take(path, model).bot, note)
    if limiter is not None:
        stack.push_async_callback(limiter.aclose)
        meter.limits = partial(limit_figures, limiter)
    return limiter


def _watching(
    stack: AsyncExitStack,
    settings: Settings,
    engine: RoutedEngine,
    asking: Callers,
    secret: bytes,
    note: Callable[[Entry], None],
    meter: Meter,
) -> Traffic | None:
    proxies = networks(settings.server.trusted_proxies)
    traffic = open_traffic(
        settings,
        secret,
        note=note,
        proxied=lambda address: is_proxy(address, proxies),
        bot_of=lambda path, model: engine.routing.take(path, model).bot,
        risk=lambda principal, signal, points: (
            asking.risks.add(principal.id, signal, points) if asking.risks is not None else None
        ),
    )
    if traffic is not None:
        stack.push_async_callback(traffic.aclose)
        meter.traffic = traffic.figures.read
    return traffic


def _passes(traffic: Traffic) -> Mapping[str, AnyService]:
    """Where passes are given out."""
    api = TrafficApi(traffic)
    return {TRAFFIC: Asked(api.handle), WAIT: Entrance(api.wait)}


def _behaviour(
    stack: AsyncExitStack, settings: Settings, secret: bytes, note: Callable[[Entry], None], risks: Risks | None
) -> Behaviour | None:
    """What learns from messages, with its thread; ``None`` where it is not configured."""
    loop = asyncio.get_running_loop()

    def tell(entry: Entry) -> None:
        with suppress(RuntimeError):  # the loop has ended: what is left is in the file
            loop.call_soon_threadsafe(note, entry)

    def rate(principal: str, signal: str, points: float) -> None:
        if risks is not None:
            risks.add(principal, signal, points)

    opened = open_behaviour(settings, secret, tell, rate)
    if opened is not None:
        stack.push_async_callback(asyncio.to_thread, opened.close)
    return opened


def _unusual(behaviour: Behaviour | None, settings: Settings, record: Callable[[Entry], None]) -> BehaviourDesk | None:
    if behaviour is None:
        return None
    return BehaviourDesk(behaviour.store, record, settings.behaviour.breaks, behaviour.analyst.save)


def _settle_memory() -> None:
    """Start-up is over: its garbage goes back to the system, and what stays is not looked through again."""
    gc.collect()
    gc.freeze()
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _ledger(settings: Settings) -> tuple[Watched, Path | None]:
    wanted = settings.ledger
    if not wanted.enabled:
        return Watched(NullLedger()), None
    path = Path(wanted.path)
    file = Path(wanted.checkpoint_file) if wanted.checkpoint_file else None
    plan = Plan(wanted.checkpoint_every, wanted.checkpoint_seconds, file, wanted.origin)
    kept = SqliteLedger(path, wanted.durability, wanted.group_wait, wanted.min_free, checkpoints=plan)
    return Watched(kept), path


def _key(ledger: Path | None) -> bytes:
    """The key of this installation: beside the ledger, readable by its owner alone; made at the first start."""
    if ledger is None:
        return secrets.token_bytes(KEY_SIZE)
    path = ledger.with_name(ledger.name + ".key")
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(KEY_SIZE)
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(key)
    if len(key) != KEY_SIZE:
        raise ConfigError(f"{path} holds no key of {KEY_SIZE} bytes", reason="key-invalid")
    return key


def _signed(link: BotLink, bot: Bot, proving: Proving | None) -> BotLink:
    if not bot.sign or proving is None:
        return link
    return dataclasses.replace(link, sign=lambda method: proving.request_fields(method, bot.upstream))


def _answering(stack: AsyncExitStack, settings: Settings, ledger: Ledger, admin: Any) -> Any:
    """With the page on which vendors answer, where there are vendors."""
    if not settings.vendors:
        return admin
    record = recorder(ledger, asyncio.get_running_loop())
    return VendorAnswers(admin, stack.enter_context(opened_assessments(settings, record)))


def _gated(stack: AsyncExitStack, settings: Settings, bots: dict[str, BotLink]) -> dict[str, BotLink]:
    gates = opened_gates(settings)
    if gates is None:
        return bots
    stack.callback(gates.close)
    return {name: dataclasses.replace(link, admits=partial(gates.check, name)) for name, link in bots.items()}


def _link(bot: Bot) -> BotLink:
    upstream = HttpUpstream(
        bot.upstream,
        connect_timeout=bot.connect_timeout,
        read_timeout=bot.read_timeout,
        max_connections=bot.max_connections,
        ca_file=bot.ca_file,
        client_cert=bot.client_cert,
        client_key=bot.client_key,
        spiffe_id=bot.spiffe_id,
    )
    return BotLink(upstream, resolve(bot.api_key) if bot.api_key else None, bot.max_reply)


def _peer_of(server: Server) -> PeerOf:
    """Who is at the other end: the socket's, or whom a trusted proxy names."""
    trusted = networks(server.trusted_proxies)
    if not trusted:
        return direct

    def named(address: str, scheme: str, headers: Fields, certificate: bytes | None = None) -> Peer:
        found = peer(address, headers, trusted)
        # What a proxy shows on its own connection says who the proxy is, and nothing of the caller behind it.
        shown = found.certificate_der if is_proxy(address, trusted) else certificate
        return found.address, found.scheme or scheme, shown

    return named


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None


def _watcher(loaded: Loaded, engine: RoutedEngine, say: Callable[[str], None], chronicle: Chronicle) -> Watcher:
    def again() -> Loaded:
        return load(loaded.path, guards=KNOWN) if loaded.path is not None else loaded

    def apply(new: Loaded) -> None:
        for name, route in new.settings.routes.items():
            if route.bot not in loaded.settings.bots:
                key = f"routes.{name}.bot"
                raise ConfigError(f"{key}: the bot {route.bot} is new; restart to use it", key=key)
        if engine.privacy is not None:
            engine.privacy.follow(new.settings)
        old = engine.routing
        engine.routing = Routing(new.settings, old.engine, datetime.now(UTC).date(), old.pool)
        chronicle.loaded(new.settings)
        later = needs_restart(watcher.current, new)
        say("Configuration reloaded." + (f" After a restart: {', '.join(later)}." if later else ""))

    def report(error: ConfigError) -> None:
        chronicle.refused(error)
        say(f"Configuration not reloaded: {error}")

    watcher = Watcher(loaded, again, apply, report)
    return watcher


def _welcome(settings: Settings, url: str, admin_url: str) -> list[str]:
    server = settings.server
    lines = [f"Chatward {__version__} guards {', '.join(_upstreams(settings))}", f"  gateway  {url}/v1"]
    if settings.chat.enabled:
        lines.append(f"  chat     {url}/chat")
    lines.append(f"  console  {admin_url}")
    if not server.keys and settings.identity.anonymous and is_loopback(server.host):
        spoken = "" if server.tls_cert is not None else ", and plain HTTP is spoken"
        lines.append(f"  No API key is asked for{spoken}: on this machine only.")
    return lines


def _upstreams(settings: Settings) -> Mapping[str, None]:
    return dict.fromkeys(bot.upstream for bot in settings.bots.values())
