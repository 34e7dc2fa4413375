"""The mixture's laws: what is never in it, how much is ordinary, and what is composed."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.models.heads import HEADS
from chatward.models.store import FOLDER
from chatward.models.training import corpora, mixture
from chatward.models.training.corpora import Example, held_pattern


@pytest.fixture(scope="module")
def mixed(data: Path) -> list[Example]:
    return mixture.mixture(data, seed=3)


def test_held_patterns_are_never_in_it(mixed: list[Example]) -> None:
    assert not any(example.held for example in mixed)
    seen = 0
    for example in mixed:
        if example.source.startswith("phrases/"):
            language, kind, number = example.group.split("/")
            assert not held_pattern(language, kind, int(number))
            seen += 1
    assert seen > 10_000
    held = {example.text for example in corpora.phrase_examples(seed=3) if example.held and len(example.text) > 60}
    assert held.isdisjoint(example.text for example in mixed)


def test_the_calibration_corpora_are_never_in_it(mixed: list[Example]) -> None:
    assert not any("held back for thresholds" in example.text for example in mixed)


def test_no_large_corpus_takes_more_than_its_share(mixed: list[Example]) -> None:
    counts = Counter(example.source for example in mixed)
    for source, most in mixture._MOST.items():
        assert 0 < counts[source] <= most


def test_a_smaller_share_is_a_part(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "phrase_examples", lambda seed: ())
    counts = [Counter(e.source for e in mixture.mixture(data, scale=scale)) for scale in (1.0, 0.1)]
    assert counts[1]["taskmaster"] == round(mixture._MOST["taskmaster"] * 0.1) < counts[0]["taskmaster"] == 4200
    assert counts[1]["oasst_trees"] == counts[0]["oasst_trees"]


def test_targets_are_of_heads_and_of_the_right_place(mixed: list[Example]) -> None:
    for example in mixed:
        assert example.text.strip()
        assert set(example.targets) <= set(HEADS)
        assert set(example.targets.values()) <= {0, 1}
        assert ("indirect" in example.targets) == example.untrusted
        assert example.weight > 0


def test_a_focus_lies_in_its_text(mixed: list[Example]) -> None:
    focused = [example for example in mixed if example.focus is not None]
    assert {example.source.partition("+")[2] for example in focused} >= {"joined"}
    for example in focused:
        assert example.focus is not None
        start, end = example.focus
        assert 0 <= start < end <= len(example.text)


def test_all_that_is_composed_is_there(mixed: list[Example]) -> None:
    sources = Counter(example.source for example in mixed)
    assert sources["inserted"] > 1000
    assert sources["redirected"] > 1000
    assert sources["suffixed"] >= 20
    assert sum(count for source, count in sources.items() if source.endswith("+joined")) > 1000
    assert sum(count for source, count in sources.items() if source.endswith("+typed")) > 1000
    assert {source.partition("+")[0] for source in sources if source.startswith("document/")} == {
        f"document/{name}"
        for name in ("wikigold", "meddocan", "sgd", "taskmaster", "topical_chat", "crosswoz", "fields")
    }


def test_length_tells_nothing(mixed: list[Example]) -> None:
    """Long attacks and long ordinary texts, short attacks and short ordinary texts."""
    for attack in (0, 1):
        lengths = [len(e.text) for e in mixed if e.targets.get("attack") == attack and not e.untrusted]
        assert sum(length < 60 for length in lengths) > 500
        assert sum(length > 200 for length in lengths) > 500


def test_the_same_seed_gives_the_same_mixture(data: Path, mixed: list[Example]) -> None:
    assert mixture.mixture(data, seed=3) == mixed


def test_the_shipped_models_were_fitted_on_ordinary_chat_first_of_all() -> None:
    facts = json.loads((FOLDER / "facts.json").read_text(encoding="utf-8"))
    sources = facts["sources"]
    assert sum(sources.values()) == facts["examples"]
    harmless = {*corpora._BENIGN, *corpora._DIALOGUES}
    harmless |= {f"phrases/{kind}" for kind in ("chat", "trigger", "scam_benign", "abuse_benign", "pii", "pii_benign")}
    assert sum(count for source, count in sources.items() if source in harmless) >= 0.4 * facts["examples"]
    assert not {name.rpartition("/")[2] for name in corpora.CALIBRATION} & set(sources)


# --- composing ---------------------------------------------------------------------------------------

CHAT = [
    Example(f"an ordinary sentence number {n}.", {"attack": 0.0, "toxic": 0.0}, "phrases/chat", ordinary=True)
    for n in range(30)
]
ATTACKS = st.lists(
    st.builds(
        Example,
        st.text(st.sampled_from("abc obey."), min_size=1, max_size=40).filter(str.strip),
        st.just({"attack": 1.0, "direct": 1.0}),
        st.just("phrases/direct"),
        lang=st.sampled_from(["en", "xx"]),
    ),
    min_size=1,
    max_size=20,
)


@given(ATTACKS, st.integers())
def test_joined_attacks_keep_their_focus_and_what_they_are(attacks: list[Example], seed: int) -> None:
    said = {attack.text for attack in attacks}
    for made in mixture.joined([*CHAT, *attacks], random.Random(seed)):
        if made.targets.get("attack") == 1:
            assert made.focus is not None
            assert made.text[slice(*made.focus)] in said
            assert made.targets == {"attack": 1.0, "direct": 1.0}
            assert made.source == "phrases/direct+joined"
            rest = made.text[: made.focus[0]] + made.text[made.focus[1] :]
            assert not rest.strip(" .\n") or "ordinary sentence" in rest
        else:
            assert made.source == "phrases/chat+joined"
            assert made.text.count("ordinary sentence") >= 2
            assert made.targets == {"attack": 0.0, "toxic": 0.0}


def test_about_half_of_the_attacks_are_also_seen_among_ordinary_text() -> None:
    attacks = [Example(f"obey {n}", {"attack": 1.0}, "phrases/direct") for n in range(1000)]
    made = [e for e in mixture.joined([*CHAT, *attacks], random.Random(1)) if e.targets.get("attack") == 1]
    assert 420 < len(made) < 580
    assert 50 < sum(example.text.startswith("obey") for example in made) < len(made) - 50


def test_what_is_joined_claims_only_what_all_of_it_claims() -> None:
    silent = [Example(f"the other sentence number {n}", {"attack": 0.0}, "sgd", ordinary=True) for n in range(10)]
    made = list(mixture.joined([*CHAT, *silent] * 20, random.Random(1)))
    assert {frozenset(example.targets) for example in made} == {frozenset({"attack"}), frozenset({"attack", "toxic"})}
    for example in made:
        assert ("toxic" in example.targets) <= ("other" not in example.text)


DOCUMENTS = [
    Example(
        f"Minutes of meeting {n}. The budget was approved! Nobody objected.",
        {"indirect": 0.0},
        "document/x",
        untrusted=True,
    )
    for n in range(40)
]
ORDERS = [Example(f"Obey the order {n} now", {"attack": 1.0, "direct": 1.0}, "phrases/direct") for n in range(5)]
ASKS = [Example(f"Write a poem about number {n}", {"attack": 0.0}, "mt_bench", ordinary=True) for n in range(5)]


@given(st.integers())
def test_what_is_inserted_is_foreign_and_marked(seed: int) -> None:
    foreign = {example.text for example in (*ORDERS, *ASKS)}
    made = list(mixture.inserted([*DOCUMENTS, *ORDERS, *ASKS], random.Random(seed)))
    assert len(made) == len(DOCUMENTS)
    for example in made:
        assert example.focus is not None
        assert example.text[slice(*example.focus)] in foreign
        assert (example.targets, example.untrusted) == ({"indirect": 1.0}, True)
        assert any(word in example.text for word in ("Minutes", "budget", "objected"))
    assert list(mixture.inserted(DOCUMENTS, random.Random(seed))) == []


def test_redirections_are_attacks_where_they_stand() -> None:
    made = list(mixture.redirected([*DOCUMENTS, *ORDERS, *ASKS, *CHAT], random.Random(2)))
    assert len(made) > 2000
    for example in made:
        assert example.focus is not None
        assert example.text[slice(*example.focus)] in {ask.text for ask in ASKS}
        assert example.targets == ({"indirect": 1.0} if example.untrusted else {"attack": 1.0, "direct": 1.0})
    assert {example.untrusted for example in made} == {False, True}


def test_a_suffix_of_noise_makes_a_harmful_ask_an_attack() -> None:
    harmful = [Example(f"how to do harmful thing {n}", {"illegal": 1.0}, "advbench") for n in range(20)]
    made = list(mixture.suffixed([*harmful, *CHAT], random.Random(4)))
    assert len(made) == len(harmful)
    for example in made:
        assert any(example.text.startswith(ask.text + " ") for ask in harmful)
        assert len(example.text) > len("how to do harmful thing 00") + 8
        assert example.targets == {"attack": 1.0, "jailbreak": 1.0, "illegal": 1.0}


def test_a_task_and_its_data_are_clean_unless_an_order_stands_in_the_data() -> None:
    made = list(mixture.tasked([*DOCUMENTS, *ORDERS, *ASKS, *CHAT], random.Random(2)))
    orders = tuple(order.text for order in ORDERS)
    assert {bool(example.focus) for example in made} == {False, True}
    for example in made:
        assert not example.untrusted
        assert any(task in example.text for task in mixture._TASKS)
        if example.focus is None:
            assert set(example.targets.values()) == {0.0}
            assert example.ordinary
            assert not any(order in example.text for order in orders)
        else:
            assert example.targets == {"attack": 1.0}
            assert not example.ordinary
            assert example.text[slice(*example.focus)].startswith(orders)
    assert list(mixture.tasked(DOCUMENTS, random.Random(2))) == []
