"""Drills: what counts, when it is due again, and the controls that rest on it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chatward import cli
from chatward.assurance.controls import REPORTS
from chatward.assurance.drills import KINDS, Drill, drills, lacking, newest
from chatward.assurance.evidence import Context, Control, Seen
from chatward.assurance.tasks import DAY
from chatward.core.events import Event
from chatward.ledger.reading import tail
from chatward.privacy.requirements import Status
from chatward.settings import Settings
from chatward.settings.assurance import Assurance, Drills
from tests.assurance.making import NOW

RESTING = [control for controls in REPORTS.values() for control in controls if control.drill]


def state(control: Control, *known: Drill, days: int = 30, now: float = NOW) -> tuple[Status, str]:
    """Of a control that is switched on and on record; it is not tried."""
    as_it_is = {slot: getattr(control, slot) for slot in Control.__slots__}
    on = Control(**{**as_it_is, "on": lambda settings: True, "probe": None})
    settings = replace(Settings(), assurance=Assurance(drills=Drills(**dict.fromkeys(KINDS, days))))
    seen = dict.fromkeys(control.evidence, Seen(1, 0, 0))
    return on.status(Context(settings, seen, None, newest(known), now))


@pytest.mark.parametrize("control", RESTING, ids=[f"{one.catalogue}-{one.id}" for one in RESTING])
def test_a_control_is_stale_without_its_drill(control: Control) -> None:
    done = Drill(control.drill, NOW - 30 * DAY, good=True)
    assert state(control, done) == (Status.OBSERVED, "")
    assert state(control, days=0) == (Status.OBSERVED, ""), "none is asked for"
    other = next(kind for kind in KINDS if kind != control.drill)
    for known, now, word in (
        ((), NOW, "no drill"),
        ((Drill(other, NOW, good=True),), NOW, "no drill"),
        ((done,), NOW + 1, "older than 30 days"),
        ((done, Drill(control.drill, NOW, good=False)), NOW, "failed"),
        ((Drill(control.drill, NOW, good=False), done), NOW, "failed"),
    ):
        found, why = state(control, *known, now=now)
        assert found is Status.UNOBSERVED
        assert word in why


def test_every_kind_has_a_control_that_rests_on_it() -> None:
    assert {one.drill for one in RESTING} == KINDS.keys()


def test_a_drill_is_on_record_and_in_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    Path("chatward.toml").write_text('upstream = "http://127.0.0.1:9"\n[ledger]\npath = "ledger.db"\n', "utf-8")

    def run(*words: str) -> tuple[int, Any]:
        status = cli.main(["drill", *words, "--json"])
        return status, json.loads(capsys.readouterr().out)

    assert {one["why"] for one in run("list")[1]["drills"]} == {f"there is no drill of it: {kind}" for kind in KINDS}
    Path("minutes.txt").write_text("all went well", "utf-8")
    for kind in KINDS:
        assert run("record", kind, "--by", "ann", "--evidence", "minutes.txt")[0] == 0
    status, told = run("list")
    assert (status, told["ok"]) == (0, True)
    assert run("record", "restore", "--by", "ann", "--failed")[0] == 0
    status, told = run("list")
    assert (status, [one["kind"] for one in told["drills"] if one["why"]]) == (1, ["restore"])
    for words in (["surprise", "--by", "a"], ["restore", "--by", " "], ["restore", "--by", "a", "--on", "2999-01-01"]):
        assert run("record", *words)[0] == 2
    recorded = [one for one in tail(Path("ledger.db"), 9) if one.event == Event.DRILL_RECORDED.value]
    assert recorded[0].fields["sha256"] == hashlib.sha256(b"all went well").hexdigest()
    assert [one.kind for one in drills(recorded)] == [*KINDS, "restore"]
    assert lacking("restore", Drills(), newest(drills(recorded)), NOW).startswith("its last drill failed")
