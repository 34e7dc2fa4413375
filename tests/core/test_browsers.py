"""Which pages may ask, and who is told to come by TLS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.browsers import Headers, Sharing, cors, hsts, is_origin, origin_problem, preflight
from chatward.core.errors import ClientError

SHOP, OWN = "https://shop.example", "https://chat.example"
LISTED = Sharing((SHOP,), methods=("POST",), headers=("content-type", "Authorization"))
WITH_COOKIES = Sharing((SHOP,), credentials=True)
EVERYBODY = Sharing(("*",))  # which settings refuse, and which lets nobody in
VARY = ("vary", "origin")
ALLOWED = ("access-control-allow-origin", SHOP)


@pytest.mark.parametrize(
    ("origin", "sharing", "expected"),
    [
        ([], Sharing(), []),
        ([], LISTED, [VARY]),
        ([OWN], Sharing(), []),
        ([OWN], LISTED, [VARY]),
        ([SHOP], LISTED, [VARY, ALLOWED]),
        ([SHOP], WITH_COOKIES, [VARY, ALLOWED, ("access-control-allow-credentials", "true")]),
        ([SHOP], Sharing((SHOP,), exposed=("a", "b")), [VARY, ALLOWED, ("access-control-expose-headers", "a, b")]),
    ],
)
def test_who_may_ask(origin: list[str], sharing: Sharing, expected: Headers) -> None:
    assert cors(origin, OWN, sharing) == expected


@pytest.mark.parametrize(
    "origin",
    [
        [""],
        ["null"],
        ["*"],
        ["http://shop.example"],
        ["https://shop.example:8443"],
        ["https://shop.example/"],
        ["https://shop.example."],
        ["https://SHOP.example"],
        ["https://evil-shop.example"],
        ["https://shop.example.evil.example"],
        ["https://evil.example/shop.example"],
        ["https://shop.example@evil.example"],
        ["https://shop.example\x00.evil.example"],
        ["https://shop.example https://evil.example"],
        ["http://chat.example"],
        [SHOP, SHOP],
        [OWN, SHOP],
    ],
)
@pytest.mark.parametrize("sharing", [LISTED, WITH_COOKIES, Sharing(), Sharing(("null",)), EVERYBODY])
def test_who_may_not(origin: list[str], sharing: Sharing) -> None:
    with pytest.raises(ClientError) as refused:
        cors(origin, OWN, sharing)
    assert (refused.value.status, refused.value.reason) == (403, "origin-not-allowed")


def test_a_page_without_an_origin_is_no_page_of_ours() -> None:
    with pytest.raises(ClientError):
        cors(["null"], "null", Sharing())


@given(st.sampled_from([(), ("*",), (SHOP,), (SHOP, "https://b.example")]), st.booleans(), st.text(max_size=30))
def test_nobody_is_let_in_who_is_not_named(origins: tuple[str, ...], credentials: bool, other: str) -> None:
    for origin in (SHOP, "https://b.example", "null", other):
        try:
            answer = dict(cors([origin], OWN, Sharing(origins, credentials)))
        except ClientError:
            continue
        assert answer["access-control-allow-origin"] == origin
        assert origin in origins


def test_a_preflight_says_what_may_be_asked() -> None:
    answer = dict(preflight([SHOP], ["POST"], ["Authorization, content-type"], OWN, LISTED))
    assert answer["access-control-allow-origin"] == SHOP
    assert answer["access-control-allow-methods"] == "POST"
    assert answer["access-control-allow-headers"] == "content-type, Authorization"
    assert "access-control-request-headers" in answer["vary"]
    assert "access-control-allow-headers" not in dict(preflight([SHOP], ["GET"], [], OWN, WITH_COOKIES))


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        (["https://evil.example"], ["POST"], []),
        ([SHOP], ["DELETE"], []),
        ([SHOP], ["post"], []),
        ([SHOP], [], []),
        ([SHOP], ["POST", "POST"], []),
        ([SHOP], ["POST"], ["x-other"]),
        ([SHOP], ["POST"], ["authorization", "content-type"]),
        ([SHOP], ["POST"], ["authorization,,content-type"]),
        ([SHOP], ["POST"], ["*"]),
        ([], ["POST"], []),
        ([OWN], ["POST"], []),
    ],
)
def test_other_preflights_are_refused(origin: list[str], method: list[str], headers: list[str]) -> None:
    with pytest.raises(ClientError):
        preflight(origin, method, headers, OWN, LISTED)


@pytest.mark.parametrize(
    ("origin", "good"),
    [
        (SHOP, True),
        ("http://localhost:3000", True),
        ("http://[::1]:8080", True),
        ("*", False),
        ("https://Shop.example", False),
        ("https://shop.example/", False),
        ("https://shop.example:443", False),
        ("http://shop.example:80", False),
        ("shop.example", False),
        ("https://*.example", False),
        ("null", False),
    ],
)
def test_settings_that_can_be_meant(origin: str, good: bool) -> None:
    assert (origin_problem(origin) is None) is good


def test_origins() -> None:
    assert is_origin("https://shop.example:8443")
    assert not is_origin("https://shop.example:443")


@pytest.mark.parametrize(
    ("scheme", "host", "said"),
    [
        ("https", "chat.example", True),
        ("https", "chat.example:8443", True),
        ("http", "chat.example", False),
        ("https", "localhost:8787", False),
        ("https", "LOCALHOST.", False),
        ("https", "app.localhost", False),
        ("https", "127.0.0.1:8787", False),
        ("https", "[::1]:8787", False),
        ("https", "", False),
    ],
)
def test_who_is_told_to_come_by_tls(scheme: str, host: str, said: bool) -> None:
    assert bool(hsts(scheme, host)) is said
