"""Which pages may ask what: by path, by list, and our own."""

from __future__ import annotations

from typing import Any

import pytest

from chatward.core.errors import ClientError
from chatward.gateway.cross_origin import EXPOSED, WIDGET, CrossOrigin
from tests.identity.headers import headers

OWN, API, SHOP, EVIL = "https://chat.example", "https://api.example", "https://shop.example", "https://evil.example"


class Scope:
    def __init__(self, path: str, *pairs: tuple[str, str], method: str = "POST") -> None:
        self.path, self.method, self.headers = path, method, headers(*pairs)


def made(**given: Any) -> CrossOrigin:
    return CrossOrigin(lambda scope: OWN, **{"api": (API,), "widget": (SHOP,), **given})


def let_in(it: CrossOrigin, path: str, *pairs: tuple[str, str]) -> str | None:
    """The origin that is let in by name; ``own`` where none is named; ``None`` where it is refused."""
    try:
        told = dict(it.answer(Scope(path, *pairs)))  # type: ignore[arg-type]
    except ClientError:
        return None
    assert "access-control-allow-credentials" not in told
    return told.get("access-control-allow-origin", "own")


@pytest.mark.parametrize(
    "path", [*WIDGET, "/v1/challenges/abc", "/v1/embeddings", "/v1/passkeys", "/chat", "/healthz", "/x"]
)
def test_every_path_has_its_list(path: str) -> None:
    it, widgets = made(), path in WIDGET or path.startswith("/v1/challenges/")
    assert let_in(it, path) == "own"
    assert let_in(it, path, ("origin", OWN)) == "own"
    assert let_in(it, path, ("origin", API)) == (API if path.startswith("/v1/") else None)
    assert let_in(it, path, ("origin", SHOP)) == (SHOP if widgets else None)
    for pairs in ([EVIL], ["null"], [SHOP, SHOP], [OWN, EVIL], [SHOP + "/"], [""]):
        assert let_in(it, path, *(("origin", one) for one in pairs)) is None


@pytest.mark.parametrize(
    ("pairs", "own"),
    [
        ([("origin", "http://chat.example"), ("sec-fetch-site", "same-origin")], True),
        ([("origin", "null"), ("sec-fetch-site", "same-origin")], True),
        ([("origin", EVIL), ("sec-fetch-site", "same-site")], False),
        ([("origin", EVIL), ("sec-fetch-site", "cross-site")], False),
        ([("origin", EVIL), ("sec-fetch-site", "none")], False),
        ([("origin", EVIL), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], False),
        ([("origin", EVIL), ("origin", OWN), ("sec-fetch-site", "same-origin")], False),
    ],
)
def test_our_own_pages_are_known_by_what_no_page_can_say(pairs: list[tuple[str, str]], own: bool) -> None:
    assert (let_in(made(), "/v1/chat/completions", *pairs) == "own") is own


def test_answers_differ_by_origin_where_anybody_is_listed_and_tell_what_may_be_read() -> None:
    for it in (made(), made(api=()), made(widget=())):
        assert ("vary", "origin") in it.answer(Scope("/v1/models"))  # type: ignore[arg-type]
    assert made(api=(), widget=()).answer(Scope("/v1/models")) == []  # type: ignore[arg-type]
    told = dict(made().answer(Scope("/v1/models", ("origin", SHOP))))  # type: ignore[arg-type]
    assert told["access-control-expose-headers"] == ", ".join(EXPOSED)


def test_cookies_are_for_pages_of_the_api_alone() -> None:
    it = made(credentials=True)
    for origin, sent in ((API, True), (SHOP, False)):
        told = dict(it.answer(Scope("/v1/models", ("origin", origin))))  # type: ignore[arg-type]
        assert ("access-control-allow-credentials" in told) is sent


def test_only_a_preflight_is_answered_as_one() -> None:
    it, asks = made(), ("access-control-request-method", "POST")
    for scope in (
        Scope("/v1/models", ("origin", SHOP), asks),
        Scope("/v1/models", ("origin", SHOP), method="OPTIONS"),
        Scope("/v1/models", asks, method="OPTIONS"),
    ):
        assert it.preflight(scope) is None  # type: ignore[arg-type]
    told = it.preflight(Scope("/v1/models", ("origin", SHOP), asks, method="OPTIONS"))  # type: ignore[arg-type]
    assert told is not None
    assert ("access-control-allow-origin", SHOP) in told
    with pytest.raises(ClientError):
        it.preflight(Scope("/v1/models", ("origin", EVIL), asks, method="OPTIONS"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("own", "let"),
    [
        ("http://127.0.0.1:8787", True),
        ("http://localhost:8787", True),
        ("http://[::1]:8787", True),
        ("http://app.localhost", True),
        ("http://evil.example:8787", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://", False),
        ("http://[", False),
    ],
)
def test_a_name_that_was_made_to_point_here_is_not_ours(own: str, let: bool) -> None:
    it = CrossOrigin(lambda scope: own, here=True)
    for pairs in ([("origin", own)], [("origin", own), ("sec-fetch-site", "same-origin")]):
        assert (let_in(it, "/v1/chat/completions", *pairs) == "own") is let
    assert let_in(it, "/v1/chat/completions") == "own"  # a program says no origin
