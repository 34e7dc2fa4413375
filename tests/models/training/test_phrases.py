"""The phrases: their grammar, and that every file of every language keeps to it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatward.models.heads import ENTITIES
from chatward.models.training import phrases
from chatward.models.training.phrases import Choice, Marked, Node, PhraseError, Slot, expand, parse

LISTS = {"city": ("Bern", "Ulm"), "name": ("Ann Lee", "Bo")}
ABUSE = ("harassment", "hate", "sexual", "self-harm", "violence", "illegal")

# --- the grammar -------------------------------------------------------------------------------------

LETTERS = st.text(st.sampled_from("ab é中|()[]{}<>\\\n.:#"), min_size=1, max_size=6)
INNER = st.deferred(lambda: st.lists(NODES, max_size=4).map(tuple))
NODES: st.SearchStrategy[Node] = st.one_of(
    LETTERS,
    st.builds(Slot, st.sampled_from(sorted(LISTS))),
    st.builds(Choice, st.lists(INNER, min_size=1, max_size=3).map(tuple)),
    st.builds(Marked, st.sampled_from(["PERSON", "DATE"]), INNER),
)


def written(nodes: Sequence[Node]) -> str:
    """The pattern that says these nodes."""
    out = []
    for node in nodes:
        if isinstance(node, str):
            out.append("".join("\\n" if c == "\n" else "\\" + c if c in "\\()[]{}<>| " else c for c in node))
        elif isinstance(node, Slot):
            out.append(f"<{node.name}>")
        elif isinstance(node, Choice):
            out.append("(" + "|".join(written(option) for option in node.options) + ")")
        else:
            out.append("{" + f"{node.label}:" + written(node.body) + "}")
    return "".join(out)


def merged(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The same nodes with neighbouring texts in one."""
    out: list[Node] = []
    for given_ in nodes:
        node = given_
        if isinstance(given_, Choice):
            node = Choice(tuple(merged(option) for option in given_.options))
        elif isinstance(given_, Marked):
            node = Marked(given_.label, merged(given_.body))
        if isinstance(node, str) and out and isinstance(out[-1], str):
            out[-1] += node
        else:
            out.append(node)
    return tuple(out)


@given(st.lists(NODES, max_size=5))
def test_what_is_written_is_what_is_parsed(nodes: list[Node]) -> None:
    assert merged(parse(written(nodes))) == merged(nodes)


@given(st.text(st.sampled_from("ab ()[]{}<>|\\:AN\n"), max_size=20))
def test_a_pattern_parses_or_says_why_not(line: str) -> None:
    try:
        nodes = parse(line)
    except ValueError:
        return
    assert merged(parse(written(nodes))) == merged(nodes)


@pytest.mark.parametrize("line", ["a (b", "a [b", "{PERSON: x", "a) b", "a] b", "(a|b", "(a]", "{DATE:(x}"])
def test_brackets_that_do_not_match_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"missing|opening"):
        parse(line)


def test_a_bracket_that_is_text() -> None:
    assert parse(r"\(a\) \<b\> x|y {b} <B>") == ("(a) <b> x", "|", "y {b} <B>")


def everything(nodes: Sequence[Node]) -> set[str]:
    """All that a pattern can say, blanks as they are."""
    said = {""}
    for node in nodes:
        if isinstance(node, str):
            options = {node}
        elif isinstance(node, Slot):
            options = set(LISTS[node.name])
        elif isinstance(node, Choice):
            options = set().union(*(everything(option) for option in node.options))
        else:
            options = everything(node.body)
        said = {before + after for before in said for after in options}
    return said


WORDS: st.SearchStrategy[Node] = st.sampled_from(["x", "yy", Slot("city")])
PLAIN: st.SearchStrategy[tuple[Node, ...]] = st.lists(WORDS, max_size=2).map(tuple)
SMALL: st.SearchStrategy[list[Node]] = st.lists(
    st.one_of(
        st.text(st.sampled_from("abc"), min_size=1, max_size=3),
        st.builds(Slot, st.sampled_from(sorted(LISTS))),
        st.builds(Choice, st.lists(PLAIN, min_size=1, max_size=3).map(tuple)),
        st.builds(Marked, st.just("PERSON"), st.sampled_from([("M",), (Slot("name"),), ("M", Slot("name"))])),
    ),
    max_size=4,
)


@given(SMALL, st.integers())
def test_an_expansion_is_one_of_all_that_a_pattern_says(nodes: list[Node], seed: int) -> None:
    sentence = expand(nodes, LISTS, random.Random(seed))
    assert sentence.text in everything(nodes)
    marks = [node for node in nodes if isinstance(node, Marked)]
    assert len(sentence.spans) == len(marks)
    for (start, end, label), mark in zip(sentence.spans, marks, strict=True):
        assert label == "PERSON"
        assert sentence.text[start:end] in everything(mark.body)


@given(st.lists(NODES, max_size=5), st.integers())
@example([Marked("PERSON", ("a ",))], 0)
def test_spans_lie_in_the_sentence(nodes: list[Node], seed: int) -> None:
    sentence = expand(nodes, LISTS, random.Random(seed))
    assert sentence.text == sentence.text.rstrip()
    assert all(0 <= start < end <= len(sentence.text) for start, end, _ in sentence.spans)


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("I [really] like it", {"I really like it", "I like it"}),
        ("[Hi,] hello", {"Hi, hello", "hello"}),
        ("go [now]", {"go now", "go"}),
        ("(a|b) c", {"a c", "b c"}),
        (r"one\n[two] three", {"one\ntwo three", "one\nthree"}),
        ("to <city>", {"to Bern", "to Ulm"}),
    ],
)
def test_what_a_pattern_says(line: str, texts: set[str]) -> None:
    assert {expand(parse(line), LISTS, random.Random(seed)).text for seed in range(40)} == texts


def test_marks() -> None:
    sentence = expand(parse("I am {PERSON: <name>} of {LOCATION:(Bern)}."), LISTS, random.Random(1))
    assert [(sentence.text[start:end], label) for start, end, label in sentence.spans] in (
        [("Ann Lee", "PERSON"), ("Bern", "LOCATION")],
        [("Bo", "PERSON"), ("Bern", "LOCATION")],
    )


@pytest.mark.parametrize(
    "line",
    [
        "I am {PERSON:Ann [Lee]}",
        "I am {PERSON:Ann [Lee]} now",
        "({PERSON:[Dr.] Ann})",
        "I am {PERSON:[Dr.] Ann} now",
        "it is {DATE:[late] May [1]}",
    ],
)
def test_a_span_holds_no_blank_at_its_ends(line: str) -> None:
    for seed in range(30):
        sentence = expand(parse(line), LISTS, random.Random(seed))
        ((start, end, _),) = sentence.spans
        assert sentence.text[start:end] == sentence.text[start:end].strip()


def test_a_list_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="towns"):
        expand(parse("to <towns>"), LISTS, random.Random(0))


# --- files -------------------------------------------------------------------------------------------


def folder_of(folder: Path, **files: str) -> Path:
    language = folder / "en"
    language.mkdir()
    for name, text in {"lists": "== city\nBern\n", "chat": "hello", **files}.items():
        (language / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def test_a_file_has_comments_and_sections(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, abuse="# a remark\n\n== hate\n  you (a|b)  \n== self-harm\nbye\n")
    found = phrases.patterns("en", "abuse", folder)
    assert [(pattern.section, pattern.number) for pattern in found] == [("hate", 4), ("self-harm", 6)]
    assert phrases.patterns("en", "scam", folder) == ()
    assert phrases.languages(folder) == ("en",)


def test_a_pattern_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, scam="fine\nsend (it", direct="go to <nowhere>")
    with pytest.raises(PhraseError, match=r"en/scam\.txt, line 2: .*missing"):
        phrases.patterns("en", "scam", folder)
    with pytest.raises(PhraseError, match=r"en/direct\.txt, line 1: .*nowhere"):
        list(phrases.samples("en", "direct", 2, folder=folder))


def test_a_language_borrows_the_lists_it_lacks(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, lists="== city\nBern\n== job\nbaker\n")
    (folder / "xx").mkdir()
    (folder / "xx" / "lists.txt").write_text("== city\nUlm\n")
    assert phrases.lists("xx", folder) == {"city": ("Ulm",), "job": ("baker",)}


def test_samples_are_different_and_the_same_every_time(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, direct="(a|b|c|d) (e|f|g)\nonly one")
    once = [(pattern.number, sentence.text) for pattern, sentence in phrases.samples("en", "direct", 5, folder=folder)]
    again = [(pattern.number, sentence.text) for pattern, sentence in phrases.samples("en", "direct", 5, folder=folder)]
    other = [
        (pattern.number, sentence.text)
        for pattern, sentence in phrases.samples("en", "direct", 5, seed=1, folder=folder)
    ]
    assert once == again != other
    assert len(set(once)) == len(once)
    assert [text for number, text in once if number == 2] == ["only one"]
    assert len(once) <= 6


# --- what is committed -------------------------------------------------------------------------------

LANGUAGES = phrases.languages()


def test_there_are_two_dozen_languages() -> None:
    assert len(LANGUAGES) == 24
    assert {"en", "de", "fr", "es", "zh", "ar", "hi", "ru"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_pattern_parses_and_expands(language: str) -> None:
    for kind in phrases.KINDS:
        patterns = phrases.patterns(language, kind)
        assert patterns, kind
        sampled = {pattern.number for pattern, _ in phrases.samples(language, kind, 3)}
        assert sampled == {pattern.number for pattern in patterns}
        for _, sentence in phrases.samples(language, kind, 3):
            assert sentence.text == sentence.text.strip(" ")
            for start, end, label in sentence.spans:
                assert 0 <= start < end <= len(sentence.text)
                assert sentence.text[start:end] == sentence.text[start:end].strip()
                assert label in (*ENTITIES, "EMAIL", "PHONE", "ID", "CARD", "IBAN"), (kind, label)


def slots(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Slot):
            yield node.name
        elif isinstance(node, Choice):
            for option in node.options:
                yield from slots(option)
        elif isinstance(node, Marked):
            yield from slots(node.body)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_list_that_is_named_is_there(language: str) -> None:
    """Sampling may miss a branch; the grammar does not."""
    lists = phrases.lists(language)
    named = {
        name for kind in phrases.KINDS for pattern in phrases.patterns(language, kind) for name in slots(pattern.nodes)
    }
    assert named <= {name for name, lines in lists.items() if lines}
    assert len(lists["first"]) >= 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_abuse_stands_in_sections(language: str) -> None:
    assert {pattern.section for pattern in phrases.patterns(language, "abuse")} == set(ABUSE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_personal_data_is_marked(language: str) -> None:
    spans = [span for _, sentence in phrases.samples(language, "pii", 3) for span in sentence.spans]
    assert {"PERSON", "ADDRESS", "LOCATION", "ORG", "HEALTH", "DATE", "AGE"} <= {label for _, _, label in spans}


RESERVED = re.compile(r"(?:^|\.)example(?:\.(?:com|org|net))?$|\.(?:test|invalid|localhost)$|^localhost$")
ADDRESS = re.compile(r"(?:https?://|www\.|[\w.+-]+@)([a-z0-9.-]+\.[a-z]{2,})", re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_and_addresses_are_reserved_ones(language: str) -> None:
    """RFC 2606: nothing that is written here may be somebody's."""
    for path in sorted((phrases.FOLDER / language).iterdir()):
        for found in ADDRESS.finditer(path.read_text(encoding="utf-8")):
            host = found[1].lower().removeprefix("www.")
            assert RESERVED.search(host), (path.name, found[0])


HELD_LABELS = {
    "injection", "jailbreak", "indirect-injection", "benign", "benign-trigger", "social-engineering", "abuse",
}  # fmt: skip


def held(language: str) -> list[dict[str, str]]:
    lines = (phrases.FOLDER / language / "heldout.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_rows(language: str) -> None:
    rows = held(language)
    assert len(rows) >= 50
    for row in rows:
        assert set(row) == {"text", "label", "role"}
        assert row["text"].strip()
        assert row["label"] in HELD_LABELS
        assert row["role"] in ("user", "document", "tool", "assistant")
        if row["label"] == "indirect-injection":
            assert row["role"] in ("document", "tool")
        if row["label"] in ("injection", "jailbreak"):
            assert row["role"] == "user"
    assert {row["label"] for row in rows} == HELD_LABELS
    assert len({row["text"] for row in rows}) == len(rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_held_out_is_not_trained_on(language: str) -> None:
    said = {
        sentence.text.casefold().strip(" .!?。")
        for kind in phrases.KINDS
        for _, sentence in phrases.samples(language, kind, 6)
        if len(sentence.text) > 15
    }
    assert [row["text"] for row in held(language) if row["text"].casefold().strip(" .!?。") in said] == []
