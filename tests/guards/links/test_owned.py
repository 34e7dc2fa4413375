"""A bot's links to its own house."""

from __future__ import annotations

import pytest

from chatward.core.values import Exchange, PartKind
from chatward.guards.links.owned import OwnedGuard

MANIFEST = (
    "shop-nine.example",
    "*.help.shop-nine.example",
    "docs.shop-nine.example/manual/*",
    "https://shop-nine.test/",
)


def said(text: str, manifest: tuple[str, ...] = MANIFEST) -> list[str]:
    found = OwnedGuard(manifest).open(Exchange("test", ()), PartKind.TEXT).feed(text, True)
    assert all(text[slice(*finding.span)] in text for finding in found)
    return [finding.rule for finding in found if finding.confidence >= 0.5]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop-nine.example/",
        "https://www.shop-nine.example/any/page?x=1",
        "https://SHOP-NINE.example./a",
        "https://a.help.shop-nine.example/x",
        "https://docs.shop-nine.example/manual/start",
        "https://docs.shop-nine.example/",
        "https://shop-nine.test/x",
        "https://example.com/",
        "https://nine.example/",
        "https://shop.example/",
        "mailto:ann@shop-nine.example",
    ],
)
def test_its_own_pages_and_others_pass(url: str) -> None:
    assert said(f"See {url} for more.") == []


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://support.shop-nine.example/", "invented"),
        ("https://help.shop-nine.example/", "invented"),
        ("https://docs.shop-nine.example/secret", "invented"),
        ("https://docs.shop-nine.example/manual/../secret", "invented"),
        ("https://x.www.shop-nine.example/", "invented"),
        ("[here](https://pay.shop-nine.example/x)", "invented"),
        ("https://shop-nine.com/", "impostor"),
        ("https://shop-nine-login.example/", "impostor"),
        ("https://sh0p-nine.example/", "impostor"),
        ("https://shop-nine.example.login.example.org/", "impostor"),
        ("https://shоp-nine.example/", "impostor"),
    ],
)
def test_invented_pages_and_impostors_do_not(url: str, rule: str) -> None:
    assert f"links.owned/{rule}" in said(f"See {url} for more.")


def test_without_a_manifest_nothing_is_held_or_said() -> None:
    inspector = OwnedGuard().open(Exchange("test", ()), PartKind.TEXT)
    assert inspector.feed("https://support.shop-nine.exam", False) == ()
    assert inspector.settled == 30
