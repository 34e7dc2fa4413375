"""From the configuration to a running Chatward: the one package that picks implementations.

``serve`` opens the house (ledger, keys, routes), then each part that the settings ask for, then the two planes; what
was opened is closed in the other order.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import uvloop
from msgspec.structs import replace

from chatward.assembly import parts, planes
from chatward.assembly.engine import RoutedEngine, RunningWard, channels
from chatward.assembly.house import House
from chatward.assembly.settling import settle_memory
from chatward.callers import Callers
from chatward.chronicle import Chronicle, witnesses
from chatward.configuration import Loaded, resolve
from chatward.console.asgi import App
from chatward.console.chat import page_headers
from chatward.console.chat import pages as chat_pages
from chatward.console.guarding import Guarding
from chatward.console.step_up import step_up_pages
from chatward.console.verify import agent_card_service, directory_service, manifest_service, verify_pages
from chatward.console.waking import Waking
from chatward.console.widget import widget_headers, widget_pages
from chatward.education.api import REPORTS_PATH, TIPS_PATH
from chatward.education.drills import DRILLS_PATH
from chatward.education.lessons import lesson_pages
from chatward.education.opening import Educating
from chatward.education.quiz import QUIZ_PATH
from chatward.education.safety import safety_pages
from chatward.gateway.app import GatewayApp
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.cross_origin import CrossOrigin
from chatward.gateway.fetching import Fetching
from chatward.gateway.parties import Beside, Limits
from chatward.gateway.records import Records
from chatward.gateway.renewal import Renewal
from chatward.gateway.services import AnyService, Asked, Entrance, Open
from chatward.gateway.wires import wires
from chatward.genuine.agent_card import PATH as AGENT_CARD
from chatward.genuine.manifest import PATH as MANIFEST
from chatward.genuine.message_signatures import DIRECTORY
from chatward.genuine.opening import opened as open_proving
from chatward.genuine.opening import opened_card
from chatward.genuine.replies import Proving
from chatward.identity.end_users import opened as people_behind
from chatward.judge.judge import Judge
from chatward.monitoring.traces import context as span_context
from chatward.overseeing import overseeing
from chatward.privacy.gate import standing_now
from chatward.privacy.mailing import PREFIX as MAILED
from chatward.privacy.marking import Marked
from chatward.privacy.opening import InThePath
from chatward.routing import routing
from chatward.settings import Bot, Settings
from chatward.settings.rules import complete

if TYPE_CHECKING:
    from chatward.behaviour.opening import Behaviour
    from chatward.traffic.watch import Traffic

__all__ = ["RoutedEngine", "channels", "serve"]


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
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    async with AsyncExitStack() as stack:
        house, chronicle = await _opened(loaded, stack, say)
        settings = house.settings
        people = people_behind(settings.identity.end_users, house.secret)
        asking = parts.asked_for(house)
        privacy = parts.private(house, asking, people)
        house.engine.files = await parts.looked_into(house)
        house.engine.expand = parts.expanding(house)
        running = RunningWard(house.engine)
        behaviour = parts.learning(house, asking.risks)
        proving = open_proving(settings, lambda: data_plane.url)
        watching = parts.watched(house, asking.risks)
        beside = Beside(
            budgets=asking.budgets,
            keeping=await parts.kept(house, running, privacy),
            signing=proving,
            tracing=span_context if settings.monitoring.traces else None,
            limiting=parts.limited(house),
            end_users=people,
            observing=behaviour.gathering if behaviour is not None else None,
            watching=watching,
        )
        app = _gateway(house, asking, privacy, beside, proving, watching)
        await parts.certified(house)
        data_plane = planes.data_plane(Marked(app) if privacy is not None else app, settings.server)
        admin = _admin(house, running, asking, privacy, behaviour, proving)
        admin_plane = planes.admin_plane(parts.answered_by_vendors(house, admin), settings.server)
        for plane in (data_plane, admin_plane):
            await plane.start()
            stack.push_async_callback(plane.stop)
        planes.keep_current(house, Renewal([data_plane, admin_plane], say), chronicle)
        settle_memory()
        for line in planes.welcome(settings, data_plane.url, admin_plane.url):
            say(line)
        token = await asyncio.to_thread(asking.first_link)
        if token is not None:
            say(f"  The console has no admin yet. The first one signs up here: {admin_plane.url}/welcome/{token}")
        await asked.wait()
        say("Stopping.")


async def _opened(loaded: Loaded, stack: AsyncExitStack, say: Callable[[str], None]) -> tuple[House, Chronicle]:
    """The record, the keys and the routes; from here on what happens is on record."""
    settings = loaded.settings
    ledger, path = planes.opened_ledger(settings)
    stack.push_async_callback(ledger.aclose)
    chronicle = Chronicle(ledger, Records(ledger).note)
    await chronicle.started(settings)
    stack.push_async_callback(chronicle.stopped)
    secret = planes.key_of(path)
    engine = RoutedEngine(routing(settings, key=secret))
    engine.routing.warm()
    fetch = Fetching()
    stack.push_async_callback(fetch.aclose)
    house = House(loaded, stack, say, ledger, path, secret, engine, fetch, planes.metered(settings, engine))
    witnessing = witnesses(settings.ledger, fetch)
    if witnessing is not None:
        house.go_on(chronicle.witness(witnessing, settings.ledger.witness_seconds))
    return house, chronicle


def _gateway(
    house: House,
    asking: Callers,
    privacy: InThePath | None,
    beside: Beside,
    proving: Proving | None,
    watching: Traffic | None,
) -> GatewayApp:
    """The data plane's application."""
    settings, server, ledger = house.settings, house.settings.server, house.ledger
    bots = {name: planes.linked(bot) for name, bot in settings.bots.items()}
    for link in bots.values():
        house.stack.push_async_callback(link.upstream.aclose)
    if settings.judge.enabled:
        judging = bots[settings.judge.bot]
        house.engine.judge = Judge(judging.upstream, settings.judge, api_key=judging.api_key)
    gated = parts.gated(house, bots)
    educating = parts.taught(house)
    checkpoint = Checkpoint(
        asking.authenticator,
        peer_of=planes.peer_of(server),
        posture_of=planes.posture_of(settings),
        standing=standing_now,
    )
    widget = widget_pages(settings)
    card = opened_card(settings)
    return GatewayApp(
        channels=channels(server),
        wires=wires(settings, house.secret, house.note, house.stack.callback),
        engine=house.engine,
        bots={name: planes.signed(link, settings.bots[name], proving) for name, link in gated.items()},
        ledger=ledger,
        meter=house.meter,
        keys=tuple(resolve(reference) for reference in server.keys),
        checkpoint=checkpoint,
        beside=dataclasses.replace(beside, teaching=educating.teaching if educating is not None else None),
        services={
            **asking.services,
            **_services(privacy, educating, watching),
            MANIFEST: Open(manifest_service(proving)),
            DIRECTORY: Open(directory_service(proving)),
            **({AGENT_CARD: Open(agent_card_service(proving, card))} if card is not None else {}),
        },
        limits=Limits(server.max_body, server.body_timeout, server.max_concurrent, settings.step_up.expiry),
        ready=lambda: () if ledger.healthy else ("ledger",),
        pages={
            **chat_pages(settings),
            **safety_pages(settings, signed=proving is not None),
            **lesson_pages(settings),
            **verify_pages(),
            **step_up_pages(),
            **widget,
            **(privacy.pages if privacy is not None else {}),
        },
        page_headers=page_headers(settings),
        other_headers=widget_headers(settings),
        cross_origin=CrossOrigin(
            checkpoint.origin,
            api=server.cors_origins,
            credentials=server.cors_credentials,
            widget=settings.widget.origins if widget else (),
            here=planes.for_this_machine(settings),
        ),
        log=planes.logged(house),
    )


def _services(
    privacy: InThePath | None, educating: Educating | None, watching: Traffic | None
) -> dict[str, AnyService]:
    """What is answered beside messages, by the parts that are there."""
    found: dict[str, AnyService] = {}
    if watching is not None:
        from chatward.traffic.api import PREFIX as TRAFFIC  # noqa: PLC0415 - traffic is watched
        from chatward.traffic.api import TrafficApi  # noqa: PLC0415
        from chatward.traffic.ladder import WAIT  # noqa: PLC0415

        passes = TrafficApi(watching)
        found |= {TRAFFIC: Asked(passes.handle), WAIT: Entrance(passes.wait)}
    if privacy is not None:
        found |= privacy.services
        if privacy.mailed is not None:
            found[MAILED] = Open(privacy.mailed.handle)
    if educating is not None:
        found |= {TIPS_PATH: educating.api.tips, REPORTS_PATH: educating.api.reports}
        if educating.quiz is not None:
            found[QUIZ_PATH] = educating.quiz.answer
        if educating.drills is not None:
            found[DRILLS_PATH] = educating.drills.answer
    return found


def _admin(
    house: House,
    running: RunningWard,
    asking: Callers,
    privacy: InThePath | None,
    behaviour: Behaviour | None,
    proving: Proving | None,
) -> App:
    """The admin plane's application."""
    settings, meter = house.settings, house.meter
    overseen = overseeing(
        house.stack,
        house.loaded,
        house.ledger,
        house.ledger_path,
        database=asking.database,
        metrics=meter.render,
        record=house.record,
        privacy=privacy.database if privacy is not None else None,
        conversations=house.engine.conversations,
        manifest=proving.manifest if proving is not None else None,
        rejudging=parts.rejudged(house),
        shadows=parts.shadowed(house),
    )

    def pages() -> App:
        from chatward.assembly.console import console  # noqa: PLC0415 - all pages, once they are asked for

        return console(house, running, asking, overseen, behaviour)

    plane: App = Guarding(
        Waking(pages, meter.render),
        asking.signing_in,
        host=settings.server.admin_host,
        keys=tuple(resolve(reference) for reference in settings.server.keys),
        max_body=settings.server.max_body,
        authorizer=asking.access.authorizer,
    )
    if asking.directory is None:
        return plane
    from chatward.console.scim import with_directory  # noqa: PLC0415 - FastAPI, where SCIM is enabled

    return with_directory(plane, asking.directory)
