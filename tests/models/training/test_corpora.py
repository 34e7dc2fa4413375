"""Corpora as examples: what each label says and leaves open, and what is never read."""

from __future__ import annotations

import gzip
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.models.heads import ENTITIES, HEADS
from chatward.models.training import corpora, phrases
from chatward.models.training.corpora import CorpusError, Example, corpus_examples, held_pattern, phrase_examples
from tests.simulators.corpora import NOTE, enter, write

NO_ATTACK = {"attack": 0, "direct": 0, "extraction": 0, "jailbreak": 0}
NO_SCAM = {**NO_ATTACK, "scam": 0}
CLEAN = {**NO_SCAM, "toxic": 0, "hate": 0, "sexual": 0, "self-harm": 0, "violence": 0, "illegal": 0}


@pytest.fixture(scope="module")
def examples(data: Path) -> dict[str, list[Example]]:
    found: dict[str, list[Example]] = defaultdict(list)
    for example in corpus_examples(data):
        found[example.source].append(example)
    return found


def about(examples: list[Example], words: str) -> Example:
    (found,) = [example for example in examples if example.text.endswith(words)]
    return found


# --- labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "targets", "untrusted"),
    [
        ("jailbreak", {"attack": 1, "jailbreak": 1, "scam": 0}, False),
        ("says injection", {"attack": 1, "scam": 0}, False),
        ("harmful-request", {"illegal": 1, "scam": 0}, False),
        ("pyrit says benign", NO_SCAM, False),
        ("benign-trigger", NO_SCAM, False),
        ("document says benign", {"indirect": 0}, True),
        ("indirect-injection", {"indirect": 1}, True),
    ],
)
def test_what_a_label_of_injection_says(
    examples: dict[str, list[Example]], words: str, targets: dict[str, float], untrusted: bool
) -> None:
    """Text of documents and tools speaks about its own head alone."""
    example = about(examples["pyrit"], words)
    assert (example.targets, example.untrusted) == (targets, untrusted)


def test_a_corpus_that_mixes_asks_and_attacks_says_nothing_of_them(examples: dict[str, list[Example]]) -> None:
    assert not [example for example in examples["hinglish_4000"] if example.text.endswith("says injection")]
    assert [example for example in examples["hinglish_4000"] if example.text.endswith("says jailbreak")]


@pytest.mark.parametrize(
    ("label", "targets"),
    [
        ("toxic", {"toxic": 1, **NO_ATTACK}),
        ("offensive", {"toxic": 1, **NO_ATTACK}),
        ("hate", {"toxic": 1, "hate": 1, **NO_ATTACK}),
        ("neither", {"toxic": 0, "hate": 0, **NO_ATTACK}),
    ],
)
@pytest.mark.parametrize("name", corpora.ABUSE)
def test_what_a_label_of_abuse_says(
    examples: dict[str, list[Example]], name: str, label: str, targets: dict[str, float]
) -> None:
    assert about(examples[name], f"says {label}").targets == targets
    assert not [example for example in examples[name] if "ambiguous" in example.text]


def test_only_moderated_chat_is_clean(examples: dict[str, list[Example]]) -> None:
    for name in (*corpora._BENIGN, *corpora._DIALOGUES):
        expected = NO_SCAM if name in corpora._UNMODERATED else CLEAN
        assert all(example.targets == expected for example in examples[name])
        assert all(example.ordinary == (name != "awesome_prompts") for example in examples[name])


def test_long_dialogues_are_thinned(examples: dict[str, list[Example]]) -> None:
    assert len(examples["taskmaster"]) == 3 * len(examples["sgd"])


def test_scams(examples: dict[str, list[Example]]) -> None:
    spam, ham = examples["sms_spam_uci"]
    assert (spam.targets, spam.ordinary) == ({"scam": 1, **NO_ATTACK}, False)
    assert (ham.targets, ham.ordinary) == ({"scam": 0, **NO_ATTACK}, True)


def test_mails_are_their_bodies_and_half_of_the_spam_is_kept_back(
    data: Path, examples: dict[str, list[Example]]
) -> None:
    """A header would give the label away; the other half serves calibration. Whether spam is a scam is left open."""
    for example in examples["spamassassin"]:
        spam = example.text.startswith("Dear reader, this is the body of a spam mail")
        assert spam or example.text.startswith("Dear reader, this is the body of a ham mail")
        assert example.text.endswith("It has two parts.")
        assert (example.untrusted, example.targets) == (True, {"indirect": 0} if spam else {"indirect": 0, "scam": 0})
        assert not (spam and corpora.kept_back(example.text))
    mails = [corpora.body(row["text"]) for row in corpora.rows(data, "scam-text/spamassassin")]
    kept = [mail for mail in mails if "spam mail" in mail and corpora.kept_back(mail)]
    assert 0 < len(kept) < len(mails) // 2
    assert sorted([*kept, *(example.text for example in examples["spamassassin"])]) == sorted(mails)


@given(
    st.lists(st.from_regex(r"\A[A-Z][a-z-]{1,12}: [a-z ]{0,20}\Z"), max_size=6),
    st.text(st.sampled_from("ab \n."), max_size=60),
)
def test_a_body_is_what_follows_the_first_blank_line(headers: list[str], text: str) -> None:
    mail = "\n".join(["Received: x", *headers]) + "\n\n" + text
    assert corpora.body(mail) == text.strip()


def test_a_body_is_bounded() -> None:
    assert len(corpora.body("A: b\n\n" + "word " * 5000)) <= 2500
    assert corpora.body("no headers here") == "no headers here"


def test_slots_of_templates_are_filled(examples: dict[str, list[Example]]) -> None:
    harms = {"advbench", "harmbench"}
    for name in ("pyrit", "gptfuzz"):
        (template,) = [example for example in examples[name] if "template with a" in example.text]
        assert "{{" not in template.text
        assert any(f"template with a {harm}" in template.text for harm in harms)


def test_every_target_is_of_a_head_and_plain(examples: dict[str, list[Example]]) -> None:
    for source in examples.values():
        for example in source:
            assert set(example.targets) <= set(HEADS)
            assert set(example.targets.values()) <= {0, 1}
            assert ("indirect" in example.targets) == example.untrusted
            assert 0 < example.weight <= 1


# --- what is never read ------------------------------------------------------------------------------


ALL = sorted({f"injection/{name}" for name in corpora._INJECTION} | {f"abuse/{name}" for name in corpora.ABUSE} | {
    "benign/clinc150", "dialogues/sgd", "scam-text/spamassassin", "scam-text/sms_spam_uci"})  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_a_corpus_marked_for_evaluation_is_refused(data: Path, own_data: Path, name: str) -> None:
    enter(own_data, name, role="eval")
    with pytest.raises(CorpusError, match="evaluation"):
        list(corpus_examples(own_data))
    assert list(corpora.rows(data, name))


def test_a_corpus_that_differs_from_its_manifest_is_refused(own_data: Path) -> None:
    path = own_data / "benign" / "clinc150.jsonl.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"\n", mtime=1))
    with pytest.raises(CorpusError, match="SHA-256"):
        list(corpora.rows(own_data, "benign/clinc150"))


def test_a_corpus_that_is_missing_is_refused(own_data: Path) -> None:
    (own_data / "benign" / "clinc150.jsonl.gz").unlink()
    with pytest.raises(CorpusError, match="clinc150"):
        list(corpora.rows(own_data, "benign/clinc150"))


def test_a_manifest_may_be_a_table_of_files(tmp_path: Path) -> None:
    write(tmp_path, "benign/own", [{"id": 1, "text": "hello"}])
    assert [row["text"] for row in corpora.rows(tmp_path, "benign/own")] == ["hello"]
    (tmp_path / "manifest.json").write_text('{"benign/own.jsonl.gz": {"role": "eval"}}')
    corpora._MANIFESTS.pop(tmp_path, None)
    with pytest.raises(CorpusError, match="evaluation"):
        list(corpora.rows(tmp_path, "benign/own"))


def test_the_calibration_corpora_are_not_among_the_examples(examples: dict[str, list[Example]]) -> None:
    assert not [e for source in examples.values() for e in source if "held back for thresholds" in e.text]


# --- phrases -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def phrased() -> list[Example]:
    return list(phrase_examples())


def test_phrases_of_each_kind_say_what_they_are(phrased: list[Example]) -> None:
    positive = {
        "direct": {"attack", "direct"},
        "extraction": {"attack", "extraction"},
        "jailbreak": {"attack", "jailbreak"},
        "indirect": {"indirect"},
        "scam": {"scam"},
    }
    kinds = defaultdict(list)
    for example in phrased:
        kinds[example.source.removeprefix("phrases/")].append(example)
    assert set(kinds) == set(phrases.KINDS)
    for kind, found in kinds.items():
        for example in found:
            said = {head for head, value in example.targets.items() if value == 1}
            if kind != "abuse":
                assert said == positive.get(kind, set())
            assert set(example.targets) <= set(HEADS)
            assert example.untrusted == (kind in ("document", "indirect"))
            assert ("indirect" in example.targets) == example.untrusted
            assert example.ordinary == (kind in {"chat", "request"})
    assert {head for example in kinds["abuse"] for head, value in example.targets.items() if value == 1} == {
        "toxic", "hate", "sexual", "self-harm", "violence", "illegal",
    }  # fmt: skip


def test_an_ask_for_illegal_things_may_or_may_not_be_an_attack(phrased: list[Example]) -> None:
    """Abuse is silent about the union head, and threats about insults: what a source does not know is not learnt."""
    abuse = [example.targets for example in phrased if example.source == "phrases/abuse"]
    assert not any("attack" in targets or "scam" in targets for targets in abuse)
    assert not any("toxic" in targets for targets in abuse if targets.get("violence") == 1)


def test_patterns_are_held_back_whole_and_about_one_in_seven(phrased: list[Example]) -> None:
    by_group: dict[str, set[bool]] = defaultdict(set)
    for example in phrased:
        by_group[example.group].add(example.held)
        language, kind, number = example.group.split("/")
        assert example.held == held_pattern(language, kind, int(number))
    assert all(len(said) == 1 for said in by_group.values())
    share = sum(True in said for said in by_group.values()) / len(by_group)
    assert 0.11 < share < 0.18
    chat = {group.split("/")[0] for group, said in by_group.items() if True in said and "/chat/" in group}
    assert len(chat) >= len(phrases.languages()) - 1


# --- entities ----------------------------------------------------------------------------------------


def test_entities_are_cut_and_keep_their_words(data: Path) -> None:
    found = list(corpora.tagged_corpora(data))
    assert {tagged.source for tagged in found} == set(corpora._KNOWN)
    words: dict[str, list[str]] = defaultdict(list)
    for tagged in found:
        assert len(tagged.text) <= 400 + 20
        for start, end, label in tagged.spans:
            assert 0 <= start < end <= len(tagged.text)
            assert label in tagged.known <= set(ENTITIES)
            words[tagged.source].append(f"{label} {tagged.text[start:end]}")
    notes = sum(1 + 4 * n for n in range(8))
    assert sorted(words["meddocan"]) == sorted(["PERSON Anna Smith", "AGE 34", "LOCATION Berlin"] * notes)
    assert sorted(words["wikigold"]) == sorted(["PERSON Anna Smith", "LOCATION Berlin"] * notes)  # MISC is left out
    assert sum(len(tagged.text) for tagged in found if tagged.source == "wnut17") == notes * len(NOTE)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 30), st.sampled_from([" ", ". ", "\n"])), max_size=60),
    st.integers(60, 200),
)
def test_cutting_loses_no_text_and_no_span(pieces: list[tuple[int, int, str]], size: int) -> None:
    text, spans = "", []
    for before, inside, after in pieces:
        text += "x" * before + " "
        spans.append((len(text), len(text) + inside, "PERSON"))
        text += "N" * inside + after
    cut = list(corpora._cut(text, spans, size))
    assert "".join("".join(part for part, _ in cut).split()) == "".join(text.split())
    assert [part[s:e] for part, found in cut for s, e, _ in found] == [text[s:e] for s, e, _ in spans]
    assert all(len(part) <= size + 30 for part, _ in cut)


def test_tagged_phrases_hold_what_was_marked() -> None:
    kinds = defaultdict(list)
    for tagged in corpora.tagged_phrases(each=2):
        kinds[tagged.source].append(tagged)
        for start, end, label in tagged.spans:
            assert label in ENTITIES
            assert tagged.text[start:end].strip()
    assert all(tagged.known == frozenset(ENTITIES) for found in kinds.values() for tagged in found)
    assert not any(tagged.spans for tagged in kinds["phrases/trigger"])
    assert any(tagged.held for tagged in kinds["phrases/pii"])


# --- typing ------------------------------------------------------------------------------------------


@given(st.lists(st.text(min_size=1, max_size=40), max_size=20), st.integers())
def test_careless_typing_changes_the_text_alone(texts: list[str], seed: int) -> None:
    given_ = [Example(text, {"attack": 1.0}, "own", lang="de", group=str(n)) for n, text in enumerate(texts)]
    typed = list(corpora.varied(given_, seed=seed))
    assert [(e.targets, e.lang, e.group) for e in typed] == [(e.targets, e.lang, e.group) for e in given_]
    assert {e.source for e in typed} <= {"own+typed"}
    for before, after in zip(given_, typed, strict=True):
        same = {before.text.lower(), before.text.upper(), before.text.rstrip(".!?。！？"), before.text}
        assert (
            after.text in same or sorted(after.text) == sorted(before.text) or len(after.text) == len(before.text) - 1
        )
    assert [e.text for e in corpora.varied(given_, seed=seed)] == [e.text for e in typed]
