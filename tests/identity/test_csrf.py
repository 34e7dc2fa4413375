"""Requests that another page makes in an operator's name are refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import IdentityError
from chatward.identity.csrf import Csrf

KEY = b"k" * 32
HOST = ("host", "console.example")
ORIGIN = ("origin", "https://console.example")
SITE = ("sec-fetch-site", "same-origin")
SEED = "seed-of-the-cookie"
COOKIE = ("cookie", f"__Host-chatward-csrf={SEED}")
SESSION = "token-of-the-session"


class Headers:
    def __init__(self, *lines: tuple[str, str]) -> None:
        self.lines = lines

    def get(self, key: str, default: str | None = None) -> str | None:
        return next(iter(self.get_all(key)), default)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self.lines if name == key]

    def __contains__(self, key: str) -> bool:
        return bool(self.get_all(key))


@pytest.fixture
def csrf() -> Csrf:
    return Csrf(KEY, secure=True)


def refused(csrf: Csrf, lines: Sequence[tuple[str, str]], token: str | None, session: str | None = SESSION) -> str:
    with pytest.raises(IdentityError) as caught:
        csrf.check(Headers(*lines), token, session)
    return caught.value.reason


@pytest.mark.parametrize("said", [[ORIGIN], [SITE], [ORIGIN, SITE], [("origin", "HTTPS://CONSOLE.EXAMPLE:443"), SITE]])
def test_our_own_page_is_served(csrf: Csrf, said: list[tuple[str, str]]) -> None:
    for session in (SESSION, None):
        csrf.check(Headers(HOST, COOKIE, *said), csrf.token(SEED, session), session)


@pytest.mark.parametrize(
    "said",
    [
        [],
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("sec-fetch-site", "none")],
        [SITE, ("sec-fetch-site", "cross-site")],
        [ORIGIN, ("sec-fetch-site", "cross-site")],
        [("origin", "null")],
        [("origin", "")],
        [("origin", "https://evil.example")],
        [("origin", "http://console.example")],
        [("origin", "https://console.example:8443")],
        [("origin", "https://console.example.evil.example")],
        [("origin", "https://evil.example/https://console.example")],
        [SITE, ("origin", "https://evil.example")],
        [ORIGIN, ("origin", "https://evil.example")],
        [ORIGIN, ("host", "evil.example")],
    ],
)
def test_another_page_is_not_even_with_the_right_token(csrf: Csrf, said: list[tuple[str, str]]) -> None:
    assert refused(csrf, [HOST, COOKIE, *said], csrf.token(SEED, SESSION)) == "cross-site"


def test_without_a_host_no_origin_is_ours(csrf: Csrf) -> None:
    assert refused(csrf, [COOKIE, ORIGIN], csrf.token(SEED, SESSION)) == "cross-site"
    assert refused(csrf, [COOKIE, ("origin", "")], csrf.token(SEED, SESSION)) == "cross-site"


@pytest.mark.parametrize(
    ("cookies", "token"),
    [
        ([COOKIE], None),
        ([COOKIE], ""),
        ([COOKIE], SEED),  # a plain double submit would do here
        ([COOKIE], Csrf(KEY, secure=True).token(SEED, "another session")),
        ([COOKIE], Csrf(KEY, secure=True).token(SEED, None)),  # of before the log-in
        ([COOKIE], Csrf(KEY, secure=True).token("another cookie", SESSION)),
        ([COOKIE], Csrf(b"x" * 32, secure=True).token(SEED, SESSION)),
        ([COOKIE], "\ud800"),
        ([], Csrf(KEY, secure=True).token("", SESSION)),
        ([("cookie", "__Host-chatward-csrf=")], Csrf(KEY, secure=True).token("", SESSION)),
        ([("cookie", f"chatward-csrf={SEED}")], Csrf(KEY, secure=True).token(SEED, SESSION)),
    ],
)
def test_a_token_that_is_missing_or_of_something_else(
    csrf: Csrf, cookies: list[tuple[str, str]], token: str | None
) -> None:
    assert refused(csrf, [HOST, ORIGIN, SITE, *cookies], token) == "csrf"


def test_a_refusal_is_no_question_for_a_password(csrf: Csrf) -> None:
    with pytest.raises(IdentityError) as caught:
        csrf.check(Headers(HOST), None, SESSION)
    assert caught.value.status == 403


def test_two_cookies_are_none(csrf: Csrf) -> None:
    assert refused(csrf, [HOST, ORIGIN, COOKIE, COOKIE], csrf.token(SEED, SESSION)) == "cookie-ambiguous"


def test_a_program_without_cookies_acts_in_nobodys_name(csrf: Csrf) -> None:
    csrf.origin(Headers(HOST), needed=False)
    for said in (("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")):
        with pytest.raises(IdentityError):
            csrf.origin(Headers(HOST, said), needed=False)


def test_without_tls_the_origin_is_http() -> None:
    csrf = Csrf(KEY, secure=False)
    host, cookie = ("host", "127.0.0.1:8788"), ("cookie", f"chatward-csrf={SEED}")
    csrf.check(Headers(host, cookie, ("origin", "http://127.0.0.1:8788")), csrf.token(SEED, SESSION), SESSION)
    csrf.check(Headers(("host", "localhost:80"), cookie, ("origin", "http://localhost")), csrf.token(SEED, None), None)
    for other in ("https://127.0.0.1:8788", "http://127.0.0.1:8787", "http://localhost:8788"):
        assert refused(csrf, [host, cookie, ("origin", other)], csrf.token(SEED, SESSION)) == "cross-site"


@given(st.text(), st.one_of(st.none(), st.text(min_size=1)), st.text(), st.one_of(st.none(), st.text(min_size=1)))
def test_a_token_is_of_one_cookie_and_one_session(a: str, session: str | None, b: str, other: str | None) -> None:
    csrf = Csrf(KEY, secure=True)
    assert (csrf.token(a, session) == csrf.token(b, other)) == ((a, session) == (b, other))


def test_a_new_visitor_gets_a_new_seed(csrf: Csrf) -> None:
    assert csrf.seed(Headers(COOKIE)) == SEED
    assert len({csrf.seed(Headers()) for _ in range(10)}) == 10
