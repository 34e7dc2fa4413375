"""Fitting in PyTorch, a few steps on tiny data: run by an interpreter that has the extra ``train``, else skipped."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

WHY = "PyTorch is for training only; what is composed, calibrated and shipped is tested without it in this folder"
torch = pytest.importorskip("torch", reason=WHY)
pytest.importorskip("onnx", reason=WHY)
safetensors = pytest.importorskip("safetensors.torch", reason=WHY)

from chatward.models import ngrams  # noqa: E402
from chatward.models.encoder import ROOM, WINDOW, Encoder, windows  # noqa: E402
from chatward.models.entities import first_pieces  # noqa: E402
from chatward.models.heads import ENTITIES, HEADS, INDEX, TAGS  # noqa: E402
from chatward.models.tier1 import DIMENSIONS, Tier1  # noqa: E402
from chatward.models.training import corpora, names_fit, tier1_fit, trunk  # noqa: E402
from chatward.models.training.corpora import Example, Tagged  # noqa: E402
from chatward.models.wordpiece import WordPiece  # noqa: E402
from tests.simulators.models import SPECIAL, VOCABULARY  # noqa: E402

CUTTER = WordPiece(VOCABULARY)
EXAMPLES = [
    Example(text, {"attack": float(bad), "scam": 0.0}, "own")
    for text, bad in (("evil sly", 1), ("sly odd evil", 1), ("plain a.", 0), ("berlin plain", 0), ("anna, plain", 0))
] * 12
TAGGED = [
    Tagged("Anna Smith plain", ((0, 10, "PERSON"),), "own"),
    Tagged("plain Berlin", ((6, 12, "LOCATION"),), "own", known=frozenset(("PERSON", "LOCATION"))),
] * 12


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(1)


# --- tier 1 ------------------------------------------------------------------------------------------


def random_net() -> Any:
    net = tier1_fit.Net(torch.randn(len(VOCABULARY), DIMENSIONS))
    torch.nn.init.normal_(net.grams.weight, std=0.5)
    return net.eval()


TEXTS = ["plain evil.", "sly " * 30, "anna smith, berlin", "中中 odd", "derived"]


def test_rounding_keeps_what_tier_1_answers(tmp_path: Path) -> None:
    net = random_net()
    tier1_fit.rounded(net).save(tmp_path / "tier1.npz")
    loaded = Tier1.load(tmp_path / "tier1.npz")
    rows, ids = [ngrams.rows(text) for text in TEXTS], [np.asarray(CUTTER(text).ids) for text in TEXTS]
    with torch.no_grad():
        exact = net(*tier1_fit._tensors(rows, ids)).numpy()
    short = np.stack([loaded.logits(text, CUTTER(text).ids) for text in TEXTS])
    assert np.abs(exact - short).max() < 0.03 * np.abs(exact).max()
    assert np.corrcoef(exact.ravel(), short.ravel())[0, 1] > 0.999


def test_tier_1_learns_what_it_is_shown_and_nothing_else() -> None:
    said: list[str] = []
    table = torch.randn(len(VOCABULARY), DIMENSIONS)
    made = tier1_fit.fit(EXAMPLES, CUTTER, table, epochs=6, batch=8, report=said.append)
    scores = {text: made.logits(text, CUTTER(text).ids) for text in ("evil sly", "plain a.")}
    assert scores["evil sly"][INDEX["attack"]] > 1 > -1 > scores["plain a."][INDEX["attack"]]
    assert len(said) == 6
    # Heads that no source speaks about get nothing from the n-grams.
    assert not made.grams[:, INDEX["hate"]].any()
    assert made.grams[:, INDEX["attack"]].any()


def test_the_same_seed_gives_the_same_weights() -> None:
    table = torch.randn(len(VOCABULARY), DIMENSIONS)
    one, other = (tier1_fit.fit(EXAMPLES, CUTTER, table, epochs=1, batch=16, seed=4) for _ in range(2))
    for name in Tier1.__slots__:
        assert (getattr(one, name) == getattr(other, name)).all()


def test_tier_1_is_shown_a_long_text_around_its_focus() -> None:
    text = "x" * 3000 + "evil" + "y" * 3000
    part = tier1_fit._part(Example(text, {}, "own", focus=(3000, 3004)))
    assert "evil" in part
    assert len(part) == ngrams.LONGEST
    assert tier1_fit._part(Example(text, {}, "own")) == text[: ngrams.LONGEST]


# --- the encoder -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made() -> Any:
    torch.manual_seed(2)
    return trunk.Trunk(len(VOCABULARY)).eval()


def items(texts: Sequence[str]) -> list[Any]:
    return [trunk.text_item(Example(text, {"attack": 1.0}, "own"), CUTTER, random.Random(0)) for text in texts]


def test_export_keeps_what_the_encoder_answers(made: Any, tmp_path: Path) -> None:
    """In 8 bits, through ONNX Runtime, window by window."""
    trunk.export(made, tmp_path / "encoder.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["encoder.onnx"]
    encoder = Encoder(tmp_path / "encoder.onnx", CUTTER)
    found = [window for text in TEXTS for window in windows(CUTTER(text), untrusted=False)]
    with torch.no_grad():
        ids, casing, mask = trunk.padded(items(TEXTS), CUTTER.pad)
        logits, tags = made(ids, casing, mask)
    for row, (window, answer) in enumerate(zip(found, encoder.run(found), strict=True)):
        count = window.end - window.start
        exact = np.concatenate([logits[row].numpy(), tags[row, 2 : 2 + count].numpy().ravel()])
        short = np.concatenate([answer[0], answer[1].ravel()])
        assert exact.shape == short.shape
        assert np.corrcoef(exact, short)[0, 1] > 0.98
        assert np.abs(exact - short).mean() < 0.1


def test_padding_does_not_show(made: Any) -> None:
    with torch.no_grad():
        alone = made(*trunk.padded(items(["evil"]), CUTTER.pad))[0][0]
        beside = made(*trunk.padded(items(["evil", "plain " * 60]), CUTTER.pad))[0][0]
    assert torch.allclose(alone, beside, atol=1e-3)


def test_a_few_steps_bring_the_loss_down() -> None:
    model = trunk.Trunk(len(VOCABULARY))
    said: list[str] = []

    def losses() -> tuple[float, float]:
        with torch.no_grad():
            model.eval()
            texts = items([example.text for example in EXAMPLES[:5]])
            for item, example in zip(texts, EXAMPLES, strict=False):
                item.targets = np.array([example.targets.get(head, 0.0) for head in HEADS], dtype=np.float32)
            tagged = [trunk.tagged_item(row, CUTTER) for row in TAGGED[:2]]
            one = trunk.text_loss(model(*trunk.padded(texts, 0))[0], texts, torch.ones(len(HEADS)))
            other = trunk.tag_loss(model(*trunk.padded(tagged, 0))[1], tagged)
            return float(one), float(other)

    before = losses()
    trunk.fit(model, EXAMPLES[:20], TAGGED[:4], CUTTER, epochs=3, rate=3e-3, tokens=64, report=said.append)
    after = losses()
    assert after[0] < before[0]
    assert after[1] < before[1]
    assert all(math.isfinite(value) for value in after)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not model.training
    assert said[0].startswith("step 0/")
    scored = trunk.scores(model, ["evil sly", "plain a."], CUTTER)
    assert scored.shape == (2, len(HEADS))


def test_no_time_is_no_step() -> None:
    model = trunk.Trunk(len(VOCABULARY))
    before = model.heads.weight.detach().clone()
    trunk.fit(model, EXAMPLES[:4], TAGGED[:2], CUTTER, epochs=1, seconds=1e-9)
    assert torch.equal(model.heads.weight, before)


def test_a_base_model_gives_its_weights(tmp_path: Path, made: Any) -> None:
    """In the names of a published BERT; words that are new start from the mean of their pieces."""
    base = [*SPECIAL, *"abc", "##a", "##b"]
    state = trunk.Trunk(len(base)).state_dict()
    names = {
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "out": "attention.output.dense", "norm": "attention.output.LayerNorm", "inner": "intermediate.dense",
        "outer": "output.dense", "norm2": "output.LayerNorm",
    }  # fmt: skip
    published = {
        "embeddings.word_embeddings.weight": state["words.weight"],
        "embeddings.position_embeddings.weight": torch.cat([state["positions.weight"], state["positions.weight"]]),
        "embeddings.token_type_embeddings.weight": torch.randn(2, 384),
        "embeddings.LayerNorm.weight": state["norm.weight"],
        "embeddings.LayerNorm.bias": state["norm.bias"],
    }
    for key, value in state.items():
        if key.startswith("layers."):
            _, layer, part, kind = key.split(".")
            published[f"encoder.layer.{layer}.{names[part]}.{kind}"] = value
    safetensors.save_file({key: value.contiguous() for key, value in published.items()}, tmp_path / "model.safetensors")
    (tmp_path / "vocab.txt").write_text("\n".join(base) + "\n")
    loaded = trunk.from_base(tmp_path, [*base, "ab", "bca"])
    words = loaded.words.weight
    assert torch.equal(words[: len(base)], state["words.weight"])
    place = {token: number for number, token in enumerate(base)}
    assert torch.allclose(words[len(base)], (words[place["a"]] + words[place["##b"]]) / 2)
    assert torch.allclose(words[len(base) + 1], words[[place["b"], place["[UNK]"], place["##a"]]].mean(0))
    assert torch.equal(loaded.layers[3].inner.weight, state["layers.3.inner.weight"])
    assert torch.equal(loaded.casings.weight[4], published["embeddings.token_type_embeddings.weight"][0])
    del published["encoder.layer.5.output.dense.bias"]
    safetensors.save_file({key: value.contiguous() for key, value in published.items()}, tmp_path / "model.safetensors")
    with pytest.raises(KeyError):
        trunk.from_base(tmp_path, base)


# --- examples as windows -----------------------------------------------------------------------------


def test_a_window_holds_the_focus_of_a_long_text() -> None:
    text = "plain " * 400 + "evil" + " plain" * 400
    example = Example(text, {"attack": 1.0}, "own", focus=(2400, 2404))
    evil = VOCABULARY.index("evil")
    for seed in range(20):
        item = trunk.text_item(example, CUTTER, random.Random(seed))
        assert evil in item.ids
        assert len(item.ids) == len(item.casing) == WINDOW
        assert item.ids[:2] == [CUTTER.cls, CUTTER.trusted]
        assert item.ids[-1] == CUTTER.sep
    starts = {trunk.text_item(example, CUTTER, random.Random(seed)).ids.index(evil) for seed in range(20)}
    assert len(starts) > 5  # its place tells nothing


def test_an_item_says_what_its_source_says() -> None:
    item = trunk.text_item(
        Example("evil", {"attack": 1.0, "scam": 0.0}, "own", untrusted=True, weight=0.5), CUTTER, random.Random(0)
    )
    assert item.ids == [CUTTER.cls, CUTTER.untrusted, VOCABULARY.index("evil"), CUTTER.sep]
    assert {HEADS[i]: float(w) for i, w in enumerate(cast(Any, item.weights)) if w} == {"attack": 0.5, "scam": 0.5}
    assert cast(Any, item.targets)[INDEX["attack"]] == 1.0


def test_tags_stand_on_the_first_piece_of_each_word() -> None:
    text = "derived Anna Smith, Anna"
    item = trunk.tagged_item(Tagged(text, ((8, 18, "PERSON"), (20, 24, "PERSON")), "own"), CUTTER)
    names = ["-" if tag < 0 else TAGS[tag] for tag in cast(Any, item.tags)]
    assert names == ["-", "-", "O", "-", "-", "B-PERSON", "I-PERSON", "O", "B-PERSON", "-"]


def test_neighbours_of_a_kind_begin_anew() -> None:
    item = trunk.tagged_item(Tagged("Anna Smith", ((0, 4, "PERSON"), (5, 10, "PERSON")), "own"), CUTTER)
    assert [TAGS[tag] for tag in cast(Any, item.tags) if tag >= 0] == ["B-PERSON", "B-PERSON"]


def test_batches_hold_everything_once_and_are_bounded() -> None:
    made_items = items(["plain " * (1 + n % 90) for n in range(200)])
    found = trunk.batches(made_items, 512, random.Random(3))
    assert sorted(id(item) for batch in found for item in batch) == sorted(id(item) for item in made_items)
    for batch in found:
        assert len(batch) == 1 or max(len(item.ids) for item in batch) * (len(batch) - 1) <= 512 + 6 * len(batch)


# --- the small net for names --------------------------------------------------------------------------


def test_the_small_net_learns_what_the_encoder_finds_and_what_is_marked(files: Path) -> None:
    encoder = Encoder(files / "encoder.onnx", CUTTER)
    texts = ["plain Anna Smith a.", "Berlin plain", "plain odd", "evil sly plain", "a plain a", "grim lure"]
    chosen = [Tagged(text, (), "", known=frozenset()) for text in texts]
    chosen.append(Tagged("plain odd lure", ((10, 14, "ORG"),), "marked"))
    rows = names_fit.taught(chosen * 4, encoder, CUTTER)
    tagger = names_fit.fit(rows, torch.randn(len(VOCABULARY), 64), CUTTER, epochs=160, seed=1)
    found = [[TAGS[place] for place in tagger.probabilities(CUTTER(row.text)).argmax(axis=1)] for row in chosen]
    assert found[0] == ["O", "B-PERSON", "I-PERSON", "O", "O"]
    assert found[1] == ["B-LOCATION", "O"]
    assert found[2:5] == [["O"] * 2, ["O"] * 3, ["O"] * 3]
    assert found[6] == ["O", "O", "B-ORG"]


def test_a_rounded_net_answers_like_the_net_whatever_else_is_in_the_batch() -> None:
    net = names_fit.Net(torch.randn(len(VOCABULARY), 64)).eval()
    torch.nn.init.normal_(net.moved.weight)
    tagger = names_fit.rounded(net)
    tokens = [CUTTER(text) for text in ("Anna Smith", "plain odd evil sly berlin derived a. " * 3, "中")]
    rows = []
    for one in tokens:
        starts = first_pieces(one)
        nothing = np.zeros((len(starts), len(TAGS)), dtype=np.float32)
        rows.append(names_fit.Taught(np.asarray(one.ids), starts, np.asarray(one.casing)[starts], nothing))
    batch = names_fit.Batch.of(rows)
    said = torch.softmax(net(batch), dim=1)[batch.mask > 0].detach().numpy()
    assert np.concatenate([tagger.probabilities(one) for one in tokens]) == pytest.approx(said, abs=0.05)


def test_a_little_of_everything_is_nothing() -> None:
    tags = np.full((3, len(TAGS)), 1 / len(TAGS))
    tags[1] = [0.5, 0.2, 0.2, *[0.1 / 12] * 12]
    tags[2] = [0.1, 0.9, *[0.0] * 13]
    expected = [[1, 0, 0], [0.6, 0.2, 0.2], [0.1, 0.9, 0]]
    assert names_fit.surely(tags)[:, :3].tolist() == [pytest.approx(row) for row in expected]


def test_where_a_source_is_silent_the_encoder_decides() -> None:
    tokens = CUTTER("Anna plain Berlin")
    tags = np.zeros((3, len(TAGS)))
    tags[0, TAGS.index("B-PERSON")] = tags[1, TAGS.index("B-PERSON")] = 1.0
    tags[2, [0, TAGS.index("B-LOCATION")]] = 0.5
    row = Tagged("Anna plain Berlin", ((0, 4, "PERSON"),), "few", known=frozenset(("PERSON",)))
    found = names_fit.marked(row, tokens, tags)
    assert found[0, TAGS.index("B-PERSON")] == 1
    assert found[1, 0] == 1  # of persons, which it knows, it marks none here
    assert found[2].tolist() == tags[2].tolist()


def test_the_small_net_learns_from_nothing_that_its_border_is_measured_on() -> None:
    examples = [Example(f"text {n}", {}, "phrases/chat", held=n % 5 == 0) for n in range(200)]
    examples += [Example(f"made {n}", {}, "tasked") for n in range(50)]
    marked = [Tagged(f"from Anna {n}", ((5, 9, "PERSON"),), "phrases/pii", held=n % 7 == 0) for n in range(100)]
    chosen = names_fit.texts(examples, marked, random.Random(1))
    own = {row.text for row in marked}
    assert not any(corpora.set_aside(row.text) for row in chosen if row.text in own or not row.spans)
    assert not any(row.text.startswith("made") for row in chosen)
    kept_back = {example.text for example in examples if example.held} | {row.text for row in marked if row.held}
    assert kept_back.isdisjoint(row.text for row in chosen)
    assert 150 < len(chosen) < 340
    for row in chosen:
        assert all(row.text[start:end].lower() == "anna" for start, end, _ in row.spans)


# --- losses ------------------------------------------------------------------------------------------


def test_heads_that_a_source_is_silent_about_cost_nothing() -> None:
    batch = items(["evil", "plain"])
    logits = torch.randn(2, len(HEADS), requires_grad=True)
    trunk.text_loss(logits, batch, torch.ones(len(HEADS))).backward()
    silent = [place for place, head in enumerate(HEADS) if head != "attack"]
    assert not logits.grad[:, silent].any()
    assert logits.grad[:, INDEX["attack"]].all()


def test_outside_means_none_of_the_entities_that_a_source_labels() -> None:
    knows = trunk.Item([1, 2], [0, 0], tags=[0, -1], known=frozenset(ENTITIES) - {"ORG"})
    organisation = 1 + 2 * ENTITIES.index("ORG")
    person = 1 + 2 * ENTITIES.index("PERSON")
    costs = []
    for place in (organisation, person, 0):
        logits = torch.zeros(1, 2, len(TAGS))
        logits[0, 0, place] = 9.0
        costs.append(float(trunk.tag_loss(logits, [knows])))
    assert costs[0] < 0.02  # the source does not label it: it may be one
    assert costs[1] > 5
    assert costs[2] < 0.02
    assert ROOM == WINDOW - 3
