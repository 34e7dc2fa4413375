"""The benchmark of the console, small: it measures what it says it does."""

from __future__ import annotations

import asyncio

import pytest

from chatward.bench import console
from chatward.bench.console import FIGURES, Options, run


def test_pages_and_the_feed_are_measured(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    report = run(Options(rounds=1, seconds=0.5, messages=3000), said.append)
    assert tuple(report.figures) == FIGURES
    assert all(report.figures.values())
    assert report.details["findings"] == 150
    assert report.figures["feed_per_s"] > console.RATE / 2
    assert len(report.details["page_ms_median"]) > 12
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_does_not_answer_is_no_figure(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "_addresses", lambda messages: ("/messages?sort=nonsense",))
    with pytest.raises(RuntimeError, match="answered 400"):
        run(Options(rounds=1, seconds=0.1, messages=200), lambda line: None)


def test_a_list_is_asked_for_its_next_page_too() -> None:
    async def found() -> tuple[str, ...]:
        async def page(app: object, address: str) -> tuple[int, bytes]:
            return 200, b'<a class="button" href="/messages?size=25&amp;after=xyz">'

        old, console._get = console._get, page  # type: ignore[assignment]
        try:
            return await console._following(None, "/messages?size=25")  # type: ignore[arg-type]
        finally:
            console._get = old

    assert asyncio.run(found()) == ("/messages?size=25", "/messages?size=25&after=xyz")
