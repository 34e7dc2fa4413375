"""The model for URLs: its pieces, its filters of well-known names, its files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.addresses import Address, parse
from chatward.models import urls
from chatward.models.store import FOLDER, ModelFiles
from chatward.models.urls import BUCKETS, HALF, UrlModel, bloom, cut, holds, rows, shipped


def address(text: str) -> Address:
    found = parse(text)
    assert found is not None
    return found


def numbers(text: str, known: int = 0) -> list[int]:
    return [int(number) for number in rows(cut(address(text), known))]


@settings(max_examples=60, deadline=None)
@given(
    st.from_regex(r"[a-z0-9-]{1,20}\.(com|example|pages\.dev|co\.uk)", fullmatch=True),
    st.text(max_size=60),
    st.sampled_from((0, 1, 2)),
)
def test_any_url_has_pieces_in_both_halves(host: str, rest: str, known: int) -> None:
    found = parse(f"https://{host}/{rest}")
    if found is None:
        return
    made = rows(cut(found, known))
    assert made.size % 2 == 0
    half = made.size // 2
    assert (made[:half] < HALF).all()
    assert ((made[half:] >= HALF) & (made[half:] < BUCKETS)).all()
    assert (np.diff(made[:half]) > 0).all()


def test_who_wrote_the_list_makes_no_difference() -> None:
    assert numbers("https://example.com/a") == numbers("http://www.example.com/a")
    assert numbers("https://example.com/a") != numbers("https://example.com/b")
    assert numbers("https://example.com/a") != numbers("https://example.com/a", 2)


def test_kinds_of_hosts() -> None:
    kinds = {
        "https://someone.pages.dev/x": "share",
        "https://docs.google.com/x": "path",
        "https://unknown-name.example/": "bare",
        "https://unknown-name.example/x": "deep",
    }
    assert {text: urls.KINDS[cut(address(text), 0).kind] for text in kinds} == kinds
    assert urls.KINDS[cut(address("https://example.com/x"), 1).kind] == "known"


@settings(max_examples=40)
@given(st.sets(st.text(min_size=1, max_size=20), max_size=200))
def test_a_filter_holds_what_was_put_in(names: set[str]) -> None:
    made = bloom(sorted(names))
    assert all(holds(made, name) for name in names)


def test_a_filter_holds_little_else() -> None:
    made = bloom([f"name-{number}.example" for number in range(5000)])
    assert sum(holds(made, f"other-{number}.example") for number in range(5000)) < 75


def test_well_known_names_are_known_and_hosts_of_many_are_not() -> None:
    model = shipped()
    assert model.fame("www.wikipedia.org") == 2
    assert model.fame("wikipedia.org") == 2
    assert model.fame("no-such-name-at-all-93.example") == 0
    for host in ("someone.github.io", "docs.google.com", "127.0.0.1", "localhost"):
        assert model.fame(host) == 0


def test_files_are_read_as_they_were_written(tmp_path: Path) -> None:
    weights = np.arange(BUCKETS, dtype=np.int64).astype(np.int8)
    made = UrlModel(weights, bloom(["a.example"]), bloom([]), 0.5, 1.0, 0.0)
    made.save(tmp_path / "urls.npz")
    read = UrlModel.load(tmp_path / "urls.npz", {"scale": 0.5, "slope": 1.0, "shift": 0.0})
    link = address("https://x.a.example/y")
    assert read.score(link) == made.score(link)
    assert read.fame("a.example") == 1


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "urls.npz", weights=np.zeros(8, np.int8), known=np.zeros(8), best_known=np.zeros(8))
    with pytest.raises(ValueError, match="another shape"):
        UrlModel.load(tmp_path / "urls.npz", {"scale": 1, "slope": 1, "shift": 0})


def test_the_shipped_model_is_in_the_manifest() -> None:
    files = ModelFiles()
    assert {"urls.npz", "urls.json"} <= set(files.digests)
    assert files.path("urls.npz") == FOLDER / "urls.npz"
    assert json.loads(files.path("urls.json").read_text("utf-8"))["version"] == files.version


@given(st.floats(-50, 50))
def test_scores_are_probabilities(logit: float) -> None:
    model = UrlModel(np.zeros(BUCKETS, np.int8), bloom([]), bloom([]), 1.0, 1.0, logit)
    assert 0.0 <= model.score(address("https://example.com/")) <= 1.0
