"""Parts of a running Chatward that settings may leave out, each opened with the house and closed by it.

A part is imported once the settings ask for it, so that nobody carries what they do not use; always before the first
message.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from chatward.assembly.engine import RunningWard
from chatward.assembly.house import House
from chatward.callers import Callers, callers
from chatward.configuration import resolve
from chatward.core.errors import ConfigError
from chatward.core.ports import Entry
from chatward.engine.engine import Screening
from chatward.gateway.parties import BotLink
from chatward.gateway.proxies import networks
from chatward.gateway.proxies import trusted as is_proxy
from chatward.identity.end_users import EndUsers
from chatward.identity.risk import Risks
from chatward.limits.limiter import Limiter
from chatward.limits.opening import figures as limit_figures
from chatward.limits.opening import opened as open_limits
from chatward.privacy.opening import InThePath, in_the_path
from chatward.rejudging import Rejudging
from chatward.shadowing import Shadowing

if TYPE_CHECKING:
    from chatward.behaviour.opening import Behaviour
    from chatward.education.opening import Educating
    from chatward.files.desk import FileDesk
    from chatward.files.quarantine import Quarantine
    from chatward.keeping import Keeping
    from chatward.traffic.watch import Traffic

T = TypeVar("T")


def asked_for(house: House) -> Callers:
    """Who may ask, and how they are known."""
    settings, path = house.settings, house.loaded.path
    asking = callers(
        settings,
        folder=path.parent if path is not None else None,
        configured=tuple(resolve(reference) for reference in settings.server.keys),
        ledger=house.ledger,
        secret=house.secret,
        fetch=house.fetch,
    )
    house.stack.callback(asking.close)
    if asking.shared_risks is not None:
        house.go_on(asking.shared_risks.run())
    house.engine.access = asking.access
    return asking


def private(house: House, asking: Callers, people: EndUsers | None) -> InThePath | None:
    """Purposes, consent and rights in the path of messages."""
    privacy = in_the_path(house.settings, house.record, house.note, people=people)
    if privacy is None:
        return None
    house.stack.callback(privacy.database.close)
    house.engine.privacy = privacy.gate
    privacy.api.proving(asking.challenges)
    if privacy.mailed is not None:
        house.stack.callback(privacy.mailed.close)
    if privacy.notices is not None:
        house.go_on(privacy.notices.run(house.fetch))
    return privacy


async def kept(house: House, running: RunningWard, privacy: InThePath | None) -> Keeping | None:
    """What keeps conversations, with their purge under way."""
    settings, stack = house.settings, house.stack
    if not (settings.conversations.store or settings.conversations.vault):
        return None
    from chatward.files.quarantine import sealed_fields  # noqa: PLC0415 - there are conversations
    from chatward.keeping import opened as opened_keeping  # noqa: PLC0415
    from chatward.privacy.learnt import learnt_of_people  # noqa: PLC0415

    quarantine = stack.enter_context(sealed_fields(settings))
    learnt = stack.enter_context(learnt_of_people(settings))
    opened = await opened_keeping(
        settings,
        house.record,
        lambda text: running.check(text, "user"),  # a person's text is read for more than a bot's
        fetch=house.fetch,
        also=lambda register: [
            *(privacy.also(register) if privacy is not None else ()),
            *quarantine,
            *learnt(register),
        ],
        failed=house.meter.not_kept,
    )
    if opened is None:
        return None
    stack.push_async_callback(opened.aclose)
    house.go_on(opened.purge(privacy.holds.held if privacy is not None else lambda tenant, subject: False))
    house.engine.remembering = opened.remembering
    house.engine.conversations = opened.store
    return opened.keeping


def rejudged(house: House) -> Rejudging | None:
    """What judges stored conversations by a file that is not in force."""
    engine = house.engine
    if engine.conversations is None:
        return None
    return Rejudging(engine.conversations, lambda: engine.routing.pool)


def shadowed(house: House) -> Shadowing:
    """What judges messages by another file too, once an operator asks for it."""
    made = Shadowing(house.engine)
    house.stack.callback(made.end)
    return made


async def looked_into(house: House) -> FileDesk | None:
    """What looks at files, with the purge of its quarantine under way."""
    settings = house.settings
    if not settings.files.enabled:
        return None
    from chatward.files.opening import opened as open_files  # noqa: PLC0415 - they are looked at
    from chatward.files.opening import opened_quarantine  # noqa: PLC0415
    from chatward.files.replies import ReplyFiles  # noqa: PLC0415

    quarantine: Quarantine | None = None
    if settings.files.quarantine:
        loop = asyncio.get_running_loop()

        def ask(question: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(question, loop).result()

        quarantine = await asyncio.to_thread(
            partial(opened_quarantine, settings, house.record, fetch=house.fetch, ask=ask)
        )
        house.stack.callback(quarantine.database.close)
    desk = await asyncio.to_thread(partial(open_files, settings, quarantine=quarantine, note=house.note))
    if desk is not None:
        house.engine.reply_files = partial(ReplyFiles, desk)
        house.stack.callback(desk.close)
        house.go_on(desk.purge())
    return desk


def expanding(house: House) -> Callable[[Screening], Awaitable[None]] | None:
    """What looks where shortened links lead."""
    if not house.settings.links.expand:
        return None
    from chatward.assembly.expanding import expanded, expander  # noqa: PLC0415 - somebody asks

    return partial(expanded, expander(house.settings.links))


def limited(house: House) -> Limiter | None:
    """How fast callers may ask."""
    limiter = open_limits(house.settings, house.bot_of, house.note)
    if limiter is not None:
        house.stack.push_async_callback(limiter.aclose)
        house.meter.limits = partial(limit_figures, limiter)
    return limiter


def watched(house: House, risks: Risks | None) -> Traffic | None:
    """Who is automated."""
    if not house.settings.traffic.enabled:
        return None
    from chatward.traffic.opening import opened as open_traffic  # noqa: PLC0415 - it is watched

    proxies = networks(house.settings.server.trusted_proxies)
    traffic = open_traffic(
        house.settings,
        house.secret,
        note=house.note,
        proxied=lambda address: is_proxy(address, proxies),
        bot_of=house.bot_of,
        risk=lambda principal, signal, points: risks.add(principal.id, signal, points) if risks is not None else None,
    )
    if traffic is not None:
        house.stack.push_async_callback(traffic.aclose)
        house.meter.traffic = traffic.figures.read
    return traffic


def learning(house: House, risks: Risks | None) -> Behaviour | None:
    """What learns from messages, with its thread."""
    if not house.settings.behaviour.enabled:
        return None
    from chatward.behaviour.opening import opened as open_behaviour  # noqa: PLC0415 - numpy, where something is learnt

    loop = asyncio.get_running_loop()

    def tell(entry: Entry) -> None:
        with suppress(RuntimeError):  # the loop has ended: what is left is in the file
            loop.call_soon_threadsafe(house.note, entry)

    def rate(principal: str, signal: str, points: float) -> None:
        if risks is not None:
            risks.add(principal, signal, points)

    opened = open_behaviour(house.settings, house.secret, tell, rate)
    if opened is not None:
        house.stack.push_async_callback(asyncio.to_thread, opened.close)
        house.meter.behaviour = opened.missed
    return opened


def taught(house: House) -> Educating | None:
    """What people learn from."""
    from chatward.education.opening import opened as open_education  # noqa: PLC0415

    educating = open_education(house.settings, house.record, house.bot_of, house.secret)
    if educating is not None:
        house.stack.callback(educating.close)
    return educating


def gated(house: House, bots: dict[str, BotLink]) -> dict[str, BotLink]:
    """Bots that are refused while something of theirs is past due."""
    settings = house.settings
    if not (settings.assurance.quarantine or settings.vendors):
        return bots
    from chatward.assurance.gates import opened_gates  # noqa: PLC0415 - something may be due

    gates = opened_gates(settings)
    if gates is None:
        return bots
    house.stack.callback(gates.close)
    return {name: dataclasses.replace(link, admits=partial(gates.check, name)) for name, link in bots.items()}


def answered_by_vendors(house: House, admin: Any) -> Any:
    """The admin plane, with the page on which vendors answer, where there are vendors."""
    vendors, due = house.settings.vendors, house.settings.assurance.due
    if not vendors:
        return admin
    from chatward.assurance.opening import opened_assessments  # noqa: PLC0415 - there are vendors
    from chatward.console.vendor_answers import VendorAnswers  # noqa: PLC0415

    kept = house.stack.enter_context(opened_assessments(house.settings, house.record))
    return VendorAnswers(admin, kept, lambda name: name in vendors and kept.settle(name, due, vendors[name].owner))


async def certified(house: House) -> None:
    """There is a certificate afterwards, and it is kept, where an authority is to be asked for it."""
    acme = house.settings.acme
    if not acme.domains:
        return
    from chatward.acme.keeping import kept as kept_certificate  # noqa: PLC0415 - one is asked

    keeping = kept_certificate(house.settings, resolve, house.say)
    if keeping is None:
        return
    try:
        await keeping.answering.start(acme.http_host, acme.http_port)
    except OSError as error:
        raise ConfigError(f"acme.http_port: cannot listen there: {error}", key="acme.http_port") from error
    house.stack.push_async_callback(keeping.answering.stop)
    await keeping.ready()
    house.go_on(keeping.run())
