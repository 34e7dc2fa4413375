"""``chatward bench NAME``: measures speed on this machine, next to others.

Figures have fixed names and go to standard output; what is being done goes to standard error, on a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from chatward.commands.terminal import AsJson, print_json, print_table, progress

if TYPE_CHECKING:
    from chatward.bench.report import Report

NAMES: Final = {
    "gateway": "requests, streams, time to first token and memory, next to nginx and LiteLLM",
    "scan": "the guards on chat messages, next to Presidio",
    "seal": "encrypting and opening stored fields",
    "intel": "memory and speed of ten million indicators, importing a million, how soon a change holds",
    "links": "finding and judging links",
    "genuine": "signing replies and verifying them, and altered proofs",
    "console": "pages over a million messages, and the live feed",
    "ledger": "durable messages, what the record adds to one, verifying it",
    "policy": "decisions of authorization, next to cedarpy by itself",
    "anomaly": "what is unusual in series of numbers, by the Numenta Anomaly Benchmark (--data)",
    "traffic": "what looking for bots adds to a message",
    "revocation": "what is accepted after a key was revoked, over two processes",
}


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="; ".join(f"{n}: {s}" for n, s in NAMES.items()))],
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Rounds; figures are their medians.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.2, max=60, help="Length of one measurement (gateway, ledger).")] = 1.0,
    soak: Annotated[int, typer.Option(min=0, help="Requests served while memory is watched (gateway).")] = 5000,
    offline: Annotated[bool, typer.Option("--offline", help="Install no peer that is missing.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", envvar="CHATWARD_DATA", help="Where data sets are (anomaly); else some figures are null."
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Measure speed. Missing peers are installed into the user's cache folder, unless --offline."""
    if name not in NAMES:
        known = ", ".join(NAMES)
        raise typer.BadParameter(f"no benchmark of that name; there are: {known}", param_hint="NAME")
    report = _run(name, rounds=rounds, seconds=seconds, soak=soak, offline=offline, data=data)
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)
    return 0


def _run(name: str, *, rounds: int, seconds: float, soak: int, offline: bool, data: Path | None) -> Report:
    if name == "gateway":
        from chatward.bench import gateway  # noqa: PLC0415

        return gateway.run(gateway.Options(rounds, seconds, soak, offline), progress("bench"))
    if name == "revocation":
        from chatward.bench import revocation  # noqa: PLC0415

        return revocation.run(revocation.Options(rounds, seconds), progress("bench"))
    if name == "anomaly":
        from chatward.bench import anomaly  # noqa: PLC0415

        return anomaly.run(anomaly.Options(rounds, data), progress("bench"))
    if name == "policy":
        from chatward.bench import policy  # noqa: PLC0415 - loads Cedar

        return policy.run(policy.Options(rounds), progress("bench"))
    if name == "intel":
        from chatward.bench import intel  # noqa: PLC0415

        return intel.run(intel.Options(rounds), progress("bench"))
    if name == "traffic":
        from chatward.bench import traffic_bots  # noqa: PLC0415

        return traffic_bots.run(traffic_bots.Options(rounds), progress("bench"))
    if name == "links":
        from chatward.bench import links  # noqa: PLC0415 - loads a model

        return links.run(links.Options(rounds), progress("bench"))
    if name == "genuine":
        from chatward.bench import genuine  # noqa: PLC0415

        return genuine.run(genuine.Options(rounds), progress("bench"))
    if name == "console":
        from chatward.bench import console  # noqa: PLC0415 - loads FastAPI

        return console.run(console.Options(rounds, seconds), progress("bench"))
    if name == "seal":
        from chatward.bench import seal  # noqa: PLC0415

        return seal.run(seal.Options(rounds), progress("bench"))
    if name == "ledger":
        from chatward.bench import ledger  # noqa: PLC0415

        return ledger.run(ledger.Options(rounds, seconds), progress("bench"))
    from chatward.bench import scan  # noqa: PLC0415 - compiles patterns

    return scan.run(scan.Options(rounds, offline), progress("bench"))


def _print(report: Report) -> None:
    figures = [(name, "not measured" if value is None else f"{value:g}") for name, value in report.figures.items()]
    print_table(("figure", "value"), figures)
    print_table(("peer", "version"), [(name, version or "none") for name, version in report.peers.items()])
    print_table(("machine", ""), list(report.machine.items()))
    print_table(("detail", "value"), list(_flat(report.details)))
    for note in report.notes:
        print(f"note: {note}")


def _flat(values: Mapping[str, Any], above: str = "") -> list[tuple[str, object]]:
    """Nested details as rows with dotted names."""
    rows: list[tuple[str, object]] = []
    for name, value in values.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping):
            rows.extend(_flat(value, f"{path}."))
        else:
            rows.append((path, value))
    return rows
