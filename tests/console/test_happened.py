"""What happened, as an index of a real ledger: whole, rebuilt at will, and never further than the ledger."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.console.asking import asked
from chatward.console.happened import Happened
from chatward.console.seeing import Seeing
from tests.console.conftest import NOW, SCENE, StoredRecord, appended, exchange, seen, written


def everything(happened: Happened) -> dict[str, list]:
    return {
        "judged": sorted(happened.rows("SELECT * FROM judged")),
        "findings": sorted(happened.rows("SELECT * FROM findings")),
        "traffic": sorted(happened.rows("SELECT * FROM traffic")),
    }


def test_every_verdict_is_there_once_and_nothing_else(scene):
    it = seen(scene)
    rows = it.happened.rows("SELECT seq, side, action FROM judged ORDER BY seq")
    assert len(rows) == sum(event != "reply:output:started" for event, _, _ in SCENE) == len(SCENE)
    assert [action for _, _, action in rows] == [fields["action"] for _, _, fields in SCENE]
    assert it.happened.seq == len(SCENE)


def test_a_reply_has_bot_and_caller_of_its_message(scene):
    it = seen(scene)
    for reply in it.happened.rows("SELECT exchange, bot, principal FROM judged WHERE side = 'reply'"):
        [message] = it.happened.rows(
            "SELECT exchange, bot, principal FROM judged WHERE side = 'message' AND exchange = ?", (reply[0],)
        )
        assert reply == message
        assert reply[1] == "main"


def test_a_reply_that_comes_after_a_restart_has_them_too(tmp_path):
    message, reply = exchange(1)
    ledger = written(tmp_path / "l.db", [message])
    Happened(ledger, tmp_path / "i.db", pause=0).catch_up(None)
    appended(ledger, reply)
    again = Happened(ledger, tmp_path / "i.db", pause=0)
    again.catch_up(None)
    [[bot, principal]] = again.rows("SELECT bot, principal FROM judged WHERE side = 'reply'")
    assert (bot, principal) == ("main", "key:0000000000000001")


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 60), max_size=6))
def test_in_whatever_steps_it_is_taken_the_index_is_the_same(scene, cuts):
    at_once = everything(seen(scene).happened)
    it = Happened(scene, None, pause=0)
    entries = list(it.entries(1, len(SCENE)))
    for cut in cuts:
        some, entries = entries[:cut], entries[cut:]
        if some:
            it.take(some)
    if entries:
        it.take(entries)
    assert everything(it) == at_once


def test_an_index_that_was_deleted_or_of_another_ledger_is_made_anew(scene, tmp_path):
    path = tmp_path / "i.db"
    first = Happened(scene, path, pause=0)
    first.catch_up(None)
    whole = everything(first)
    first.close()
    again = Happened(scene, path, pause=0)
    assert again.seq == len(SCENE)  # nothing was read a second time
    assert everything(again) == whole
    again.close()
    longer = [entry for number in range(200) for entry in exchange(number)]
    other = Happened(written(tmp_path / "other.db", longer), path, pause=0)
    assert other.seq == 0
    other.catch_up(None)
    assert len(everything(other)["judged"]) == len(longer)
    other.close()
    for file in tmp_path.glob("i.db*"):
        file.unlink()
    anew = Happened(scene, path, pause=0)
    anew.catch_up(None)
    assert everything(anew) == whole


def test_a_ledger_that_went_back_makes_the_index_anew(scene, tmp_path):
    """A restored backup is shorter: rows of entries that are no more must not stay."""
    for file in scene.parent.glob(scene.name + "*"):
        shutil.copy(file, tmp_path / file.name.replace(scene.name, "long.db"))
    index = tmp_path / "i.db"
    long = Happened(tmp_path / "long.db", index, pause=0)
    long.catch_up(None)
    first = next(iter(long.entries(1, 1))).hash
    long.close()
    for file in tmp_path.glob("long.db*"):
        file.unlink()
    written(tmp_path / "long.db", SCENE[:4], until=NOW - (len(SCENE) - 4) * 30)  # the same beginning to the byte
    assert next(iter(long.entries(1, 1))).hash == first
    again = Happened(tmp_path / "long.db", index, pause=0)
    again.catch_up(None)
    assert again.seq == 4
    assert len(everything(again)["judged"]) == 4


fields_of = st.dictionaries(
    st.sampled_from(["action", "would", "rule", "rules", "route", "bot", "principal", "unavailable", "reason"]),
    st.none()
    | st.integers()
    | st.booleans()
    | st.text(max_size=5)
    | st.lists(st.text(max_size=5) | st.none(), max_size=3),
)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["upstream:call:intended", "reply:output:judged", "request:call:refused", "finding:verdict:given"]),
    fields_of,
)
def test_no_fields_break_the_index(scene, event, fields):
    it = Happened(scene, None, pause=0)
    it.take([StoredRecord(1, int(NOW * 1e9), event, "x", fields)])
    assert it.seq == 1


def test_a_monitored_route_has_findings_although_nothing_was_stopped(tmp_path):
    ledger = written(tmp_path / "l.db", exchange(1, "allow", "text.injection/override", would="block"))
    it = seen(ledger)
    [[action, rule]] = it.happened.rows("SELECT action, rule FROM findings")
    assert (action, rule) == ("block", "text.injection/override")


def test_the_thread_follows_what_is_written(tmp_path):
    ledger = written(tmp_path / "l.db", exchange(1))
    it = Happened(ledger, None, every=0.01, pause=0)
    it.start()
    appended(ledger, *exchange(2))
    for _ in range(500):
        if it.seq == 4:
            break
        it._stop.wait(0.01)
    it.close()
    assert it._seq == 4


@pytest.mark.parametrize("query", [{}, {"action": "block"}, {"rule": "text.*"}, {"sort": "rule"}, {"since": "1h"}])
def test_text_stands_in_no_row(scene, query):
    it = Seeing(seen(scene).happened, lambda: NOW)
    for row in it.page(asked(query)).rows:
        assert all(" " not in value for value in row.told().values() if isinstance(value, str))
