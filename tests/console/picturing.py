"""A console with an ordinary day in it, on a port of this machine: for tests in a browser, and for the screenshots."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from chatward.configuration import load
from chatward.gateway.server import EmbeddedServer
from chatward.settings import Bot, Chat, LedgerSettings, Notice, Privacy, Purpose, Route, Server, Settings
from chatward.settings.education import Education
from tests.console.assured import assured, filled, reported, settings
from tests.console.peopled import FIGURES, STANDINGS, people, tools, trail, unusual
from tests.simulators.gateway import RunningGateway
from tests.simulators.talker import Talker, said
from tests.simulators.talker import serving as serving_bot

FILE: Final = """# The bot of our shop.
upstream = "https://bot.example/v1"

[routes.quiet]
models = ["small-*"]
mode = "monitor"

[routes.default]
guards = ["*"]

[traffic]
enabled = true
"""


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of an application that is served until the block ends."""
    loop, url = asyncio.new_event_loop(), []
    started, stopping = threading.Event(), asyncio.Event()

    async def run() -> None:
        server = EmbeddedServer(app, "127.0.0.1", 0, interface="asgi")
        await server.start()
        url.append(server.url)
        started.set()
        await stopping.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(30)
    try:
        yield url[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(30)


@contextmanager
def served(folder: Path) -> Iterator[tuple[Any, str]]:
    """The house of the screenshots."""
    from tests.console import conftest

    house: Callable[..., Any] = conftest.house.__wrapped__(folder)  # type: ignore[attr-defined]
    ledger = conftest.written(folder / "scene.db", (*STANDINGS, *conftest.SCENE))
    watch = conftest.watch.__wrapped__(folder, ledger)  # type: ignore[attr-defined]
    file = folder / "chatward.toml"
    file.write_text(FILE, "utf-8")
    behaviour = unusual(folder / "behaviour.db")

    def settings_now() -> Settings:
        return replace(load(file).settings, behaviour=behaviour)

    more = {"file": file, "settings": settings_now, "origins": lambda: load(file).origins, "trail": trail()}
    more |= {"pins": tools(), "figures": lambda: FIGURES}
    own = settings(folder, ledger=LedgerSettings(path=str(ledger)))
    it = house(
        {"ann": ["admin", "auditor"]},
        secure=False,
        watching=watch(ledger, **more),
        assuring=assured(folder, own),
        behind=people(),
    )
    it.ledger_path = ledger
    reported(filled(it.desks.assuring, folder))
    with serving(it.app) as url:
        yield it, url


ONE: Final = "01890a5d-ac96-774b-bcce-000000000007"
PAGES: Final = {
    "overview": "/",
    "live": "/live",
    "messages": "/messages",
    "message": f"/messages/{ONE}",
    "findings": "/findings",
    "finding": "/findings/201",
    "alerts": "/alerts",
    "approvals": "/approvals",
    "privacy": "/privacy",
    "policy": "/policy",
    "explain": "/policy/explain",
    "bots": "/bots",
    "feeds": "/feeds",
    "tools": "/tools",
    "traffic": "/traffic",
    "vendors": "/vendors",
    "vendor": "/vendors/models",
    "patches": "/patches",
    "patch": "/patches/default",
    "controls": "/controls",
    "reports": "/reports",
    "report": "/reports/1",
    "redteam": "/redteam",
    "redteam-run": "/redteam/1",
    "ledger": "/ledger",
    "health": "/health",
    "people": "/people",
    "tenants": "/tenants",
    "start": "/start",
    "help": "/help/console",
    "documentation": "/help",
    "operators": "/operators",
    "keys": "/keys",
    "account": "/account",
    "search": "/search?q=text",
}
"""Every page by a name for its picture."""
SIGNED_OUT: Final = {"login": "/login", "welcome": "/welcome/{token}"}
"""The pages for who has not signed in."""
OF_PEOPLE: Final = {
    "chat": "/chat",
    "data": "/chat/privacy",
    "safety": "/chat/safety",
    "lessons": "/chat/lessons",
    "verify": "/verify",
}
"""The pages of people who chat."""


ORDERS: Final = Purpose(summary="Answering what you ask about your orders.", lawful_basis="contract", retention_days=30)


@contextmanager
def chatting(folder: Path) -> Iterator[str]:
    """The address of a gateway with a bot behind it, for the pages of people."""
    folder.mkdir()
    answer = said("Your parcel is on its way. It should be with you **on Friday**.")
    with serving_bot(Talker({"parcel?": answer}).handler()) as port:
        gateway = RunningGateway(
            Settings(
                server=Server(port=0, admin_port=0),
                bots={"default": Bot(upstream=f"http://127.0.0.1:{port}", api_key="env:BOT_KEY")},
                routes={"default": Route(guards=("text.pii",), purpose="orders")},
                privacy=Privacy(
                    controller="Example Ltd, 1 Main Street",
                    contact="privacy@example.com",
                    notice=Notice(version="2026-03"),
                    purposes={"orders": ORDERS},
                ),
                ledger=LedgerSettings(path="chatward.db"),
                education=Education(quiz=True),
                chat=Chat(title="The shop", disclosure="You are talking to an AI, not to a person."),
            ),
            folder,
            {"BOT_KEY": "made-up"},
        )
        try:
            yield gateway.url
        finally:
            gateway.stop()
