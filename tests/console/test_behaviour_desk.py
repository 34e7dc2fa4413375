"""Alerts and incidents for programs: who may read them, who may suppress one, and that both are on record."""

from __future__ import annotations

import pytest

from chatward.behaviour.store import BehaviourStore
from chatward.behaviour.values import Alert, Deviation
from chatward.console.behaviour_desk import BehaviourDesk
from chatward.stores.database import Database

PEOPLE = {"ann": ["admin"], "olga": ["operator"], "ana": ["analyst"], "aud": ["auditor"], "ruth": ["read-only"]}
STATE = {"tenant": "default", "alerts": 30, "size": 12, "because": {"refused": 2.0}, "signals": {"duplicates": 30},
         "keys": ["text:secret-key"], "texts": {"c": [1, 2]}, "sessions": [7], "bots": ["b"]}  # fmt: skip


@pytest.fixture
def it(house):
    store, written = BehaviourStore(Database(None)), []
    told = Deviation("refused", 9.0, 0.1, 6.5, 4.0, 30.0, 0.8)
    alert = Alert(1.0, "default", "principal", "person:1", "b", "extreme", (told,), ("r1", "r2"))
    store.add([(alert, "inc-1")])
    store.put_incidents([("inc-1", 1.0, 2.0, STATE)])
    made = house(PEOPLE, behaviour=BehaviourDesk(store, written.append))
    return made, store, written


async def program(house, name):
    browser = house.browser()
    assert (await browser.sign_in(name)).status_code == 303
    browser.headers["x-csrf-token"] = (await browser.get("/api/v1/session")).json()["csrf"]
    browser.headers["accept"] = "application/json"
    return browser


async def test_alerts_name_features_baseline_and_evidence(it):
    house, _, _ = it
    browser = await program(house, "ruth")
    (alert,) = (await browser.get("/api/v1/behaviour/alerts")).json()["alerts"]
    assert alert["deviations"][0] == {"feature": "refused", "value": 9.0, "expected": 0.1, "score": 6.5,
                                      "threshold": 4.0, "windows": 30.0, "own": 0.8}  # fmt: skip
    assert (alert["evidence"], alert["entity"], alert["incident"]) == (["r1", "r2"], "person:1", "inc-1")
    told = await browser.get("/api/v1/behaviour/incidents")
    assert told.json()["incidents"][0]["size"] == 12
    assert "secret-key" not in told.text  # what only this software compares stays here
    assert (await browser.get("/api/v1/behaviour/alerts", params={"incident": "inc-2"})).json()["alerts"] == []
    assert (await browser.get("/api/v1/behaviour/alerts", params={"limit": "0"})).status_code == 400


PATH = "/api/v1/behaviour/incidents/inc-1/suppression"
GIVEN = {"reason": "a drill", "hours": 2}


@pytest.mark.parametrize(
    ("who", "status"), [("ann", 200), ("olga", 200), ("ana", 200), ("aud", 403), ("ruth", 403)]
)  # fmt: skip
async def test_who_may_suppress(it, who, status):
    house, store, written = it
    browser = await program(house, who)
    assert (await browser.post(PATH, json=GIVEN)).status_code == status
    assert bool(store.suppressions()) == bool(written) == (status == 200)
    if status == 200:
        assert written[0].fields["by"] == house.access.operators.named(who).id
        assert "drill" not in str(written[0].fields)
        assert (await browser.delete(PATH)).json()["suppressed"] is None
        assert written[1].fields["ended"] == "lifted"


async def test_nobody_unknown_reads_them(it):
    house, _, _ = it
    assert (await house.browser().get("/api/v1/behaviour/alerts")).status_code in {401, 303, 403}


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        (PATH.replace("inc-1", "inc-9"), GIVEN, 404),
        (PATH, {"reason": " ", "hours": 2}, 400),
        (PATH, {"reason": "x"}, 400),
        (PATH, {"reason": "x", "hours": 0}, 400),
        (PATH, {"reason": "x", "hours": 1e9}, 400),
        (PATH, {"reason": "x", "hours": 1, "owner": "somebody else"}, 400),
    ],
    ids=["unknown", "no-reason", "no-end", "over", "for-ever", "for-another"],
)
async def test_what_is_no_suppression(it, path, given, status):
    house, store, written = it
    browser = await program(house, "olga")
    assert (await browser.post(path, json=given)).status_code == status
    assert store.suppressions() == {}
    assert written == []


async def test_where_nothing_is_learnt(house):
    browser = await program(house(PEOPLE), "olga")
    assert (await browser.get("/api/v1/behaviour/incidents")).json() == {"enabled": False, "incidents": []}
    answer = await browser.post(PATH, json=GIVEN)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "behaviour-off")
