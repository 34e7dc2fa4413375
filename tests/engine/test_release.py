"""Release: what comes out is a function of the whole text, whatever the pieces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.ports import StreamInspector
from chatward.core.values import MODEL, Category, Finding, PartKind, Severity
from chatward.engine.release import Edit, JsonCursor, Release, Watcher, precedence, rewrite


class WordFinder:
    """Finds words in a growing text: the simplest honest inspector. ``width`` is its look-ahead."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self._width = max(map(len, words))
        self._text = ""
        self._from = 0
        self.settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        self._text += piece
        until = len(self._text) if final else max(self._from, len(self._text) - self._width + 1)
        found = [
            Finding(f"test.words/{word}", Category.PII, Severity.LOW, 1.0, (at, at + len(word)))
            for at in range(self._from, until)
            for word in self._words
            if self._text.startswith(word, at)
        ]
        self._from = until
        self.settled = until
        return sorted(found, key=lambda f: f.span)


def out_of(
    pieces: Sequence[str],
    edits: dict[str, Edit],
    *,
    kind: PartKind = PartKind.TEXT,
    watchers: Sequence[StreamInspector] | None = None,
) -> str:
    def decide(finding: Finding, text: str) -> Edit:
        return edits[finding.rule.partition("/")[2]]

    chosen = watchers or [WordFinder(*edits)]
    release = Release([Watcher(w, ("test.words",)) for w in chosen], decide, lambda *_: True, kind)
    return "".join([*(release.feed(piece) for piece in pieces), release.close()])


def splits(text: str) -> st.SearchStrategy[list[str]]:
    cuts = st.lists(st.integers(0, len(text)), max_size=12).map(sorted)
    return cuts.map(lambda at: [text[a:b] for a, b in pairwise([0, *at, len(text)])])


EDITS = {"secret": Edit("[x]"), "crete": Edit("[y]"), "stop": Edit(block=True), "keep": Edit(), "é": Edit("e")}


@given(
    st.lists(st.sampled_from(["secret", "secrete", "crete", "stop", "keep", "é", " ", "a", "ｓ", "\u200b"])), st.data()
)
def test_out_does_not_depend_on_the_pieces(words: list[str], data: st.DataObject) -> None:
    text = "".join(words)
    assert out_of(data.draw(splits(text)), EDITS) == out_of([text], EDITS)


def test_what_was_dropped_at_the_end_of_a_piece_counts_for_the_next() -> None:
    assert out_of(["keep\u200b", "secret"], EDITS) == "keep\u200b[x]"


def test_nothing_leaves_before_it_is_settled() -> None:
    release = Release([Watcher(WordFinder("secret"), ("test.words",))], lambda *_: Edit("[x]"), lambda *_: True)
    assert release.feed("my secr") == "my"  # the last five code points may be the start of the word
    assert release.feed("e") == " "
    assert release.feed("t.") == "[x]"
    assert release.close() == "."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a secret b", "a [x] b"),
        ("secrete", "[x][y]"),  # overlapping findings: the later one edits what it adds
        ("say stop now", "say "),
        ("keep secret", "keep [x]"),
    ],
)
def test_edits(text: str, expected: str) -> None:
    assert out_of([text], EDITS) == expected
    assert out_of(list(text), EDITS) == expected


@given(st.lists(st.sampled_from(["secret", "crete", "stop", " ", "a", "\u200b"])).map("".join))
def test_a_whole_text_is_as_if_fed_and_closed(text: str) -> None:
    def release() -> Release:
        return Release(
            [Watcher(WordFinder(*EDITS), ("test.words",))],
            lambda f, _: EDITS[f.rule.partition("/")[2]],
            lambda *_: True,
        )

    one, other = release(), release()
    assert one.whole(text) == other.feed(text) + other.close()
    assert (one.blocked, one.whole("more")) == (other.blocked, "")


def test_an_edit_covers_what_the_eye_does_not_see() -> None:
    assert out_of(list("a se\u200bcret b"), {"secret": Edit("[x]")}) == "a [x] b"


def test_an_inspector_that_fails_stops_the_text() -> None:
    class Broken:
        settled = 0

        def feed(self, piece: str, final: bool) -> Sequence[Finding]:
            raise RuntimeError

    assert out_of(["hello ", "there"], {}, watchers=[Broken()]) == ""


def test_memory_does_not_grow_with_the_text() -> None:
    release = Release([Watcher(WordFinder("secret"), ("test.words",))], lambda *_: Edit("[x]"), lambda *_: True)
    sizes = set()
    for _ in range(2000):
        release.feed("some words é and a secret ")
        sizes.add(len(release._held))
    assert max(sizes) < 64


DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["a secret b", 'quote " secret', "\\secret\n", "crete"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["secret", "b"]), inner, max_size=2),
    max_leaves=8,
)


@given(DOCUMENTS, st.booleans(), st.data())
def test_json_stays_json(document: object, ascii_only: bool, data: st.DataObject) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    edits = {"secret": Edit('[“x” "quoted" \\ \n]'), "crete": Edit("")}
    out = out_of(data.draw(splits(text)), edits, kind=PartKind.JSON)
    assert out == out_of([text], edits, kind=PartKind.JSON)
    assert "secret" not in json.dumps(json.loads(out))


def test_a_number_becomes_a_string() -> None:
    out = out_of(['{"card": 41', '11, "n": 1}'], {"4111": Edit("[CARD_1]")}, kind=PartKind.JSON)
    assert json.loads(out) == {"card": "[CARD_1]", "n": 1}


def test_a_span_over_two_strings_keeps_the_structure() -> None:
    cursor = JsonCursor()
    cursor.pass_over('{"a": "Main')
    assert cursor.replace(' St 5", "b": "York', "[x]") == '[x]", "": "'
    assert rewrite('{"a": "x y", "b": "z"}', [(9, 19, "[e]")], PartKind.JSON) == '{"a": "x [e]", "": "z"}'


@given(st.text(alphabet="ab secrt", max_size=40))
def test_rewrite_equals_release(text: str) -> None:
    finder = WordFinder("secret", "crete")
    edits = [(*f.span, EDITS[f.rule.partition("/")[2]].text or "") for f in finder.feed(text, True)]
    assert rewrite(text, edits) == out_of([text], {"secret": EDITS["secret"], "crete": EDITS["crete"]})


def test_without_hold_back_the_property_breaks() -> None:
    """The mutation that must be noticed: an inspector that calls everything settled at once."""

    class Hasty(WordFinder):
        def feed(self, piece: str, final: bool) -> Sequence[Finding]:
            found = super().feed(piece, final)
            self.settled = len(self._text)
            return found

    edits = {"secret": Edit("[x]")}
    whole = out_of(["a secret b"], edits)
    assert out_of(list("a secret b"), edits, watchers=[Hasty("secret")]) != whole


def test_of_two_findings_of_one_span_the_surer_decides_and_a_rule_before_a_model() -> None:
    phone = Finding("text.pii/a-phone", Category.PII, Severity.LOW, 0.7, (4, 9))
    health = Finding("text.pii/b-health", Category.PHI, Severity.LOW, 0.95, (4, 9))
    supposed = Finding("text.pii/address", Category.PII, Severity.LOW, 0.99, (4, 9), detail=MODEL)
    longer = Finding("text.pii/c-long", Category.PII, Severity.LOW, 0.5, (4, 10))
    assert sorted([supposed, phone, health, longer], key=precedence) == [longer, health, phone, supposed]
