"""The safety page promises what every route keeps, and nothing else."""

from __future__ import annotations

import re

import pytest

from chatward.education import tips
from chatward.education.safety import PAGE, safety_pages, statements
from chatward.settings import Chat, Conversations, Route, Settings, Treatments

PROMISES = {
    "personal-hidden", "secrets-hidden", "links-checked", "orders-stopped", "scams-stopped", "answers-checked",
}  # fmt: skip


def of(*routes: Route, **more: object) -> set[str]:
    named = {f"r{number}": route for number, route in enumerate(routes)}
    return set(statements(Settings(routes=named, **more), signed=False))  # type: ignore[arg-type]


def test_the_defaults_promise_everything() -> None:
    assert of() == of(Route()) == PROMISES | {"not-stored"}


@pytest.mark.parametrize(
    ("route", "lost"),
    [
        (Route(treatments=Treatments(pii_input="keep")), "personal-hidden"),
        (Route(treatments=Treatments(secret_input="keep")), "secrets-hidden"),
        (Route(treatments=Treatments(link_output="keep")), "links-checked"),
        (Route(treatments=Treatments(indirect_injection="keep")), "orders-stopped"),
        (Route(treatments=Treatments(social_engineering="keep")), "scams-stopped"),
        (Route(treatments=Treatments(pii_output="keep")), "answers-checked"),
    ],
)
def test_what_one_route_does_not_keep_is_not_promised(route: Route, lost: str) -> None:
    assert of(Route(), route) == PROMISES - {lost} | {"not-stored"}


@pytest.mark.parametrize("lax", [Route(mode="monitor"), Route(guards=("none",)), Route(guards=("text.pii",))])
def test_a_route_that_is_only_watched_is_told(lax: Route) -> None:
    assert of(lax) == {"watched", "not-stored"}
    assert of(Route(), lax) == PROMISES | {"some-watched", "not-stored"}


def test_pages_in_every_language() -> None:
    settings = Settings(chat=Chat(title="<b>Shop</b>"), conversations=Conversations(store=True, retention_days=7))
    pages = safety_pages(settings, signed=True)
    others = set(tips.languages()) - {"en"}
    assert set(pages) == {PAGE, f"{PAGE}.css", *(f"{PAGE}/{one}" for one in others)}
    english, german = pages[PAGE][1].decode(), pages[f"{PAGE}/de"][1].decode()
    assert "kept, encrypted, for 7 days" in english
    assert "7 Tage lang" in german
    assert '<html lang="de">' in german
    for one in others:
        assert f'<a href="../chat/safety/{one}" lang="{one}" hreflang="{one}">' in english
    assert '<a href="../../chat/safety" lang="en" hreflang="en">English</a>' in german
    for page in (body.decode() for path, (_, body) in pages.items() if path != f"{PAGE}.css"):
        assert "<b>Shop</b>" not in page
        assert "&lt;b&gt;Shop" in page
        assert not re.search(r"<script|style=|https?://", page)
    assert safety_pages(Settings(chat=Chat(enabled=False)), signed=True) == {}
