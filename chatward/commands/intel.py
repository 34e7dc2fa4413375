"""``chatward intel``: sources of threat intelligence, how fresh they are, what they say of a value.

A gateway may be running meanwhile: it takes a new snapshot within half a second.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer

from chatward.commands import intel_hunt
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import load, locate, resolve, stamp
from chatward.core.errors import ChatwardError, ConfigError
from chatward.core.indicators import IndicatorKind, Sighting, Tlp, domains_of, url_values
from chatward.gateway.fetching import Fetching
from chatward.intel.entries import normalise, url_address
from chatward.intel.fetching import Answer
from chatward.intel.index import Index
from chatward.intel.lifecycle import Lifecycle, Update
from chatward.intel.opening import folder_of, lifecycle
from chatward.intel.sightings import SIGHTINGS, bundle, read
from chatward.intel.watching import watch
from chatward.parent import until_closed
from chatward.seal.opening import opened as opened_sealing
from chatward.settings import Settings
from chatward.stores.conversations import ConversationStore

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Keep lists of what is harmful up to date, and ask them."""


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show how fresh each source is. Exit status 1 when one is out of date: what it does not list is unknown then."""
    settings = _settings(config)
    index = Index(folder_of(settings), settings.intel)
    known, stale, now = index.status.sources, set(index.stale()), time.time()
    told: list[dict[str, Any]] = []
    for source in settings.intel.sources:
        one = known.get(source.name)
        told.append(
            {
                "name": source.name,
                "format": source.format,
                "state": ("never" if one is None or one.confirmed is None else "stale")
                if source.name in stale
                else "fresh",
                "age": None if one is None or one.confirmed is None else round(now - one.confirmed, 1),
                "entries": 0 if one is None else one.rows,
                "skipped": 0 if one is None else one.skipped,
                "error": "" if one is None else one.error,
            }
        )
    if as_json:
        snapshot = index.snapshot
        print_json({"sources": told, "entries": 0 if snapshot is None else snapshot.count, "stale": sorted(stale)})
    else:
        rows = [(s["name"], s["state"], _age(s["age"]), s["entries"], s["skipped"], s["error"]) for s in told]
        print_table(("source", "state", "age", "entries", "skipped", "error"), rows)
    return 1 if stale else 0


@app.command()
def update(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="These sources alone; else all.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no server; take in files that changed.")] = False,
    keep_on: Annotated[bool, typer.Option("--watch", help="Go on until it is stopped.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Fetch and take in what changed. Exit status 1 when a source failed; it keeps what it had."""
    settings = _settings(config)
    known = [source.name for source in settings.intel.sources]
    for name in names or ():
        if name not in known:
            raise ConfigError(f"there is no source {name}; there are: {', '.join(known)}", reason="usage")
    if keep_on:
        return _watch(config, settings, offline=offline, as_json=as_json)
    with _lifecycle(settings, offline=offline) as life:
        done = life.update(names or (), now=True)
    if done is None:
        raise ConfigError("another process is updating", reason="intel-busy")
    _print(done, as_json=as_json)
    return 1 if any(one.outcome == "failed" for one in done) else 0


@app.command()
def lookup(
    values: Annotated[list[str], typer.Argument(metavar="VALUE...", help="URLs, domains, addresses, hashes.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Say what is known of a value. Exit status 1 when it is listed, 3 when it is not and a source is out of date."""
    settings = _settings(config)
    index = Index(folder_of(settings), settings.intel)
    told = [(value, _look_up(index, value)) for value in values]
    stale = list(index.stale())
    if as_json:
        print_json({"values": [{"value": v, "sightings": found} for v, found in told], "stale": stale})
    else:
        for value, found in told:
            for one in found:
                contexts = " ".join(one.contexts)
                print_table((), [(value, one.source, one.kind.value, one.type.value, f"{one.score:.2f}", contexts)])
            if not found:
                print(f"{value}\t{'unknown: ' + ' '.join(stale) + ' out of date' if stale else 'not listed'}")
    if any(found for _, found in told):
        return 1
    return 3 if stale else 0


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What findings call it: links.intel/NAME.")],
    location: Annotated[str, typer.Argument(help="A file, or a URL.")],
    form: Annotated[str, typer.Option("--format", help="How it is written.")] = "list",
    kind: Annotated[str, typer.Option("--type", help="What its entries stand for.")] = "malicious",
    key: Annotated[str | None, typer.Option(help="Reference to its key: env:NAME or file:/path.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Write a source into the configuration file. A running gateway takes it from there."""
    path = locate(config)
    if path is None:
        raise ConfigError("there is no configuration file; make one with: chatward init", reason="config-missing")
    settings = loaded_settings(str(path)).settings
    if name in {source.name for source in settings.intel.sources}:
        raise ConfigError(f"there is a source {name} already", key="intel.sources", reason="usage")
    fields = {"name": name, "format": form, "location": location, "type": kind} | ({"key": key} if key else {})
    lines = ["", "[[intel.sources]]", *(f"{field} = {_toml(value)}" for field, value in fields.items()), ""]
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(path.read_text("utf-8").rstrip("\n") + "\n" + "\n".join(lines), "utf-8")
    try:
        load(fresh)  # as it would be read: nothing is written that is refused
        os.chmod(fresh, path.stat().st_mode & 0o777)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    if as_json:
        print_json({"added": name})
    else:
        print(f"added; fetch it with: chatward intel update {name}")
    return 0


@app.command()
def hunt(
    tenant: Annotated[str | None, typer.Option(metavar="NAME", help="This tenant alone; else all.")] = None,
    least: Annotated[float, typer.Option(min=0.0, max=1.0, help="The lowest confidence that is told.")] = 0.5,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Look through stored conversations for links that are listed now. Exit status 1 when there are some."""
    settings = _settings(config)
    index = Index(folder_of(settings), settings.intel)
    count = intel_hunt.Count()
    with asyncio.Runner() as runner, _conversations(settings, runner) as (store, tenants):
        asked = tenants if tenant is None else [tenant]
        found = list(intel_hunt.hunt(store, asked, index, count, least=least))
    if as_json:
        print_json({"found": found, "gone_through": asdict(count), "stale": list(index.stale())})
    else:
        rows = [(f.conversation, f.turn, f.said, f.rule, f"{f.confidence:.2f}") for f in found]
        print_table(("conversation", "turn", "by", "rule", "confidence"), rows)
        told = f"{len(found)} links in {count.turns} turns of {count.conversations} conversations"
        print(f"{told}, {count.unread} turns cannot be read", file=sys.stderr)
    return 1 if found else 0


@app.command()
def export(
    tlp: Annotated[str, typer.Option(metavar="TLP", help="The strictest marking to include.")] = "green",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Print what conversations held of what is listed, as a STIX 2.1 bundle without any of their text."""
    try:
        strictest = Tlp(tlp.lower())
    except ValueError:
        raise ConfigError(f"--tlp is one of {', '.join(Tlp)}", reason="usage") from None
    settings = _settings(config)
    print_json(bundle(read(folder_of(settings) / SIGHTINGS), strictest=strictest))
    return 0


# --- inside


def _settings(config: str | None) -> Settings:
    settings = loaded_settings(config).settings
    if not settings.intel.sources:
        raise ConfigError("there is no source; add one with: chatward intel add NAME LOCATION", key="intel.sources")
    return settings


@contextmanager
def _lifecycle(settings: Settings, *, offline: bool) -> Iterator[Lifecycle]:
    with asyncio.Runner() as runner:
        fetch = Fetching()

        def download(
            url: str, headers: Sequence[tuple[str, str]], write: Callable[[bytes], object], most: int
        ) -> Answer:
            answer = runner.run(fetch.download(url, headers, write, most))
            return Answer(answer.status, answer.headers)

        try:
            yield lifecycle(settings, download=None if offline else download, secret=resolve)
        finally:
            runner.run(fetch.aclose())


@contextmanager
def _conversations(settings: Settings, runner: asyncio.Runner) -> Iterator[tuple[ConversationStore, list[str]]]:
    """The store of conversations, and its tenants. Nothing is put on record, since nothing is revealed."""
    fetch = Fetching()
    sealing = opened_sealing(settings, lambda entry: None, fetch=fetch, ask=runner.run)
    store = sealing.conversations()
    try:
        yield store, sealing.keys.tenants()
    finally:
        runner.run(store.aclose())
        sealing.close()
        runner.run(fetch.aclose())


def _watch(config: str | None, settings: Settings, *, offline: bool, as_json: bool) -> int:
    """Goes on until standard input is closed, if it is a pipe, or it is stopped. Follows the configuration file."""
    stop = threading.Event()
    until_closed(stop)
    path = locate(config)

    def failed(error: ChatwardError) -> None:
        print(f"error: {error}", file=sys.stderr, flush=True)

    while not stop.is_set():
        before = stamp(path)
        with _lifecycle(settings, offline=offline) as life:
            report = partial(_print, as_json=as_json)
            watch(life, report, failed, stop, until=lambda before=before: stamp(path) != before)  # type: ignore[misc]
        try:
            settings = _settings(config) if not stop.is_set() else settings
        except ChatwardError as error:  # the old ones stay in force, as in the gateway
            failed(error)
    return 0


def _print(done: Sequence[Update], *, as_json: bool) -> None:
    if as_json:
        print_json({"updates": [asdict(one) for one in done]})
    else:
        for one in done:
            print_table((), [(one.name, one.outcome, one.rows, one.skipped, one.sentence or one.error)])
    sys.stdout.flush()


def _look_up(index: Index, text: str) -> list[Sighting]:
    """What is known of a value in any way of writing it: of a URL also what is known of its host."""
    made = normalise(text)
    if made is None:
        raise ConfigError("this is no URL, domain, address or hash that could be listed", reason="usage")
    kind, value = made
    if kind is IndicatorKind.DOMAIN:
        return [*index.look_up(kind, domains_of(value)), *index.look_up(IndicatorKind.URL, (value,))]
    if kind is not IndicatorKind.URL:
        return list(index.look_up(kind, (value,)))
    address = url_address(text)
    if address is None:
        return []
    found = list(index.look_up(kind, url_values(address.host, address.port, address.path, address.query)))
    if address.ip is not None:
        return [*found, *index.look_up(IndicatorKind.IP, (address.host,))]
    return [*found, *index.look_up(IndicatorKind.DOMAIN, domains_of(address.host))]


def _toml(value: str) -> str:
    import tomlkit  # noqa: PLC0415

    return tomlkit.item(value).as_string()


def _age(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for name, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds:.0f} s"
