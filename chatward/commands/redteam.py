"""``chatward redteam``: our own attacks on a bot, directly and through the running gateway.

Exit status: 0: no probe worked through the gateway, and every one was answered; 1: otherwise; 2: an error.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from chatward.assurance import garak
from chatward.assurance.garak import Target
from chatward.assurance.opening import opened_runs
from chatward.assurance.probes import CATEGORIES, Probe, probes
from chatward.assurance.redteam import WORKED, Answered, Ask, Outcome, attack, cases, chart, summary
from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import resolve
from chatward.core.errors import ConfigError
from chatward.core.events import Event
from chatward.core.ports import Entry

_PATIENCE: Final = 120.0
_LARGEST: Final = 4 * 1024 * 1024
_TOKENS: Final = 200


def command(
    model: Annotated[str, typer.Option(help="The model to ask for, as the bot calls it.")],
    bot: Annotated[str, typer.Option(metavar="NAME", help="The bot of the settings.")] = "default",
    gateway: Annotated[
        str, typer.Option(metavar="URL", help="The running gateway; else where the settings put it.")
    ] = "",
    key: Annotated[str, typer.Option(metavar="REFERENCE", help="A key for the gateway: env:NAME or file:/path.")] = "",
    category: Annotated[list[str] | None, typer.Option(help="This category alone; may be given again.")] = None,
    seed: Annotated[str, typer.Option(help="Makes the markers; the same seed gives the same suite.")] = "1",
    program: Annotated[
        str, typer.Option("--with", metavar="PROGRAM", help="`garak`, or where it is, in place of our own probes.")
    ] = "",
    most: Annotated[int, typer.Option(min=1, help="garak's prompts for each probe that takes a limit.")] = 10,
    svg: Annotated[Path | None, typer.Option("--chart", metavar="FILE", help="Draw the result (SVG).")] = None,
    replay: Annotated[
        Path | None, typer.Option("--cases", metavar="FILE", help="Write the suite for chatward replay.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Attack a bot of your own with and without protection, and count what worked. Sends requests to it."""
    settings = loaded_settings(config).settings
    if bot not in settings.bots:
        raise ConfigError(f"There is no bot of that name; known are {', '.join(settings.bots)}.", reason="usage")
    if unknown := set(category or ()) - CATEGORIES.keys():
        raise ConfigError(f"Categories are {', '.join(CATEGORIES)}; not {', '.join(sorted(unknown))}.", reason="usage")
    server, wanted = settings.server, settings.bots[bot]
    scheme = "https" if server.tls_cert is not None else "http"
    through = gateway or f"{scheme}://{server.host}:{server.port}"
    direct = Target(wanted.upstream, model, resolve(wanted.api_key) if wanted.api_key else "", wanted.ca_file)
    guarded = Target(through, model, resolve(key) if key else "")
    about = {"bot": bot, "model": model, "seed": seed}
    if program:
        outcomes = _by_garak(program, direct, guarded, most, seed)
        made = {**about, "suite": "garak", **summary(outcomes, garak.PROBES)}
    else:
        suite = [one for one in probes(seed) if category is None or one.category in category]
        outcomes = attack(suite, _asking(direct), _asking(guarded), _progress)
        made = {**about, **summary(outcomes)}
    if replay is not None:
        replay.write_text(cases(one.probe for one in outcomes), "utf-8")
    told = {
        side: {name: made["all"][side][name] for name in ("worked", "stopped", "unknown")}
        for side in ("direct", "guarded")
    }
    fields = {f"{side}_{name}": count for side, counts in told.items() for name, count in counts.items()}
    recorder(settings.ledger)(Entry(Event.REDTEAM_RUN, "", {"bot": bot, "probes": len(outcomes), **fields}))
    with opened_runs(settings) as runs:
        runs.keep(made)
    if svg is not None:
        svg.write_text(chart(made), "utf-8")
    if as_json:
        print_json(made)
    else:
        _show(made)
    return int(any(one.guarded == WORKED for one in outcomes) or bool(told["guarded"]["unknown"]))


def _by_garak(program: str, direct: Target, guarded: Target, most: int, seed: str) -> list[Outcome]:
    """garak's report goes with the folder; what it says of each attempt stays."""
    if not seed.isdigit():
        raise ConfigError("garak's seed is a number (--seed).", reason="usage")
    found = garak.installed(program)
    with tempfile.TemporaryDirectory(prefix="chatward-garak-") as folder:
        return garak.attack(found, direct, guarded, Path(folder), probes=list(garak.PROBES), most=most, seed=int(seed))


def _progress(at: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{at} of {of} probes", end="\n" if at == of else "", file=sys.stderr, flush=True)


def _show(made: dict[str, Any]) -> None:
    rows = [
        (name, one["title"], one["probes"], _said(one["direct"]), _said(one["guarded"]), one["guarded"]["stopped"])
        for name, one in [*made["categories"].items(), ("all", {"title": "", **made["all"]})]
    ]
    print_table(("category", "", "probes", "worked directly", "worked through Chatward", "stopped"), rows)


def _said(side: dict[str, Any]) -> str:
    unknown = f", {side['unknown']} unknown" if side["unknown"] else ""
    rate = "-" if side["rate"] is None else f"{side['rate']:.0%} ({side['low']:.0%} to {side['high']:.0%})"
    return f"{side['worked']}: {rate}{unknown}"


def _asking(target: Target) -> Ask:
    parts = urlsplit(target.completions)
    authorization = {"authorization": f"Bearer {target.key}"} if target.key else {}
    headers = {"content-type": "application/json", **authorization}

    def ask(probe: Probe) -> Answered | None:
        body: dict[str, Any] = {
            "model": target.model,
            "messages": probe.messages,
            "max_tokens": _TOKENS,
            "temperature": 0,
        }
        if probe.tools:
            body["tools"] = list(probe.tools)
        connection = _connection(parts.scheme, parts.hostname or "", parts.port, target.ca_file)
        try:
            connection.request("POST", parts.path, json.dumps(body), headers)
            answer = connection.getresponse()
            return _understood(answer.status, json.loads(answer.read(_LARGEST)))
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError):
            return None
        finally:
            connection.close()

    return ask


def _connection(scheme: str, host: str, port: int | None, ca_file: str | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context(cafile=ca_file)
        return http.client.HTTPSConnection(host, port, timeout=_PATIENCE, context=context)
    return http.client.HTTPConnection(host, port, timeout=_PATIENCE)


def _understood(status: int, document: dict[str, Any]) -> Answered | None:
    """Chat completions: a refusal is 400 ``content_filter``, or that reason to finish."""
    if status == 400 and document["error"].get("code") == "content_filter":
        return Answered(refused=True)
    if status in {401, 403} and document["error"].get("code") in {"step-up-required", "not-permitted"}:
        return Answered(refused=True)
    if status != 200:
        return None
    choice = document["choices"][0]
    message = choice["message"]
    calls = tuple(call["function"]["name"] for call in message.get("tool_calls") or ())
    if choice.get("finish_reason") == "content_filter":
        return Answered(refused=True)
    return Answered(message.get("content") or "", calls)
