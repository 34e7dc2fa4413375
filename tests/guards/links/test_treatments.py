"""What is done about links, in both directions, by setting: the whole way through a ward."""

from __future__ import annotations

import asyncio
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward import Ward
from chatward.core.values import Action, Verdict
from chatward.settings import Route, RuleSetting, Settings, Treatments

BAD = "https://paypal.com.login.example/x"
GUARDS = ("links.url", "links.owned", "links.model")


@cache
def ward(*given_: tuple[str, object]) -> Ward:
    return Ward(Settings(upstream="http://127.0.0.1:9/v1", routes={"default": Route(guards=GUARDS, **dict(given_))}))  # type: ignore[arg-type]


def asked(text: str, *given_: tuple[str, object], role: str = "user") -> Verdict:
    return ward(*given_).check(text, role)


@pytest.mark.parametrize("role", ["user", "document", "tool"])
def test_a_bad_link_is_stopped_on_its_way_in(role: str) -> None:
    verdict = asked(f"see {BAD}", role=role)
    assert (verdict.action, verdict.rule) == (Action.BLOCK, "links.url/brand-subdomain")


def test_and_taken_out_on_its_way_out() -> None:
    verdict = asked(f"see {BAD}, or https://example.com/.", role="assistant")
    assert verdict.action is Action.REDACT
    assert verdict.text == "see [link removed], or https://example.com/."


@pytest.mark.parametrize(
    ("treatment", "text"),
    [
        ("keep", f"see {BAD}!"),
        ("defang", "see hxxps://paypal[.]com[.]login[.]example/x!"),
        ("annotate", "see hxxps://paypal[.]com[.]login[.]example/x [leads to paypal.com.login.example]!"),
        ("remove", "see [link removed]!"),
    ],
)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_links_have_treatments_of_their_own(treatment: str, text: str, role: str) -> None:
    treatments = Treatments(link_input=treatment, link_output=treatment)  # type: ignore[arg-type]
    assert asked(f"see {BAD}!", ("treatments", treatments), role=role).text == text


def test_what_a_link_hides_is_told() -> None:
    treatments = Treatments(link_output="annotate")
    said = asked("[a](https://paypal.com@example.org/x)", ("treatments", treatments), role="assistant").text
    assert said is not None
    assert "[leads to example.org]" in said
    assert "https://" not in said


@pytest.mark.parametrize(
    ("treatment", "text"), [("remove", "[link removed]"), ("annotate", "hxxps://bit[.]ly/3aB [leads to bit.ly]")]
)
def test_short_links_of_replies_may_be_taken_out(treatment: str, text: str) -> None:
    rules = {"links.url/shortener": RuleSetting(treatment=treatment)}  # type: ignore[arg-type]
    route = Route(guards=GUARDS, rules=rules)
    told = Ward(Settings(upstream="http://127.0.0.1:9/v1", routes={"default": route}))
    assert told.check("See https://bit.ly/3aB now.", "assistant").text == f"See {text} now."


def test_one_rule_may_have_another_treatment() -> None:
    rules = {"links.url/brand-subdomain": RuleSetting(treatment="defang")}
    route = Route(guards=("links.url",), rules=rules)
    made = Ward(Settings(upstream="http://127.0.0.1:9/v1", routes={"default": route}))
    assert made.check(f"see {BAD}").text == "see hxxps://paypal[.]com[.]login[.]example/x"


@pytest.mark.parametrize("text", [BAD, "paypal.com.example.org/x"])
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_hosts_that_a_route_vouches_for_pass(text: str, role: str) -> None:
    assert asked(f"see {text}", role=role).action > Action.ALLOW
    vouched = ("allow_links", ("*.login.example", "*.example.org"))
    assert asked(f"see {text}", vouched, role=role).action is Action.ALLOW
    assert asked(f"see {BAD} {text}", ("allow_links", ("login.example",)), role=role).action > Action.ALLOW


def test_an_operators_brand_is_protected_both_ways() -> None:
    text = "go to https://shop-nine-login.test/"
    assert asked(text).action is Action.ALLOW
    for name in ("brands", "owned_links"):
        assert asked(text, (name, ("shop-nine.example",))).action is Action.BLOCK
        assert asked("https://shop-nine.example/login", (name, ("shop-nine.example",))).action is Action.ALLOW


def test_the_models_score_is_told() -> None:
    verdict = asked("see https://paypal-secure-login.top/webscr/verify.php?cmd=login")
    assert dict(verdict.scores)["links.model"] > 0.9
    assert verdict.action is Action.BLOCK


TEXT = (
    f"Dear Ann, see {BAD}, [paypal.com](https://example.org/x) or <a href='https://paypa1.test/'>this</a>; not "
    "https://example.com/a?b=c, but paypal[.]com[.]example[.]org and 请访问https://paypal.com.example.org/登录。 "
    "Thanks!"
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_a_reply_is_the_same_however_it_is_split(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[start:end] for start, end in pairwise(edges)]

    async def streamed() -> str:
        return "".join([piece async for piece in ward().stream(pieces)])

    assert asyncio.run(streamed()) == asked(TEXT, role="assistant").text
