"""The model's answer on links, with the model that ships and with made-up ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatward.core.normalise import read
from chatward.core.ports import Item, ScoringInspector, Weighed
from chatward.core.values import MODEL, Exchange, PartKind, Source
from chatward.guards.links.model import LinkModelGuard
from chatward.models.store import ModelError
from chatward.models.urls import UrlModel

SHIPPED = LinkModelGuard()


def weighed(text: str, guard: LinkModelGuard = SHIPPED) -> Weighed:
    return guard.weigh(Item(0, Source.USER, PartKind.TEXT, read(text, deep=False)))


def acts(text: str) -> bool:
    return any(finding.confidence >= 0.5 for finding in weighed(text).findings)


@pytest.mark.parametrize(
    "text",
    [
        "https://paypal-secure-login.top/webscr/verify.php?cmd=login",
        "http://netflix-update-billing.online/signin/index.html",
        "https://qx81hzk2-verify-account.pages.dev/login/",
        "see account-update-banking.xyz/secure/login.php",
    ],
)
def test_what_looks_like_phishing_acts(text: str) -> None:
    assert acts(text)
    (name, score), *_ = weighed(text).scores
    assert (name, score > 0.5) == ("links.model", True)


@pytest.mark.parametrize(
    "text",
    [
        "https://www.python.org/downloads/",
        "https://github.com/someone/project/issues/12?page=2#comment",
        "https://www.paypal.com/signin",
        "https://docs.google.com/forms/d/e/1FAIpQLSc/viewform",
        "https://drive.google.com/file/d/1aBcDeFgHiJkLm/view",
        "https://bit.ly/abc",
        "https://someone.github.io/blog/",
        "https://harbour-garden.web.app/",
        "https://acme-widgets.de/kontakt",
        "http://10.0.0.8/login.php",
        "http://localhost/signin/verify.php",
        "main.py and e.g. this",
        "no link at all",
    ],
)
def test_ordinary_links_do_not(text: str) -> None:
    assert not acts(text)


def test_a_text_without_links_scores_nothing() -> None:
    assert weighed("Hello there.").scores == (("links.model", 0.0),)


def test_a_link_inside_another_is_scored() -> None:
    bad = "https://paypal-secure-login.top/webscr/verify.php"
    assert acts(f"https://www.google.com/url?q={bad}")


def test_hosts_of_strangers_and_of_everybody_act_only_when_it_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(score: float) -> Callable[[], UrlModel]:
        class Made:
            def score(self, address: object) -> float:
                return score

            def fame(self, host: str) -> int:
                return 2 if host == "known.example" else 1

        return Made  # type: ignore[return-value]

    for score, text, confidence in [
        (0.9, "https://x.pages.dev/", 0.45),
        (0.96, "https://x.pages.dev/", 0.96),
        (0.99, "https://forms.gle/x", 0.45),
        (0.99, "https://bit.ly/x", 0.45),
        (0.9, "https://known.example/pay", 0.45),
        (0.96, "https://known.example/pay", 0.96),
        (0.6, "https://unknown.example/", 0.6),
    ]:
        found = weighed(text, LinkModelGuard(model=said(score)))
        assert found.scores == (("links.model", score),)
        assert [finding.confidence for finding in found.findings] == [confidence]
        assert found.findings[0].detail == MODEL


def test_the_bots_own_domains_are_not_asked_about() -> None:
    bad = "https://paypal-secure-login.top/webscr/verify.php"
    assert not weighed(bad, LinkModelGuard(("paypal-secure-login.top",))).findings


def test_a_reply_has_the_score_of_its_worst_link() -> None:
    inspector = SHIPPED.open(Exchange("test", ()), PartKind.TEXT)
    assert isinstance(inspector, ScoringInspector)
    assert inspector.feed("Go to https://paypal-secure-login.top/webscr/ver", False) == []
    (finding,) = inspector.feed("ify.php or https://example.com.", True)
    assert finding.span == (6, 55)
    assert inspector.scores == (("links.model", pytest.approx(finding.confidence, abs=1e-4)),)


def test_a_model_that_is_not_there_is_no_answer() -> None:
    def missing() -> UrlModel:
        raise ModelError("gone", reason="model-missing")

    with pytest.raises(ModelError):
        weighed("https://example.com/", LinkModelGuard(model=missing))
