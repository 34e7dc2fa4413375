"""A gateway carries what its settings ask for, and what they ask for is there before the first message."""

import subprocess
import sys

import pytest

from chatward.guards.links.urls import UrlGuard
from chatward.guards.text import social_cues
from chatward.guards.text.social_engineering import SocialEngineeringGuard
from chatward.routing import routing, warm
from chatward.settings import Route, Settings

HEAVY = {
    "numpy", "onnxruntime", "fastapi", "starlette", "pydantic", "jinja2", "markdown_it", "webauthn", "OpenSSL", "acme",
    "chatward.console.desks", "chatward.behaviour.analyst", "chatward.traffic.watch", "chatward.models.cascade",
}  # fmt: skip
RULES = """
import sys
import chatward.assembly
from chatward.guards.catalog import catalog
from chatward.routing import routing
from chatward.settings import Route, Settings
catalog(detection="rules")
routing(Settings(routes={"default": Route(detection="rules", guards=("none",))})).warm()
print(*sys.modules)
"""


def test_a_gateway_that_looks_by_rules_carries_no_models_and_no_pages() -> None:
    told = subprocess.run([sys.executable, "-c", RULES], capture_output=True, text=True, check=True)
    assert not HEAVY & set(told.stdout.split())


def test_tables_are_made_for_a_guard_that_is_chosen_and_before_its_first_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[type] = []
    for guard in (SocialEngineeringGuard, UrlGuard):
        monkeypatch.setattr(guard, "load", lambda self: made.append(type(self)))
    chosen = {"quiet": ("session.limits",), "default": ("session.limits", "text.social_engineering", "links.url")}
    routes = {name: Route(detection="rules", guards=guards) for name, guards in chosen.items()}
    found = routing(Settings(routes=routes))
    warm(found.plan("quiet"))
    assert made == []
    warm(found.plan("default"))
    assert set(made) == {SocialEngineeringGuard, UrlGuard}


def test_the_tables_of_words_are_made_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CORE", "OBJECTS", "CONTEXT"):
        vocabulary = getattr(social_cues, name)
        monkeypatch.setitem(vars(vocabulary), "tables", None)
        del vars(vocabulary)["tables"]
    guard = SocialEngineeringGuard(None)
    assert "tables" not in vars(social_cues.CORE)
    guard.load()
    assert all("tables" in vars(one) for one in (social_cues.CORE, social_cues.OBJECTS, social_cues.CONTEXT))


def test_names_that_everybody_knows_are_loaded_with_the_guard_of_links() -> None:
    asked: list[str] = []
    guard = UrlGuard((), lambda name: bool(asked.append(name)))
    assert asked == []
    guard.load()
    assert len(asked) == 1
