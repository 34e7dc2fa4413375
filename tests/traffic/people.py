"""How many people would be challenged, by recordings of them: ``python -m tests.traffic.people FOLDER``.

FOLDER holds recordings that are not part of this repository: ``*_keystrokes.txt`` (with tabs, PRESS_TIME and
RELEASE_TIME of every key, by sentence; Dhakal et al., "Observations on Typing from 136 Million Keystrokes", CHI 2018)
and sessions of a mouse (``session_*`` with one movement a line, Balabit's Mouse Dynamics Challenge; ``human*.csv`` with
one event a line, as pages that record people for a captcha write them). A session is three messages: sentences of one
typist, movements of one mouse, one browser, and what people do besides: paste, dictate, use the keyboard alone, open
the developer tools, stay in full screen. All are drawn by a seed.
"""

from __future__ import annotations

import asyncio
import csv
import math
import random
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from chatward.guards.traffic.weights import WEIGHTS
from chatward.settings.traffic import TrafficSettings
from tests.simulators.traffic import BROWSER, World, caller, reported, visitor

SESSIONS: Final = 20_000
CHALLENGED: Final = 30
CHROME: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
HINTS: Final = {
    "sec-ch-ua": '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
    "sec-ch-ua-platform": '"Windows"',
    "sec-ch-ua-mobile": "?0",
}
BROWSERS: Final[tuple[dict[str, str], ...]] = (
    BROWSER,
    {name: BROWSER[name] for name in ("host", "accept", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest",
                                      "accept-encoding", "accept-language")} | {"user-agent": CHROME} | HINTS,
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """One typed sentence: milliseconds."""

    text: str
    presses: Sequence[float]
    releases: Sequence[float]

    def keys(self, stretch: float) -> tuple[list[int], int]:
        """As the page's script reports it, typed ``stretch`` times as slowly; and how long it took."""
        down, up = ([one * stretch for one in times] for times in (self.presses, self.releases))
        dwells = [end - begin for begin, end in zip(down, up, strict=True)]
        gaps: list[float] = []
        overlaps = 0
        for at in range(1, len(down)):
            held = any(end > down[at] for end in up[:at])
            overlaps += held
            gaps.append(-1 if held else down[at] - max(up[:at]))
        steps = [b - a for a, b in pairwise(down) if b - a < 2000]
        variation = 100 * statistics.pstdev(steps) / max(statistics.mean(steps), 1) if steps else 0
        numbers = [len(down), statistics.median_high(dwells), statistics.median_high(gaps or [0]), variation, overlaps]
        return [round(number) for number in numbers], round(down[-1] - down[0])


def typists(folder: Path) -> list[list[Sentence]]:
    """Sentences by person."""
    found: dict[str, dict[str, Sentence]] = {}
    for path in sorted(folder.rglob("*_keystrokes.txt")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows: dict[tuple[str, str], list[dict[str, str]]] = {}
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                rows.setdefault((row["PARTICIPANT_ID"], row["TEST_SECTION_ID"]), []).append(row)
        for (person, section), keys in rows.items():
            letters = [one for one in keys if len(one["LETTER"] or " ") == 1]
            letters.sort(key=lambda one: float(one["PRESS_TIME"]))
            presses = [float(one["PRESS_TIME"]) for one in letters]
            releases = [float(one["RELEASE_TIME"]) for one in letters]
            if len(letters) >= 10:
                found.setdefault(person, {})[section] = Sentence(letters[0]["USER_INPUT"], presses, releases)
    return [list(sentences.values()) for sentences in found.values()]


def movements(folder: Path) -> list[int]:
    """How often each mouse moved in half a minute."""
    found = []
    for path in sorted(folder.rglob("session_*")):
        with path.open(encoding="utf-8") as lines:
            times = [float(line.split(",")[0]) for line in lines if line[:1].isdigit() and "Move" in line]
        if times:
            found.append(sum(time - times[0] < 30 for time in times))
    for path in sorted(folder.rglob("human*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            events = [row for row in csv.DictReader(lines) if row["event_type"] == "mousemove"]
        for who in dict.fromkeys(row["session_id"] for row in events):
            times = [float(row["timestamp"]) / 1000 for row in events if row["session_id"] == who]
            found.append(sum(time - times[0] < 30 for time in times))
    return found


def at_most(count: int, of: int) -> float:
    """Below which share the true one is, with 95 % confidence (Wilson's score interval, one-sided)."""
    z, share = 1.645, count / of
    middle, spread = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    return (middle + spread) / (1 + z * z / of)


async def session(
    world: World, number: int, pick: random.Random, typist: list[Sentence], moved: int
) -> tuple[int, set[str]]:
    """The lowest score of three messages, and what was seen."""
    who, browser = visitor(number), BROWSERS[pick.randrange(2)]
    token = world.parts.tokens.page(f"{who.id}/{who.session}")
    habits = {name for name, share in (("keyboard", 0.05), ("tools", 0.01), ("full", 0.02)) if pick.random() < share}
    lowest, signals = 99, set[str]()
    for turn in range(3):
        sentence = pick.choice(typist)
        keys, took = sentence.keys(pick.uniform(0.8, 1.25))
        said: dict[str, Any] = {"u": browser["user-agent"], "k": keys, "y": took, "e": len(sentence.text), "i": keys[0]}
        how = pick.random()
        if how < 0.08:
            said |= {"p": said["e"], "k": [0, 0, 0, 0, 0], "i": 1}
        elif how < 0.11:
            said |= {"s": said["e"], "k": [0, 0, 0, 0, 0], "i": pick.randint(1, 4)}
        said["m"] = 0 if "keyboard" in habits else moved
        said["c"] = int("tools" in habits)
        if "full" in habits:
            said["o"] = [1920, 1080, 1920, 1080]
        headers = {**browser, "x-chatward-page": reported(token, turn, **said)["x-chatward-page"]}
        watched = await world.say(caller(headers, principal=who), sentence.text, turns=turn + 1)
        world.clock.now += 2
        watched.end()
        world.clock.now += took / 1000 + pick.uniform(0.5, 20)
        lowest = min(lowest, watched.seen.score)
        signals.update(watched.seen.signals)
    return lowest, signals


async def measure(folder: Path, sessions: int = SESSIONS) -> dict[str, Any]:
    people, mice, pick = typists(folder), movements(folder), random.Random(1)
    world = World(TrafficSettings(enabled=True))
    near = world.parts.near
    scores, seen, why = [], Counter[str](), Counter[str]()
    for number in range(sessions):
        if number % 3 == 0:  # the same 45 sentences over and over: nobody's near-duplicates
            near._groups.clear()
            near._bands.clear()
        score, signals = await session(world, number, pick, pick.choice(people), pick.choice(mice))
        scores.append(score)
        seen.update(signals)
        if score < CHALLENGED:
            why[" ".join(sorted(one for one in signals if WEIGHTS[one] < 0))] += 1
    challenged = sum(score < CHALLENGED for score in scores)
    return {
        "typists": len(people),
        "sentences": sum(map(len, people)),
        "mice": len(mice),
        "sessions": sessions,
        "challenged": challenged,
        "challenged_percent": 100 * challenged / sessions,
        "challenged_percent_at_most": 100 * at_most(challenged, sessions),
        "slowed_percent": 100 * sum(score < 40 for score in scores) / sessions,
        "signals": dict(seen.most_common()),
        "why": dict(why.most_common()),
    }


if __name__ == "__main__":
    for name, value in asyncio.run(measure(Path(sys.argv[1]))).items():
        print(name, value)
