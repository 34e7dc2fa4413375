"""The life of sources: fetched once, verified first, taken in as often as you like with one result, expired."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import pytest

from chatward.core.errors import UpstreamError
from chatward.intel.fetching import Answer
from chatward.intel.lifecycle import STORE
from chatward.intel.store import Entry, Store
from tests.intel.conftest import DAY, NOW, Desk
from tests.intel.notes import key, signed

SEED = bytes(range(32))


@dataclass
class Server:
    """Answers by URL; what was asked."""

    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __call__(
        self, url: str, headers: Sequence[tuple[str, str]], write: Callable[[bytes], object], most: int
    ) -> Answer:
        self.asked.append((url, dict(headers)))
        if url not in self.pages:
            raise UpstreamError("The bot cannot be reached.", reason="upstream-unreachable")
        status, told, body = self.pages[url]
        if status == 200 and told.get("etag") and dict(headers).get("if-none-match") == told["etag"]:
            return Answer(304)
        if status == 200:
            if len(body) > most:
                raise UpstreamError("The other server's answer is too large.", reason="fetch-too-large")
            write(body)
        return Answer(status, tuple(told.items()))


def stored(desk: Desk) -> list[Entry]:
    store = Store(desk.folder / "kept" / STORE)
    try:
        return list(store.entries())
    finally:
        store.close()


# --- files -------------------------------------------------------------------------------------------


def test_taking_the_same_twice_changes_nothing(desk: Desk) -> None:
    desk.source("own", "evil.example.net\nhttp://evil.example.net/x\n")
    assert desk.update()["own"].outcome == "imported"
    before = stored(desk)
    assert desk.update()["own"].outcome == "unchanged"
    os.utime(desk.folder / "own", (1, 1))
    assert desk.update()["own"].outcome == "unchanged"
    assert stored(desk) == before


def test_a_list_that_comes_back_has_the_same_entries(desk: Desk) -> None:
    first, second = "a.example.net\nb.example.net\n", "b.example.net\nc.example.net\n"
    for text in (first, second, first, second):
        desk.source("own", text, forgets="with-age")
        desk.update()
    assert sorted(one.value for one in stored(desk)) == ["a.example.net", "b.example.net", "c.example.net"]


def test_two_lines_of_one_value_are_one_entry(desk: Desk) -> None:
    desk.source("own", "evil.example.net\nEVIL.example.net.\nevil[.]example[.]net\n")
    desk.update()
    assert len(stored(desk)) == 1


@pytest.mark.parametrize(("forgets", "left"), [("auto", 1), ("at-once", 1), ("with-age", 2)])
def test_what_a_file_no_longer_lists(desk: Desk, forgets: str, left: int) -> None:
    desk.source("own", "evil.example.net\nold.example.net\n", forgets=forgets)
    desk.source("other", "old.example.net\n")
    desk.update()
    desk.source("own", "evil.example.net\n", forgets=forgets)
    desk.update()
    assert sum(one.source == "own" for one in stored(desk)) == left
    assert "other" in {one.source for one in desk.look_up("domain", "old.example.net")}


def test_first_and_last_sighting(desk: Desk) -> None:
    desk.source("own", "evil.example.net\nold.example.net\n", forgets="with-age")
    desk.update()
    desk.now += 5 * DAY
    desk.source("own", "evil.example.net\n", forgets="with-age")
    desk.update()
    (evil,) = desk.look_up("domain", "evil.example.net")
    (old,) = desk.look_up("domain", "old.example.net")
    assert (evil.first, evil.last) == (NOW, NOW + 5 * DAY)
    assert (old.first, old.last) == (NOW, NOW)
    assert old.score < evil.score == evil.confidence


def test_an_earlier_sighting_moves_only_the_first(desk: Desk) -> None:
    for day in ("2027-01-05", "2027-01-03", "2027-01-04"):
        text = f"when,v\n{day},evil.example.net\n"
        desk.source("own", text, format="csv", columns={"value": "v", "first": "when"})
        desk.update()
    (found,) = desk.look_up("domain", "evil.example.net")
    assert (found.last - found.first) / DAY == 2
    assert (NOW - found.last) / DAY == pytest.approx(10.333, abs=0.01)


def test_an_unchanged_list_keeps_its_entries_young(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n")
    desk.update()
    desk.now += 30 * DAY
    assert desk.update()["own"].outcome == "unchanged"
    (found,) = desk.look_up("domain", "evil.example.net")
    assert (found.first, found.last, found.score) == (NOW, desk.now, found.confidence)


def test_what_was_not_seen_for_long_is_deleted(desk: Desk) -> None:
    desk.more["keep"] = 100.0
    desk.source("own", "evil.example.net\nold.example.net\n", forgets="with-age")
    desk.update()
    desk.source("own", "evil.example.net\n", forgets="with-age")
    desk.now += 99 * DAY
    desk.update()
    assert len(stored(desk)) == 2
    desk.now += 2 * DAY
    desk.update()
    assert [one.value for one in stored(desk)] == ["evil.example.net"]
    assert not desk.look_up("domain", "old.example.net")


def test_a_source_that_is_no_longer_configured_goes(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n")
    desk.source("other", "evil.example.net\n")
    desk.update()
    desk.sources = desk.sources[1:]
    assert [one.source for one in desk.look_up("domain", "evil.example.net")] == ["other"]
    desk.update()
    assert [one.source for one in stored(desk)] == ["other"]


def test_what_the_settings_say_counts_without_another_import(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n", type="spam", confidence=0.4, tlp="red")
    desk.update()
    desk.source("own", None, type="phishing", confidence=0.9, tlp="clear")
    (found,) = desk.look_up("domain", "evil.example.net")
    assert (found.type, found.confidence, found.tlp) == ("phishing", 0.9, "clear")


# --- verified first ----------------------------------------------------------------------------------


def test_a_digest_must_be_the_expected_one(desk: Desk) -> None:
    data = b"evil.example.net\n"
    desk.source("own", data, sha256=sha256(data).hexdigest())
    assert desk.update()["own"].rows == 1
    desk.source("own", data + b"more.example.net\n", sha256=sha256(data).hexdigest())
    assert desk.update()["own"].error == "intel-digest"
    assert not desk.look_up("domain", "more.example.net")


def test_a_digest_may_stand_in_a_file(desk: Desk) -> None:
    data = b"evil.example.net\n"
    (desk.folder / "sums").write_text(f"{'0' * 64}  other\n{sha256(data).hexdigest()}  own\n")
    desk.source("own", data, sha256="sums")
    assert desk.update()["own"].rows == 1


def test_signed_lists(desk: Desk) -> None:
    vkey = key("lists.example", SEED)[1]
    desk.source("own", signed("evil.example.net\n", "lists.example", SEED), signed_by=vkey)
    assert desk.update()["own"].rows == 1
    assert desk.look_up("domain", "evil.example.net")


def test_a_list_may_be_signed_by_an_older_key_of_the_same_name_too(desk: Desk) -> None:
    text = "evil.example.net\n"
    old, new = (signed(text, "lists.example", seed) for seed in (bytes(32), SEED))
    note = old + new.rpartition("\n\n")[2]
    desk.source("own", note, signed_by=key("lists.example", SEED)[1])
    assert desk.update()["own"].rows == 1


def altered(note: str) -> dict[str, str]:
    text, _, line = note.rpartition("\n\n")
    return {
        "a line more": f"{text}\nmore.example.net\n\n{line}",
        "a line less": f"\n\n{line}",
        "no signature": f"{text}\n",
        "another name": note.replace("lists.example", "lists.examp1e"),
        "a bit of the signature": note[:-5] + ("A" if note[-5] != "A" else "B") + note[-4:],
        "another key": signed(f"{text}\n", "lists.example", bytes(32)),
        "no base64": note.replace("\N{EM DASH} lists.example ", "\N{EM DASH} lists.example !"),
        "the text twice": f"{text}\n\n{text}\n\n{line}",
    }


@pytest.mark.parametrize("name", altered(signed("evil.example.net\n", "lists.example", SEED)))
def test_a_signed_list_that_was_altered_is_refused(desk: Desk, name: str) -> None:
    note = altered(signed("evil.example.net\n", "lists.example", SEED))[name]
    desk.source("own", note, signed_by=key("lists.example", SEED)[1])
    assert desk.update()["own"].error == "intel-signature"
    assert not stored(desk)


@pytest.mark.parametrize("vkey", ["", "x", "lists.example+00000000+AQ==", "lists.example+zz+AAAA"])
def test_a_verification_key_that_is_none(desk: Desk, vkey: str) -> None:
    note = signed("evil.example.net\n", "lists.example", SEED)
    desk.source("own", note, signed_by=vkey or "none")
    assert desk.update()["own"].error == "intel-signature"


# --- servers -----------------------------------------------------------------------------------------

URL = "https://lists.example/list"


@pytest.fixture
def server(desk: Desk) -> Server:
    made = Server(
        {URL: (200, {"etag": '"1"', "last-modified": "Sun, 10 Jan 2027 00:00:00 GMT"}, b"evil.example.net\n")}
    )
    desk.download = made
    return made


def test_a_server_is_asked_with_conditions(desk: Desk, server: Server) -> None:
    desk.source("own", location=URL, key="env:X")
    assert desk.update()["own"].outcome == "imported"
    assert server.asked == [(URL, {"authorization": "Bearer secret-env:X"})]
    desk.now += DAY
    assert desk.update()["own"].outcome == "unchanged"
    asked = server.asked[1][1]
    assert (asked["if-none-match"], asked["if-modified-since"]) == ('"1"', "Sun, 10 Jan 2027 00:00:00 GMT")
    assert desk.index().status.sources["own"].confirmed == desk.now
    assert [one.read_bytes() for one in (desk.folder / "kept" / "fetched").iterdir()] == [b"evil.example.net\n"]


@pytest.mark.parametrize(("forgets", "left"), [("auto", 2), ("at-once", 1), ("with-age", 2)])
def test_what_a_server_no_longer_lists(desk: Desk, server: Server, forgets: str, left: int) -> None:
    desk.source("own", location=URL, forgets=forgets)
    desk.update()
    server.pages[URL] = (200, {"etag": '"2"'}, b"new.example.net\n")
    desk.update()
    assert len(stored(desk)) == left


def test_a_key_may_go_into_another_header(desk: Desk, server: Server) -> None:
    desk.source("own", location=URL, key="env:X", key_header="Auth-Key")
    desk.update()
    assert server.asked[0][1] == {"auth-key": "secret-env:X"}


def test_a_key_goes_to_no_other_server(desk: Desk, server: Server) -> None:
    sums = f"{sha256(server.pages[URL][2]).hexdigest()}  list\n".encode()
    elsewhere, beside = "https://sums.example/list.sha256", "https://lists.example/list.sha256"
    server.pages |= {elsewhere: (200, {}, sums), beside: (200, {}, sums)}
    for number, place in enumerate((elsewhere, beside)):
        desk.source(f"own{number}", location=URL, key="env:X", sha256=place)
    done = desk.update()
    assert {one.outcome for one in done.values()} == {"imported"}
    sent = dict(server.asked)
    assert sent[elsewhere] == {}
    assert sent[beside] == sent[URL] == {"authorization": "Bearer secret-env:X"}


def test_a_server_is_not_asked_before_it_is_due(desk: Desk, server: Server) -> None:
    desk.source("own", location=URL, refresh=600.0)
    desk.update(now=False)
    desk.now += 599
    assert desk.update(now=False)["own"].outcome == "waiting"
    desk.now += 1
    assert desk.update(now=False)["own"].outcome == "unchanged"
    assert len(server.asked) == 2


FAILURES = {
    "unreachable": (None, "upstream-unreachable"),
    "status": ((500, {}, b""), "intel-status"),
    "redirect": ((302, {"location": "https://other.example/"}, b""), "intel-status"),
    "refused": ((403, {}, b""), "intel-refused"),
    "too large": ((200, {}, b"x" * 2000), "fetch-too-large"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_server_that_fails_changes_nothing(desk: Desk, server: Server, name: str) -> None:
    answer, reason = FAILURES[name]
    desk.source("own", location=URL, max_size=1000)
    desk.source("other", "bad.example.net\n")
    desk.update()
    server.pages = {} if answer is None else {URL: answer}
    desk.now += DAY
    done = desk.update()
    assert (done["own"].outcome, done["own"].error) == ("failed", reason)
    assert done["other"].outcome == "unchanged"
    assert desk.look_up("domain", "evil.example.net")
    status = desk.index().status.sources["own"]
    assert (status.confirmed, status.checked, status.error) == (NOW, desk.now, reason)


def test_without_a_network_servers_wait(desk: Desk) -> None:
    desk.source("own", location=URL)
    desk.source("file", "bad.example.net\n")
    done = desk.update()
    assert (done["own"].outcome, done["file"].outcome) == ("waiting", "imported")
    assert desk.index().stale() == ["own"]


def test_another_process_is_not_disturbed(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n")
    (desk.folder / "kept").mkdir()
    with desk.lifecycle()._locked() as mine:
        assert not mine or desk.lifecycle().update() is None
    assert desk.update()["own"].outcome == "imported"


def test_what_changed_is_noticed(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n")
    life = desk.lifecycle()
    assert life.changed()
    assert not life.changed()
    desk.source("own", "evil.example.net\nmore.example.net\n")
    assert life.changed()
    desk.now += 3_601
    assert life.changed()
    assert not life.changed()
