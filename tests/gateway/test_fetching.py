"""Asking other servers: what is asked, what is not, and how much is read."""

from __future__ import annotations

from typing import Any

import pytest

from chatward.core.errors import UpstreamError
from chatward.gateway import fetching
from chatward.gateway.fetching import Fetching


async def test_an_answer_comes_back_whole(play: Any, answer: Any) -> None:
    bot = await play(["read", answer(b'{"keys":[]}', head=b"content-type: application/json\r\n")])
    fetch = Fetching()
    got = await fetch("GET", f"{bot.url}/keys?x=1", [("accept", "application/json")])
    assert (got.status, got.body) == (200, b'{"keys":[]}')
    assert dict(got.headers)["content-type"] == "application/json"
    assert bot.requests[0].header("accept") == "application/json"
    await fetch.aclose()


async def test_a_redirect_is_an_answer_and_not_followed(play: Any, answer: Any) -> None:
    bot = await play(["read", answer(b"", status=b"302 Found", head=b"location: http://192.0.2.1/\r\n")])
    fetch = Fetching()
    assert (await fetch("GET", f"{bot.url}/")).status == 302
    assert len(bot.requests) == 1
    await fetch.aclose()


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1/", "http://idp.example/", "ftp://localhost/", "file:///etc/passwd", "https:///x",
     "https://user@idp.example/", "http://localhost.example/", "http://127.0.0.1.example/"],
)  # fmt: skip
async def test_what_is_not_asked(url: str) -> None:
    with pytest.raises(UpstreamError):
        await Fetching()("GET", url)


async def test_too_much_is_not_read(play: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST", 10)
    bot = await play(["read", answer(b"x" * 11)])
    fetch = Fetching()
    with pytest.raises(UpstreamError):
        await fetch("GET", f"{bot.url}/")
    await fetch.aclose()


async def test_who_does_not_answer_is_given_up(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.05)
    bot = await play(["read", 5.0])
    fetch = Fetching()
    with pytest.raises(UpstreamError):
        await fetch("GET", f"{bot.url}/")
    await fetch.aclose()


async def test_connections_are_kept_for_a_few_origins(play: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ORIGINS", 2)
    bots = [await play(["read", answer(b"x")]) for _ in range(3)]
    fetch = Fetching()
    for bot in bots:
        await fetch("GET", f"{bot.url}/")
    assert len(fetch._origins) == 2
    await fetch.aclose()
    assert not fetch._origins


async def test_a_download_is_handed_over_as_it_comes(play: Any, answer: Any) -> None:
    bot = await play(["read", answer(b"x" * 100_000, head=b'etag: "1"\r\n')])
    fetch, got = Fetching(), bytearray()
    told = await fetch.download(f"{bot.url}/list", [("x-key", "k")], got.extend, 100_000)
    assert (told.status, told.body, bytes(got)) == (200, b"", b"x" * 100_000)
    assert dict(told.headers)["etag"] == '"1"'
    assert bot.requests[0].header("x-key") == "k"
    await fetch.aclose()


async def test_a_download_has_a_limit(play: Any, answer: Any) -> None:
    bot = await play(["read", answer(b"x" * 11)])
    fetch = Fetching()
    with pytest.raises(UpstreamError, match="too large"):
        await fetch.download(f"{bot.url}/list", [], lambda data: None, 10)
    await fetch.aclose()


async def test_only_the_body_of_a_success_is_taken(play: Any, answer: Any) -> None:
    bot = await play(["read", answer(b"gone", status=b"404 Not Found")])
    fetch, got = Fetching(), bytearray()
    assert (await fetch.download(f"{bot.url}/list", [], got.extend, 10)).status == 404
    assert not got
    await fetch.aclose()


async def test_a_download_asks_no_other_addresses_either() -> None:
    with pytest.raises(UpstreamError):
        await Fetching().download("http://192.0.2.1/", [], lambda data: None, 10)
