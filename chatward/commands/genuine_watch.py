"""``chatward genuine watch``, ``cases``, ``case``, ``letter``: the watch for copies, and what it found."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ConfigError
from chatward.settings import Settings

if TYPE_CHECKING:
    from chatward.watch.opening import Opened
    from chatward.watch.watching import Round

OWN_SCRIPTS = ("widget.js", "chat.js", "talk.js")
"""Scripts of ours that nobody else has a reason to serve."""
Number = Annotated[int, typer.Argument(metavar="ID", help="The case, as `chatward genuine cases` numbers it.")]


State = Literal["open", "reported", "gone", "harmless"]
To = Literal["registrar", "host", "authority"]


def watch(
    once: Annotated[bool, typer.Option("--once", help="One round; else one every `genuine.watch.every`.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Look for copies of the bot, as `[genuine.watch]` says. Exit 1: cases were opened; 2: an error."""
    from chatward.watch.watching import nothing_asked  # noqa: PLC0415 - slow to import

    settings = loaded_settings(config).settings
    if nothing_asked(settings.genuine.watch):
        raise ConfigError(
            "nobody may be asked: set genuine.watch.permutations or genuine.watch.logs",
            key="genuine.watch",
            reason="usage",
        )
    with _opened(settings) as found:
        while True:
            done = asyncio.run(_watching(found))
            _told(done, as_json=as_json)
            if once:
                return 1 if done.cases else 0
            time.sleep(settings.genuine.watch.every)


def _opened(settings: Settings) -> AbstractContextManager[Opened]:
    from chatward.watch.opening import opened  # noqa: PLC0415 - slow to import

    return opened(settings, recorder(settings.ledger))


async def _watching(found: Opened) -> Round:
    return await found.watching(_scripts()).once()


def _scripts() -> list[str]:
    folder = files("chatward.console") / "static"
    return [sha256((folder / name).read_bytes()).hexdigest() for name in OWN_SCRIPTS]


def _told(done: Round, *, as_json: bool) -> None:
    if as_json:
        print_json(done.told())
        return
    print_table(
        ("score", "host", "why"), [(f"{one.score:.2f}", one.host, " ".join(one.reasons)) for one in done.candidates]
    )
    for problem in done.problems:
        print(f"not asked: {problem['asked']} ({problem['reason']})")
    print(
        f"{done.asked} names asked, {done.exist} exist, {done.unknown} unknown; {done.entries} certificates;"
        f" {done.pages} pages; {done.cases} cases opened"
    )


def cases(
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List hosts that play the bot, worst first."""
    settings = loaded_settings(config).settings
    with _opened(settings) as found:
        rows = [one for one in found.cases.all() if every or one.state != "closed"]
    if as_json:
        print_json({"cases": [one.told() for one in rows]})
    else:
        told = [(one.id, one.outcome or one.state, f"{one.score:.2f}", one.host, _when(one.opened)) for one in rows]
        print_table(("case", "state", "score", "host", "opened"), told)
    return 0


def case(
    number: Number,
    state: Annotated[
        State | None, typer.Option("--as", help="Make it open, reported, or closed: gone or harmless.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show a case and its evidence, or change what it is."""
    settings = loaded_settings(config).settings
    with _opened(settings) as found:
        one = found.cases.one(number)
        if state is not None:
            closed = state in {"gone", "harmless"}
            one = found.cases.change(one, "closed" if closed else state, state if closed else "", "command")
        evidence = [piece.told() for piece in found.cases.evidence(one)]
    if as_json:
        print_json({**one.told(), "evidence": evidence})
        return 0
    print(f"case {one.id}: {one.host}, {one.outcome or one.state}, score {one.score:.2f}, since {_when(one.opened)}")
    print(f"reasons: {' '.join(one.reasons)}")
    for piece in evidence:
        print(f"{piece['kind']} {piece['sha256']} {_when(piece['first'])} to {_when(piece['last'])}")
    return 0


def letter(
    number: Number,
    to: Annotated[To, typer.Option("--to", help="Whom it is for.")] = "host",
    rdap: Annotated[bool, typer.Option("--rdap", help="Ask the registries for an address.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Draft a letter that asks for a copy to be taken down. Nothing is sent."""
    from chatward.watch.fetching import Fetcher  # noqa: PLC0415
    from chatward.watch.letters import addressees  # noqa: PLC0415
    from chatward.watch.letters import letter as drafted  # noqa: PLC0415
    from chatward.watch.opening import sender  # noqa: PLC0415

    settings = loaded_settings(config).settings
    with _opened(settings) as found:
        one = found.cases.one(number)
        evidence = found.cases.evidence(one)
        watch = settings.genuine.watch
        fetch = Fetcher(seconds=watch.seconds, ca_file=watch.ca_file)
        contacts = asyncio.run(addressees(one, evidence, to, fetch)) if rdap else ()
        text = drafted(one, evidence, sender(settings), to, contacts)
    if as_json:
        told: dict[str, Any] = {"case": one.id, "to": to, "letter": text}
        if rdap:
            told["contacts"] = [contact.email for contact in contacts]
        print_json(told)
    else:
        print(text, end="")
    return 0


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
