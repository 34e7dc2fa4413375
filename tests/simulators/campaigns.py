"""Tenants whose people chat, and campaigns among them: observations in order of time, the same for the same seed.

Benign traffic has what looks like a campaign and is none: popular questions, an outage about which everybody asks at
once, a button that hundreds of newcomers press, a training where a whole office asks the same, a program that sends one
prompt all night, people whose messages are refused by mistake. ``python -m tests.simulators.campaigns SESSIONS`` prints
what comes of it, as one JSON object.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatward.behaviour.analyst import Analyst
from chatward.behaviour.incidents import Incidents
from chatward.behaviour.store import BehaviourStore
from chatward.core.observing import Observation
from chatward.stores.database import Database

DAY = 86_400.0
START = 1_700_006_400.0 - 1_700_006_400.0 % DAY
TENANTS = ("north", "south", "east", "west")
WORDS = (  # noqa: SIM905 - read more easily than a list
    "account order invoice delivery parcel refund address password reset email phone number change cancel contract "
    "price offer product size colour stock shop store opening hours appointment booking ticket seat flight train "
    "delay claim insurance doctor medicine dose prescription tax form salary holiday request manager team project "
    "report summary table chart code error message function install update version screen keyboard printer network "
    "please help need want find show tell explain write translate compare check send why how when where what who my "
    "our your the a this that is are was has have can could would should not with without for from about into again "
    "yesterday today tomorrow morning evening week month year first last next new old same other many few long short"
).split()


@dataclass
class World:
    """``sessions`` of benign traffic over ``days``; ``campaigns`` of each kind in the second half."""

    seed: int = 1
    sessions: int = 100_000
    days: float = 14.0
    campaigns: int = 2
    of: dict[str, str] = field(default_factory=dict)
    """Request -> the campaign that it is part of."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._count = 0
        pick = self._random
        self._faq = [self._sentence(pick.randint(7, 16)) for _ in range(200)]
        self._offices = [f"198.51.{pick.randrange(100)}" for _ in range(30)]

    def observations(self) -> list[Observation]:
        made = [one for session in self._benign() for one in session]
        for kind in ("jailbreak", "scraping", "probing", "slow", "tools"):
            for which in range(self.campaigns):
                made += self._campaign(kind, which)
        return sorted(made, key=lambda one: one.at)

    # --- ordinary people

    def _sentence(self, words: int) -> str:
        return " ".join(self._random.choice(WORDS) for _ in range(words)).capitalize() + "?"

    def _moment(self) -> float:
        """More by day than by night, less at weekends."""
        pick = self._random
        while True:
            at = pick.random() * self.days * DAY
            hour, day = at / 3600 % 24, int(at / DAY) % 7
            busy = max(0.05, math.sin((hour - 6) / 16 * math.pi)) * (0.4 if day >= 5 else 1.0)
            if pick.random() < busy:
                return START + at

    def _address(self) -> str:
        pick = self._random
        if pick.random() < 0.3:
            return f"{pick.choice(self._offices)}.{pick.randrange(256)}"
        return f"{pick.randrange(11, 190)}.{pick.randrange(256)}.{pick.randrange(256)}.{pick.randrange(256)}"

    def _benign(self) -> Iterator[list[Observation]]:
        pick = self._random
        events = max(1, self.sessions // 25_000)
        special = min(0.25, 600 * events / self.sessions)
        outages = [START + (0.2 + 0.7 * pick.random()) * self.days * DAY for _ in range(events)]
        buttons = [(self._sentence(9), START + 0.8 * pick.random() * self.days * DAY) for _ in range(events)]
        trainings = [
            (self._sentence(10), f"203.0.{pick.randrange(256)}", START + pick.random() * self.days * DAY)
            for _ in range(events)
        ]
        for _ in range(int(self.sessions * (1 - special))):
            yield self._session(self._moment())
        for event in range(events):
            for _ in range(200):  # an outage: all ask, each in words of their own, within the hour
                words = pick.sample(["service", "down", "not", "working", "login", "error", "page", "app", "again"], 5)
                text = f"Is the {' '.join(words)} {self._sentence(pick.randint(2, 8))}"
                yield self._session(outages[event] + pick.expovariate(1 / 1800), first=text)
            text, at = buttons[event]
            for _ in range(350):  # a button for newcomers: word for word the same
                yield self._session(at + pick.random() * 2 * DAY, first=text)
            text, block, at = trainings[event]
            for _ in range(50):  # an office in a training: the same block, within the hour
                yield self._session(at + pick.random() * 3600, first=text, address=f"{block}.{pick.randrange(256)}")
        job = "Summarise the following ticket in two sentences for our weekly report, number"
        for night in range(int(self.days)):  # a program with a key
            at = START + night * DAY + 7200
            for turn in range(40):
                at += 2 + pick.random()
                who = ("south", "key:nightly", "service", "192.0.2.7", f"job-{night}-{turn}")
                yield [self._message(at, who, f"{job} {turn}: {self._sentence(20)}")]

    def _session(self, at: float, first: str = "", address: str = "") -> list[Observation]:
        pick = self._random
        tenant = pick.choice(TENANTS)
        self._count += 1
        person = pick.random() < 0.4
        name = f"person:{tenant}-{int(pick.paretovariate(0.6)) % 5000}" if person else f"visitor:{self._count}"
        who = (tenant, name, "person" if person else "visitor", address or self._address(), f"s{self._count}")
        found = []
        for turn in range(min(1 + int(pick.expovariate(0.5)), 15)):
            text = first if first and not turn else self._text()
            found.append(self._message(at, who, text))
            at += 4 + len(text) / pick.uniform(2, 8) + pick.expovariate(1 / 25)
        return found

    def _text(self) -> str:
        pick = self._random
        if pick.random() < 0.35:
            return self._faq[min(int(pick.paretovariate(0.5)) - 1, 199)]
        return self._sentence(pick.randint(3, 40))

    def _message(
        self,
        at: float,
        who: tuple[str, str, str, str, str],
        text: str,
        *,
        refused: float = 0.004,
        tools: tuple[str, ...] = (),
        campaign: str = "",
    ) -> Observation:
        pick = self._random
        tenant, name, kind, address, session = who
        self._count += 1
        request = f"r{self._count}"
        if campaign:
            self.of[request] = campaign
        rules: tuple[str, ...] = ()
        action = "allow"
        if pick.random() < refused:
            action, rules = "block", ("text.injection/direct",)
        elif pick.random() < 0.04:
            action, rules = "redact", ("text.pii/email",)
        if not tools and pick.random() < 0.1:
            tools = (pick.choice(("search", "lookup_order", "book")),)
        took = pick.lognormvariate(0.2, 0.6)
        return Observation(
            request, at, tenant, name, kind, f"{tenant}-bot", address, session, action, rules, tools, len(text), 400,
            took, text,
        )  # fmt: skip

    # --- campaigns

    def _campaign(self, kind: str, which: int) -> list[Observation]:
        pick, name = self._random, f"{kind}-{which}"
        tenant = pick.choice(TENANTS)
        begin = START + (0.5 + 0.4 * pick.random()) * self.days * DAY
        found: list[Observation] = []
        subject = self._sentence(18)
        sessions = {"jailbreak": 120, "scraping": 80, "probing": 30, "slow": 60, "tools": 25}[kind]
        base = f"{pick.randrange(11, 190)}.{pick.randrange(256)}.{pick.randrange(256)}"
        at = begin
        for number in range(sessions):
            session, person = f"{name}-{number}", f"visitor:{name}-{number}"
            if kind == "jailbreak":  # one text in many wordings from everywhere; the guards catch a part
                at += pick.expovariate(1 / 60)
                who = (tenant, person, "visitor", self._address(), session)
                found.append(self._message(at, who, self._mutated(subject), refused=0.35, campaign=name))
            elif kind == "slow":  # the same over two days
                at += pick.expovariate(1 / (2 * DAY / sessions))
                who = (tenant, person, "visitor", self._address(), session)
                found.append(self._message(at, who, self._mutated(subject), refused=0.25, campaign=name))
            elif kind == "scraping":  # a template with numbers, written by no hand; nothing is refused
                at += pick.expovariate(1 / 20)
                who = (tenant, person, "visitor", f"{base}.{pick.randrange(256)}", session)
                then = at
                for _ in range(6):
                    text = f"{subject} Item {pick.randrange(10**6)}"
                    found.append(self._message(then, who, text, refused=0.0, campaign=name))
                    then += found[-1].took + 0.3 + pick.random() * 0.5
            elif kind == "probing":  # one person tries all the evening
                at += pick.expovariate(1 / 240)
                who = (tenant, f"person:{name}", "person", f"{base}.9", session)
                then = at
                for _ in range(4):
                    found.append(self._message(then, who, self._sentence(20), refused=0.5, campaign=name))
                    then += 15 + pick.random() * 20
            else:  # newcomers of one block, no two texts alike, after tools that nobody uses
                at += pick.expovariate(1 / 300)
                who = (tenant, person, "visitor", f"{base}.{pick.randrange(256)}", session)
                then = at
                for turn in range(5):
                    tools = (f"admin_{pick.randrange(40)}", f"export_{turn}")
                    text = self._sentence(25)
                    found.append(self._message(then, who, text, refused=0.5, tools=tools, campaign=name))
                    then += 20 + pick.random() * 30
        return found

    def _mutated(self, text: str) -> str:
        pick = self._random
        words = text.split()
        for _ in range(2):
            words[pick.randrange(len(words))] = pick.choice(WORDS)
        return " ".join([pick.choice(("Hi!", "Please:", "hey", "")), *words, pick.choice(("thanks", "now", ""))])


def outcome(world: World, **settings: Any) -> dict[str, Any]:
    """What behaviour makes of a world: incidents of campaigns and of nothing, alerts folded, campaigns lost, time."""
    folding = Incidents(b"k" * 32, **settings)
    names: dict[str, set[str]] = {}
    benign: dict[str, list[str]] = {}
    folded: dict[str, int] = {}
    alerts = {"benign": 0, "campaigns": 0}
    began = time.process_time()
    clock = [START]
    analyst = Analyst(b"k" * 32, BehaviourStore(Database(None)), folding=folding, clock=lambda: clock[0])
    raise_, count = analyst._raise, [0]
    current = [""]

    def told(alert: Any, incident: str) -> None:
        of = world.of.get(current[0], "")
        alerts["campaigns" if of else "benign"] += 1
        if incident:
            folded[incident] = folding.open[incident].alerts
            (names.setdefault(incident, set()).add(of) if of else benign.setdefault(incident, []).append(alert.signal))
        raise_(alert, incident)
        analyst._pending.clear()

    analyst._raise = told  # type: ignore[method-assign]
    saved = START
    for seen in world.observations():
        current[0], clock[0] = seen.request, seen.at
        analyst.learn(seen)
        count[0] += 1
        if seen.at - saved > 6 * 3600:
            saved = seen.at
            analyst.save()
    campaigns = set(world.of.values())
    found = set().union(*names.values()) if names else set()
    of_campaigns = [folded[id] for id in names]
    false = sorted(benign.keys() - names.keys())
    return {
        "benign_sessions": world.sessions,
        "observations": count[0],
        "campaigns": len(campaigns),
        "lost": sorted(campaigns - found),
        "benign_incidents": len(false),
        "benign_incidents_per_100000": round(len(false) * 1e5 / world.sessions, 2),
        "benign_because": [sorted(set(benign[id])) for id in false],
        "campaign_incidents": len(names),
        "alerts_folded_min": min(of_campaigns, default=0),
        "alerts_folded_mean": round(sum(of_campaigns) / max(len(of_campaigns), 1), 1),
        "alerts_folded_of_each": {id: [sorted(names[id]), folded[id]] for id in names},
        "alerts": alerts,
        "us_per_observation": round((time.process_time() - began) / max(count[0], 1) * 1e6, 1),
        "entities": len(analyst.baselines.rows),
    }


if __name__ == "__main__":
    print(json.dumps(outcome(World(sessions=int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))))
