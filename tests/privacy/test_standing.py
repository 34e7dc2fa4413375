"""What people say about purposes: laws of the decision, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import ClientError, StoreError
from chatward.core.events import Event as Ledgered
from chatward.core.identity import ANONYMOUS, Kind, Principal
from chatward.core.ports import Entry
from chatward.privacy.standing import ALL, NOTHING_SAID, PAIRS, Standing, Standings, Statement, Word, refusal, somebody
from chatward.settings import Purpose
from chatward.stores.database import Database

NAMES = st.sampled_from(["a", "b", ALL])
WORDS = st.builds(
    Statement, NAMES, st.sampled_from(list(Word)), st.sampled_from(["1", "2"]), st.just(0.0), st.just("me")
)
SAID = st.lists(WORDS, max_size=12)
BASES = st.sampled_from([None, "consent", "contract", "legitimate-interests"])
PURPOSES = st.builds(
    Purpose,
    lawful_basis=BASES,
    use=st.sampled_from(["service", "analytics", "sale"]),
    minors=st.sampled_from(["allow", "refuse"]),
)


@given(SAID, PURPOSES, st.sampled_from(["", "1", "2"]), st.booleans(), st.booleans())
def test_nothing_passes_that_was_not_permitted(
    said: list[Statement], purpose: Purpose, notice: str, minor: bool, gpc: bool
) -> None:
    standing = Standing.of(said)
    why = refusal("a", purpose, standing, notice=notice, minor=minor, gpc=gpc)

    def last(first: Word, name: str) -> Statement | None:
        own = [one for one in said if one.purpose == name and one.word in {first, PAIRS[first]}]
        return own[-1] if own and own[-1].word is first else None

    if why:
        return
    consent = last(Word.CONSENTS, "a")
    assert purpose.lawful_basis != "consent" or (consent is not None and consent.notice == notice != "")
    for word in (Word.OBJECTS, Word.RESTRICTS):
        assert last(word, "a") is None
        assert last(word, ALL) is None
    assert purpose.use == "service" or not (gpc or last(Word.OPTS_OUT, "a") or last(Word.OPTS_OUT, ALL))
    assert not (minor and purpose.minors == "refuse")


@given(SAID, PURPOSES, st.sampled_from([Word.WITHDRAWS, Word.OBJECTS, Word.RESTRICTS, Word.OPTS_OUT]), NAMES)
def test_a_word_that_takes_away_never_permits(said: list[Statement], purpose: Purpose, word: Word, name: str) -> None:
    before = refusal("a", purpose, Standing.of(said), notice="1")
    after = refusal("a", purpose, Standing.of([*said, Statement(name, word, "", 0.0, "me")]), notice="1")
    assert not before or after


@given(SAID, PURPOSES)
def test_what_is_taken_back_is_as_if_it_had_not_been_said(said: list[Statement], purpose: Purpose) -> None:
    calm = [*said, *(Statement(name, word, "", 0.0, "me") for word in PAIRS.values() for name in ("a", "b", ALL))]
    assert Standing.of(calm) == NOTHING_SAID
    assert refusal("a", purpose, NOTHING_SAID, notice="1") in {"", "consent-required"}


def test_words_about_one_purpose_leave_others_alone() -> None:
    said = Standing.of([Statement("b", Word.OBJECTS, "", 0.0, "me"), Statement("b", Word.RESTRICTS, "", 0.0, "me")])
    assert refusal("a", Purpose(), said, notice="") == ""
    assert refusal("b", Purpose(), said, notice="") == "processing-restricted"
    everything = Standing.of([Statement(ALL, Word.OBJECTS, "", 0.0, "me")])
    assert refusal("a", Purpose(), everything, notice="") == "processing-objected"


def test_nobody_in_particular_is_nobody() -> None:
    assert not somebody(ANONYMOUS)
    assert somebody(Principal("caller:3f9c", Kind.ANONYMOUS))


class House:
    """A file and what is recorded; ``fails`` lets the record fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[Entry] = []
        self.fails = False
        self.standings = self.opened()

    def opened(self) -> Standings:
        return Standings(Database(self.folder / "privacy.db"), self.record, lambda: 1000.0)

    def record(self, entry: Entry) -> None:
        if self.fails:
            raise StoreError("no")
        self.entries.append(entry)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def consent(standings: Standings, subject: str = "p", notice: str = "1") -> Statement:
    return standings.say("t", subject, "a", Word.CONSENTS, by=subject, notice=notice)


def test_a_word_in_another_process_counts_at_once(house: House) -> None:
    here, there = house.standings, house.opened()
    assert here.of("t", "p") == NOTHING_SAID
    consent(there)
    assert here.of("t", "p").consents == {"a": "1"}
    there.say("t", "p", "a", Word.WITHDRAWS, by="p")
    assert here.of("t", "p") == NOTHING_SAID
    assert here.of("other", "p") == here.of("t", "q") == NOTHING_SAID


def test_all_that_was_said_is_kept_in_order(house: House) -> None:
    consent(house.standings)
    consent(house.standings)  # said twice, it stands once
    house.standings.say("t", "p", "a", Word.WITHDRAWS, by="p")
    consent(house.standings, notice="2")
    kept = house.opened().statements("t", "p")
    assert [(one.word, one.notice) for one in kept] == [
        (Word.CONSENTS, "1"),
        (Word.WITHDRAWS, ""),
        (Word.CONSENTS, "2"),
    ]
    assert kept[0] == Statement("a", Word.CONSENTS, "1", 1000.0, "p")
    assert [entry.event for entry in house.entries] == [
        Ledgered.CONSENT_GIVEN,
        Ledgered.CONSENT_WITHDRAWN,
        Ledgered.CONSENT_GIVEN,
    ]
    assert house.entries[0].fields == {"tenant": "t", "principal": "p", "by": "p", "purpose": "a", "notice": "1"}
    assert house.standings.subjects() == [("t", "p")]


@pytest.mark.parametrize("word", list(Word))
def test_a_right_is_given_only_on_record_and_taken_away_in_any_case(house: House, word: Word) -> None:
    taken = {second: first for first, second in PAIRS.items()}
    if word in taken:
        house.standings.say("t", "p", "a", taken[word], by="p", notice="1")
    before = house.standings.of("t", "p")
    house.fails = True
    with pytest.raises(StoreError):
        house.standings.say("t", "p", "a", word, by="p", notice="1")
    permits = word in {Word.CONSENTS, Word.OBJECTS_NO_MORE, Word.RESTRICTS_NO_MORE, Word.OPTS_IN}
    assert (house.standings.of("t", "p") == before) == permits


def test_what_was_never_said_is_not_taken_back(house: House) -> None:
    for word in PAIRS.values():
        house.standings.say("t", "p", "a", word, by="p")
    assert house.standings.statements("t", "p") == []
    assert house.entries == []


def test_who_changes_their_mind_for_ever_can_only_take_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatward.privacy.standing._MOST", 3)
    consent(house.standings)
    house.standings.say("t", "p", "a", Word.WITHDRAWS, by="p")
    consent(house.standings)
    house.standings.say("t", "p", "a", Word.WITHDRAWS, by="p")
    with pytest.raises(ClientError) as caught:
        consent(house.standings)
    assert caught.value.reason == "too-many-statements"
    house.standings.say("t", "p", "a", Word.OBJECTS, by="p")
    consent(house.standings, "q")
