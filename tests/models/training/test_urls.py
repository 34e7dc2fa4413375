"""Training of the model for URLs, on a few made-up lists: what is held back, what counts, and that it learns."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chatward.models import urls
from chatward.models.store import ModelFiles
from chatward.models.training import urls as training

WORDS = ("garden", "harbour", "lantern", "meadow", "orchard", "pepper", "quarry", "ribbon", "saddle", "walnut")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Harmful links say ``verify``, ordinary ones do not. Names are made up."""
    folder = tmp_path / "data"
    (folder / "urls").mkdir(parents=True)
    (folder / "intel").mkdir()
    harmful = [
        {"url": f"http://{a}-{b}.test/verify/login.php?id={n}", "label": "phishing", "first_seen": "2021-01-01"}
        for n, (a, b) in enumerate((a, b) for a in WORDS for b in WORDS)
    ]
    ordinary = [
        {"url": f"https://{a}{b}.example/{b}/page-{n}", "label": "benign"}
        for n, (a, b) in enumerate((a, b) for a in WORDS for b in WORDS)
    ]
    later = [
        {"url": f"https://{a}{n}.test/verify/", "label": "phishing", "first_seen": "2025-01-01"}
        for n, a in enumerate(WORDS)
    ]
    later.append({**later[0], "url": "https://known.test/verify/", "in_train": "true"})
    for name in {*training.HARMFUL, *training.ORDINARY, training.LATER}:
        rows: list[dict[str, Any]] = []
        if name == "phishtank_2021":
            rows = harmful
        elif name == "benign_curated_lists":
            rows = ordinary
        elif name == training.LATER:
            rows = later
        with gzip.open(folder / "urls" / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    with tarfile.open(folder / "intel" / "misp_warninglists.tar.gz", "w:gz") as archive:
        for name, hosts in {
            "majestic_million": [
                f"{word}site.example" for word in (*WORDS, *(f"{a}{b}" for a in WORDS for b in WORDS))
            ],
            "cloudflare-top100k": ["less-known.example", "someone.pages.dev"],
            "alexa": [],
            "unrelated": ["never.example"],
        }.items():
            content = json.dumps({"list": hosts}).encode()
            info = tarfile.TarInfo(f"lists/{name}/list.json")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return folder


def test_popular_names_are_those_of_the_lists(data: Path) -> None:
    known = training.popular(data)
    assert known["gardensite.example"] == 2
    assert known["less-known.example"] == 1
    assert "never.example" not in known
    assert not any("pages.dev" in name for name in known)


def test_held_back_names_are_not_fitted_on(data: Path) -> None:
    known = training.popular(data)
    found = training.rows_of(data, known)
    chosen = {found[place].owner for place in training.taken(found, 0) if found[place].source != "popular"}
    held = {row.owner for row in training.held_back(found, 0.0, 0.2)}
    assert held
    assert chosen
    assert chosen.isdisjoint(held)


def test_what_is_only_measured_on_is_never_among_what_is_fitted_on(data: Path) -> None:
    found = training.rows_of(data, {})
    later = training.rows_of(data, {}, later=True)
    assert training.LATER not in {row.source for row in found}
    assert len(later) == len(WORDS)  # the row that says it is in a list for training is left out


def test_a_link_is_taken_once_and_an_owners_few(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [training.Row("pdd", 0, "a.example", a) for n in range(50) if (a := training.address_of(f"a.example/{n}"))]
    place = training.place_of("a.example")
    monkeypatch.setattr(training, "_HELD", place / 2)
    assert len(training.taken(rows, 0)) == training._CAPS[0]
    monkeypatch.setattr(training, "_HELD", min(1.0, place + 0.01))
    assert training.taken(rows, 0) == []


def test_eight_bits_are_near_enough() -> None:
    weights = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    packed, scale = training.packed(weights)
    assert np.abs(packed * scale - weights).max() < 2 * scale + 0.5 * (np.abs(weights).max() - 127 * scale)


def test_a_run_from_lists_to_files(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    facts = training.train(data, out, seed=0)
    assert facts["measured"]["later"] == len(WORDS)
    assert facts["measured"]["at_half"]["popular_names_over"] == 0
    files = ModelFiles(out)
    model = urls.UrlModel.load(files.path("urls.npz"), files.json("urls.json"))
    bad, good = (training.address_of(f"https://new-name.{end}") for end in ("test/verify/login.php", "example/garden"))
    assert bad is not None
    assert good is not None
    assert model.score(bad) > model.score(good)
    known = training.popular(data)
    others = ["https://elsewhere.example/a", "https://elsewhere.example/b", "https://less-known.example/", "not a link"]
    told = training.measure(data, model, training.rows_of(data, known), known, others)
    assert told.pop("others")["links"] == 2  # of a name that the lists have, nothing
    assert told == facts["measured"]
    again = tmp_path / "again"
    again.mkdir()
    training.train(data, again, seed=0)
    assert (again / "urls.json").read_bytes() == (out / "urls.json").read_bytes()
