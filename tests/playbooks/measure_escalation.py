"""Measures ``session.escalation``: false alarms on ordinary dialogues, recall on attacks, cost.

    python -m tests.playbooks.measure_escalation DATA [--sample 400] [--models MODULE:FACTORY]

``DATA`` is a directory of corpora with ``dialogues``, ``injection/cosafe.jsonl.gz`` and ``abuse/convabuse.jsonl.gz``.
Every prefix of every conversation that ends with a person's turn is one request, as a gateway sees them; a
conversation counts as flagged where any of its requests has a finding that counts. Prints one JSON object. Models are
the shipped ones unless ``--models`` names a factory of others.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from chatward.core.values import Source
from chatward.guards.session.escalation import COUNTS, EscalationGuard
from tests.playbooks.escalations import HARMLESS, playbooks, requests

Turns = Sequence[tuple[Source, str]]
DIALOGUES = ("sgd", "taskmaster", "topical_chat", "crosswoz", "oasst_trees", "chatterbot_corpus")
_SIDES = {"user": Source.USER, "assistant": Source.BOT}


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def dialogues(data: Path, name: str, sample: int) -> list[Turns]:
    found = [
        [(_SIDES[turn["role"]], turn["text"]) for turn in row["turns"] if turn["role"] in _SIDES]
        for row in rows(data / "dialogues" / f"{name}.jsonl.gz")
    ]
    return found if len(found) <= sample else random.Random(0).sample(found, sample)


def convabuse(data: Path, sample: int) -> list[Turns]:
    found: list[Turns] = []
    for row in rows(data / "abuse" / "convabuse.jsonl.gz"):
        said = [*row.get("previous", ()), row["text"]]
        # The newest is the person's; the ones before it alternate.
        turns = [(Source.USER if place % 2 == 0 else Source.BOT, text) for place, text in enumerate(reversed(said))]
        found.append(turns[::-1])
    return found if len(found) <= sample else random.Random(0).sample(found, sample)


def cosafe(data: Path) -> dict[str, list[Turns]]:
    found: dict[str, list[Turns]] = defaultdict(list)
    for row in rows(data / "injection" / "cosafe.jsonl.gz"):
        if row.get("in_train"):
            continue
        turns = [(_SIDES[role], text) for role, text in row["context"]]
        found[row["attack"].partition("/")[2]].append([*turns, (Source.USER, row["text"])])
    return found


class Runner:
    """Sends conversations through one guard, as a gateway would, and times it."""

    def __init__(self, models: Callable[[], Any]) -> None:
        self.guard = EscalationGuard(models)
        self.times: list[float] = []

    def rules(self, turns: Turns) -> set[str]:
        """The rules that count at any turn of a conversation."""
        found: set[str] = set()
        for exchange in requests(turns):
            began = time.perf_counter()
            said = self.guard.weigh_exchange(exchange)
            self.times.append(time.perf_counter() - began)
            found |= {finding.rule.partition("/")[2] for finding in said.findings if finding.confidence >= COUNTS}
        return found

    def alarms(self, conversations: Iterable[Turns]) -> dict[str, Any]:
        """How many conversations, and how many requests of them, were flagged, and by which rules."""
        by_rule: Counter[str] = Counter()
        flagged = total = asked = 0
        for turns in conversations:
            found = self.rules(turns)
            by_rule.update(found)
            flagged += bool(found)
            total += 1
            asked += sum(source is Source.USER for source, _ in turns)
        share = round(flagged / total, 4) if total else None
        return {"conversations": total, "requests": asked, "flagged": flagged, "share": share, "rules": dict(by_rule)}


def written(runner: Runner) -> dict[str, Any]:
    """Recall by rule and language on the playbooks, and what was missed or wrongly flagged."""
    hit: Counter[str] = Counter()
    total: Counter[str] = Counter()
    wrong: list[str] = []
    for book in playbooks():
        found = runner.rules(book.turns)
        right = not found if book.kind == HARMLESS else bool(found)
        group = "held out" if book.held_out else "own"
        for name in (
            f"{group}/{book.kind}",
            f"{group}/{book.language}/{'harmless' if book.kind == HARMLESS else 'attack'}",
        ):
            hit[name] += right
            total[name] += 1
        if not right:
            wrong.append(f"{group} {book}: {sorted(found) or 'missed'}")
    return {"right": {name: f"{hit[name]}/{total[name]}" for name in sorted(total)}, "wrong": wrong}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--models", default="chatward.models.cascade:shipped")
    options = parser.parse_args(arguments)
    module, _, factory = options.models.partition(":")
    runner = Runner(getattr(importlib.import_module(module), factory))
    figures: dict[str, Any] = {"playbooks": written(runner), "false_alarms": {}, "cosafe": {}}
    for name in DIALOGUES:
        figures["false_alarms"][name] = runner.alarms(dialogues(options.data, name, options.sample))
    figures["false_alarms"]["convabuse"] = runner.alarms(convabuse(options.data, options.sample))
    attacks = cosafe(options.data)
    for name, conversations in sorted(attacks.items()):
        figures["cosafe"][name] = runner.alarms(conversations)["share"]
    flagged = sum(figures["cosafe"][name] * len(conversations) for name, conversations in attacks.items())
    figures["cosafe"]["all"] = round(flagged / max(1, sum(map(len, attacks.values()))), 4)
    times = sorted(runner.times)
    figures["ms"] = {f"p{q}": round(times[int(len(times) * q / 100)] * 1e3, 3) for q in (50, 90, 99)}
    json.dump(figures, sys.stdout, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main(sys.argv[1:])
