"""Paths are looked up; what goes to a bot is encoded anew."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.gateway.router import Kind, Router, allowed, upstream_path
from chatward.gateway.upstream import HttpUpstream

ROUTER = Router(frozenset({"/v1/messages"}), frozenset({"/chat", "/chat.js"}), models=True)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/messages", Kind.MESSAGE),
        ("/chat.js", Kind.PAGE),
        ("/healthz", Kind.HEALTH),
        ("/readyz", Kind.READY),
        ("/v1/models", Kind.MODELS),
        ("/v1/models/org/name", Kind.MODELS),
        ("/v1/messages/", None),
        ("/V1/messages", None),
        ("/", None),
        ("", None),
        ("//chat", None),
        ("/v1/models/", None),
        ("/v1/models/..", None),
        ("/v1/models/a/../b", None),
        ("/v1/models/a//b", None),
        ("/v1/models/a\x00b", None),
        ("/v1/models/a\r\nb", None),
        ("/v1/models/" + "a" * 300, None),
    ],
)
def test_what_serves_a_path(path: str, kind: Kind | None) -> None:
    assert ROUTER.find(path) is kind


def test_without_a_dialect_for_models_there_are_none() -> None:
    router = Router(frozenset({"/v1/messages"}), frozenset(), models=False)
    assert router.find("/v1/models") is None
    assert router.find("/v1/models/a") is None


def test_methods() -> None:
    assert allowed(Kind.MESSAGE) == ("POST", "OPTIONS")
    assert allowed(Kind.PAGE) == ("GET", "HEAD", "OPTIONS")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "/v1/messages"),
        ("beta=true", "/v1/messages?beta=true"),
        ("a=b&limit=5&x", "/v1/messages?limit=5"),
        ("beta=a%20b", "/v1/messages"),
        ("beta=a b", "/v1/messages"),
        ("limit=1\r\nx: y", "/v1/messages"),
        ("&".join(["x=1"] * 16) + "&beta=true", "/v1/messages"),
    ],
)
def test_queries(query: str, expected: str) -> None:
    assert upstream_path("/v1/messages", query) == expected


@given(st.text(min_size=1, max_size=40).filter(lambda name: ROUTER.find(f"/v1/models/{name}") is Kind.MODELS))
def test_a_models_name_survives_the_way(name: str) -> None:
    try:
        path = upstream_path(f"/v1/models/{name}", "")
    except UnicodeEncodeError:
        assert any("\ud800" <= char <= "\udfff" for char in name)
        return
    assert unquote(path) == f"/v1/models/{name}"
    assert HttpUpstream("http://h.test")._start_line("GET", path).count("\r\n") == 3
