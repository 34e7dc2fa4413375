"""links.intel: what is listed is found however it is written and wherever it stands; what is not listed is let be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.indicators import IndicatorKind, Sighting, ThreatType, Tlp
from chatward.core.values import Category, Exchange, Finding, Message, Moment, Part, PartKind, Severity, Source
from chatward.guards.links.intel import IndicatorsStale, IntelGuard

URL, DOMAIN, IP = IndicatorKind.URL, IndicatorKind.DOMAIN, IndicatorKind.IP


@dataclass
class Listed:
    """Indicators in memory (``core.indicators.Indicators``)."""

    values: dict[tuple[IndicatorKind, str], list[Sighting]] = field(default_factory=dict)
    empty: bool = False
    out_of_date: Sequence[str] = ()
    needed: Sequence[str] = ()
    met: list[str] = field(default_factory=list)

    def add(
        self,
        kind: IndicatorKind,
        value: str,
        score: float = 0.8,
        *,
        source: str = "own",
        type_: ThreatType = ThreatType.PHISHING,
        contexts: tuple[str, ...] = (),
    ) -> Listed:
        sighting = Sighting(source, kind, type_, 0.0, 0.0, Tlp.CLEAR, score, score, None, contexts)
        self.values.setdefault((kind, value), []).append(sighting)
        return self

    def look_up(self, kind: IndicatorKind, values: Sequence[str]) -> Sequence[Sighting]:
        return [
            replace(one, index=index)
            for index, value in enumerate(values)
            for one in self.values.get((kind, value), ())
        ]

    def stale(self) -> Sequence[str]:
        return self.out_of_date

    def required(self) -> Sequence[str]:
        return self.needed

    def seen(self, sighting: Sighting, value: str) -> None:
        self.met.append(value)


def found(listed: Listed, text: str, *, source: Source = Source.USER, kind: PartKind = PartKind.TEXT) -> list[Finding]:
    exchange = Exchange("test", (Part(text, source, kind),), (Message("user", (0,)),))
    return list(IntelGuard(listed).inspect(exchange, Moment.INPUT, []))


def streamed(listed: Listed, pieces: Sequence[str], kind: PartKind = PartKind.TEXT) -> list[Finding]:
    inspector = IntelGuard(listed).open(Exchange("test", ()), kind)
    got: list[Finding] = []
    settled = 0
    for piece in pieces:
        got += inspector.feed(piece, False)
        assert inspector.settled >= settled
        settled = inspector.settled
    return [*got, *inspector.feed("", True)]


LISTED = (
    Listed()
    .add(URL, "evil.example.net/login")
    .add(DOMAIN, "bad-domain.net")
    .add(IP, "203.0.113.7")
    .add(URL, "files.example.net/a.exe", type_=ThreatType.MALWARE, source="haus")
)

WRITTEN = {
    "a URL": "go to https://evil.example.net/login now",
    "without its scheme": "go to evil.example.net/login now",
    "in another scheme": "go to http://evil.example.net/login now",
    "with www": "https://www.evil.example.net/login",
    "in capitals": "HTTPS://EVIL.EXAMPLE.NET/login",
    "with a slash": "https://evil.example.net/login/",
    "with two slashes": "https://evil.example.net//login",
    "with a query": "https://evil.example.net/login?utm_source=x",
    "with a fragment": "https://evil.example.net/login#top",
    "with needless escapes": "https://evil.example.net/%6Cogin",
    "with dots": "https://evil.example.net/x/../login",
    "with backslashes": "https:\\\\evil.example.net\\login",
    "with a user": "https://bank.example@evil.example.net/login",
    "with a final dot": "https://evil.example.net./login",
    "with its port": "https://evil.example.net:443/login",
    "full-width": "https://ｅｖｉｌ.example.net/login",
    "with an ideographic dot": "https://evil。example.net/login",
    "defanged": "hxxps://evil[.]example[.]net/login",
    "in Markdown": "[your bank](https://evil.example.net/login)",
    "as an image": "![x](https://evil.example.net/login)",
    "in HTML": '<a href="https://evil.example.net/login">your bank</a>',
    "in brackets": "(see https://evil.example.net/login).",
    "a domain": "visit bad-domain.net today",
    "a subdomain": "https://a.b.bad-domain.net/anything",
    "an address": "http://203.0.113.7/x",
    "an address in decimal": "http://3405803783/x",
    "an address in hexadecimal": "http://0xcb.0x0.0x71.0x7/x",
    "an address in octal": "http://0313.0.0161.07/x",
    "an address in IPv6": "http://[::ffff:203.0.113.7]/x",
}

BENIGN = [
    "no link at all",
    "https://evil.example.net/",
    "https://evil.example.net/login2",
    "https://evil.example.net/Login",
    "https://example.net/login",
    "https://notbad-domain.net/",
    "https://bad-domain.net.example.org/",
    "http://203.0.113.8/",
    "https://files.example.net/",
    "version 203.0.113 of the file a.exe",
]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_listed_is_found_however_it_is_written(name: str) -> None:
    (finding,) = {(one.rule, one.category) for one in found(LISTED, WRITTEN[name])}
    assert finding == ("links.intel/own", Category.LINK)


@pytest.mark.parametrize("name", WRITTEN)
def test_the_span_lies_in_the_text(name: str) -> None:
    text = WRITTEN[name]
    for finding in found(LISTED, text):
        assert 0 <= finding.span[0] < finding.span[1] <= len(text)


@pytest.mark.parametrize("text", BENIGN)
def test_what_is_not_listed_is_let_be(text: str) -> None:
    assert found(LISTED, text) == []


def test_malware_is_of_another_category() -> None:
    (finding,) = found(LISTED, "https://files.example.net/a.exe")
    assert (finding.rule, finding.category, finding.severity, finding.detail) == (
        "links.intel/haus",
        Category.MALWARE,
        Severity.CRITICAL,
        "malware",
    )


@pytest.mark.parametrize("source", Source)
def test_every_source_of_text_is_looked_at(source: Source) -> None:
    assert found(LISTED, "https://evil.example.net/login", source=source)


def test_arguments_of_tools_are_looked_at() -> None:
    text = '{"url": "https:\\/\\/evil.example.net\\/login"}'
    assert found(LISTED, text, kind=PartKind.JSON)
    assert streamed(LISTED, [text], PartKind.JSON)


def test_earlier_messages_are_looked_at_again() -> None:
    listed = Listed()
    guard = IntelGuard(listed)
    parts = (Part("https://evil.example.net/login", Source.USER), Part("and now?", Source.USER, message=1))
    exchange = Exchange("test", parts, (Message("user", (0,)), Message("user", (1,))), new_from=1)
    assert not guard.inspect(exchange, Moment.INPUT, [])
    listed.add(URL, "evil.example.net/login")
    assert [finding.part for finding in guard.inspect(exchange, Moment.INPUT, [])] == [0]


# --- how much it counts ------------------------------------------------------------------------------


def confidence(*listed: tuple[IndicatorKind, str, float, str, tuple[str, ...]]) -> float:
    made = Listed()
    for kind, value, score, source, contexts in listed:
        made.add(kind, value, score, source=source, contexts=contexts)
    (finding,) = found(made, "https://a.github.io/x")
    return finding.confidence


def test_sources_that_agree_count_more() -> None:
    one = confidence((URL, "a.github.io/x", 0.4, "a", ()))
    two = confidence((URL, "a.github.io/x", 0.4, "a", ()), (URL, "a.github.io/x", 0.4, "b", ()))
    assert (one, two) == (0.4, 0.64)


def test_one_source_that_says_it_twice_does_not() -> None:
    twice = confidence((URL, "a.github.io/x", 0.4, "a", ()), (DOMAIN, "a.github.io", 0.5, "a", ()))
    assert twice == 0.5


def test_a_host_that_many_share_counts_half() -> None:
    shared = ("shared-hosting",)
    assert confidence((DOMAIN, "github.io", 0.8, "a", shared)) == 0.4
    assert confidence((URL, "a.github.io/x", 0.8, "a", shared)) == 0.8
    both = confidence((DOMAIN, "github.io", 0.8, "a", shared), (DOMAIN, "github.io", 0.8, "b", shared))
    assert both == 0.64


def test_a_context_that_says_nothing_of_many_changes_nothing() -> None:
    assert confidence((DOMAIN, "a.github.io", 0.8, "a", ("vpn",))) == 0.8


def test_what_has_lost_all_its_weight_is_not_found() -> None:
    assert found(Listed().add(DOMAIN, "bad-domain.net", 0.0), "https://bad-domain.net/") == []


def test_only_listed_values_are_told_as_seen() -> None:
    listed = Listed().add(DOMAIN, "bad-domain.net")
    found(listed, "my secret: https://user:word@x.bad-domain.net/my/path?q=secret and https://other.example/")
    assert listed.met == ["bad-domain.net"]


# --- out of date -------------------------------------------------------------------------------------


def test_a_link_is_unknown_while_a_source_is_out_of_date() -> None:
    listed = Listed(out_of_date=["feed"]).add(DOMAIN, "bad-domain.net")
    (finding,) = found(listed, "https://example.org/")
    assert (finding.rule, finding.severity, finding.confidence) == ("links.intel/unknown", Severity.INFO, 0.0)
    (finding,) = found(listed, "https://bad-domain.net/")
    assert finding.rule == "links.intel/own"


def test_a_required_source_that_is_out_of_date_makes_the_guard_unavailable() -> None:
    listed = Listed(out_of_date=["feed"], needed=["feed"]).add(DOMAIN, "bad-domain.net")
    with pytest.raises(IndicatorsStale):
        found(listed, "https://example.org/")
    with pytest.raises(IndicatorsStale):
        streamed(listed, ["https://example.org/ "])
    assert found(listed, "no link at all") == []
    assert found(listed, "https://bad-domain.net/")


def test_without_sources_nothing_is_held_back() -> None:
    inspector = IntelGuard(Listed(empty=True)).open(Exchange("test", ()), PartKind.TEXT)
    assert list(inspector.feed("https://evil.example.net/login", False)) == []
    assert inspector.settled == len("https://evil.example.net/login")


# --- streams -----------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([*WRITTEN.values(), *BENIGN]), min_size=1, max_size=3), st.data())
def test_splitting_does_not_matter(texts: list[str], data: st.DataObject) -> None:
    text = "\n".join(texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert streamed(LISTED, pieces) == streamed(LISTED, [text])


@pytest.mark.parametrize("name", WRITTEN)
def test_streams_find_what_whole_texts_have(name: str) -> None:
    text = WRITTEN[name]
    assert {one.rule for one in streamed(LISTED, [*text])} == {one.rule for one in found(LISTED, text)}
