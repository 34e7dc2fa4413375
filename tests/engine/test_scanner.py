"""The one pass: whole and streamed give the same, and rules that break a promise are refused."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.normalise import read
from chatward.core.rules import MAX_CONTEXT, Rule
from chatward.core.text import Reading, View, ViewKind
from chatward.core.values import Category, Finding, Severity
from chatward.engine.patterns import least_digits, parse, shape_of
from chatward.engine.scanner import BudgetExceeded, PatternError, Prefilters, Scanner


def rule(name: str, pattern: str, **more: object) -> Rule:
    return Rule(f"test.rules/{name}", pattern, Category.PII, Severity.LOW, **more)  # type: ignore[arg-type]


def luhn(text: str, before: str) -> float | None:
    digits = [int(c) for c in text if c.isdigit()][::-1]
    total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits))
    return 0.9 if total % 10 == 0 else None


def after_keyword(text: str, before: str) -> float | None:
    return 0.8 if "pass" in before[-20:].lower() else None


RULES = [
    rule("email", r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,40}(?:\.[\w-]{2,20}){1,3}(?![\w-])"),
    rule("card", r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", validate=luhn),
    rule("jwt", r"eyJ[\w-]{4,40}", tail=r"[\w.-]", limit=80),
    rule(
        "pem", r"-----BEGIN [A-Z ]{0,20}KEY-----", until=r"-----END [A-Z ]{0,20}KEY-----", limit=200, trigger="-----B"
    ),
    rule("born", r"\bborn on \d{1,2} (?:may|june) \d{4}\b", flags=re.IGNORECASE, trigger=r"\bborn"),
    rule("word", r"(?<![\w])[a-z]{4,12}\d{2}(?!\w)", validate=after_keyword),
    rule("maße", r"straße \d{1,4}", flags=re.IGNORECASE),
    rule("group", r"key[:=] ?(\w{5})(?!\w)", group=1),
]
SCANNER = Scanner(RULES)
WHOLE = Scanner(RULES, Prefilters([RULES[:2]], RULES[1:]), streams=False)
PIECES = [
    "bob@example.com",
    "a.b@c-d.example",
    "@",
    "4111 1111 1111 1111",
    "4111111111111112",
    " 1 ",
    "eyJabcd",
    "efgh.ijk-",
    "-----BEGIN RSA KEY-----",
    "-----END RSA KEY-----",
    "\n",
    "born on 1 May 1980",
    "Born on 12 june 20",
    "05",
    " ",
    "pass ",
    "abcde12",
    "Straße 12",
    "STRASSE",
    "key: abcde",
    "key=",
    "é",
    "日本",
    ".",
    "-",
    "x",
    "words and more words here ",
    "eyJ" + "a" * 90,
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def streamed(pieces: list[str]) -> list[Finding]:
    stream = SCANNER.stream()
    found: list[Finding] = []
    length = settled = 0
    for piece in pieces:
        length += len(piece)
        found += stream.feed(piece, False)
        assert settled <= stream.settled <= length
        settled = stream.settled
    found += stream.feed("", True)
    assert stream.settled == length
    return found


def whole(text: str) -> list[Finding]:
    return SCANNER.scan(Reading(text, View(text)))


@given(TEXTS)
def test_a_scanner_for_whole_texts_alone_finds_the_same(text: str) -> None:
    assert order(WHOLE.scan(Reading(text, View(text)))) == order(whole(text))


def test_a_scanner_for_whole_texts_reads_no_stream() -> None:
    with pytest.raises(ValueError, match="whole"):
        WHOLE.stream()


def order(found: list[Finding]) -> list[tuple[tuple[int, int], str, float]]:
    return sorted((f.span, f.rule, f.confidence) for f in found)


@settings(max_examples=400)
@given(TEXTS, st.data())
def test_streamed_equals_whole(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=16)))
    pieces = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
    assert order(streamed(pieces)) == order(whole(text))


@given(TEXTS)
def test_code_point_by_code_point_equals_whole(text: str) -> None:
    assert order(streamed(list(text))) == order(whole(text))


@given(TEXTS)
def test_findings_start_before_what_is_settled(text: str) -> None:
    stream = SCANNER.stream()
    before = 0
    for character in text:
        for finding in stream.feed(character, False):
            assert before <= finding.span[0] < stream.settled
        before = stream.settled


def naive(one: Rule, text: str) -> list[tuple[int, int]]:
    """The definition of ``core.rules``, word for word, for rules without tail."""
    found, position = [], 0
    while (match := re.compile(one.pattern, one.flags).search(text, position)) is not None:
        start, end = match.span(one.group)
        before = text[max(0, start - MAX_CONTEXT) : start]
        if one.validate is None or one.validate(text[start:end], before) is not None:
            found.append((start, end))
            position = match.end()
        else:
            position = match.start() + 1
    return found


@settings(max_examples=300)
@given(TEXTS)
def test_the_pass_finds_what_each_rule_finds_by_itself(text: str) -> None:
    """The prefilter never loses a match."""
    found = whole(text)
    for one in RULES:
        if not one.tail and not one.until:
            assert [f.span for f in found if f.rule == one.id] == naive(one, text)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("see eyJabcd.efgh!", [(4, 16)]),
        ("-----BEGIN RSA KEY-----\nabc\n-----END RSA KEY----- x", [(0, 49)]),
        ("-----BEGIN RSA KEY-----\n" + "a" * 300, [(0, 200)]),
        ("eyJ" + "a" * 97, [(0, 80), (80, 100)]),
    ],
)
def test_tails_and_terminators(text: str, spans: list[tuple[int, int]]) -> None:
    assert [f.span for f in whole(text)] == spans
    assert [f.span for f in streamed(list(text))] == spans


def test_ordinary_text_flows() -> None:
    """What is held back of text in which nothing has started is the last word, not the rules' reach."""
    stream = SCANNER.stream()
    text = "The order was placed last week and it will arrive soon, as promised by our team. "
    stream.feed(text, False)
    assert len(text) - stream.settled <= 12


def test_cost_per_piece_does_not_grow() -> None:
    stream = SCANNER.stream()
    kept = 0
    for _ in range(3000):
        stream.feed("words and bob@example.com ", False)
        kept = max(kept, len(stream._text))
    assert kept < 4096


def test_decoded_views_point_at_the_original() -> None:
    text = "mail ｂｏｂ＠example．com now"
    (finding,) = SCANNER.scan(read(text, deep=False))
    assert text[slice(*finding.span)] == "ｂｏｂ＠example．com"


def test_a_validator_that_raises_takes_its_guard_out() -> None:
    def broken(text: str, before: str) -> float | None:
        raise RuntimeError

    scanner = Scanner([Rule("bad.guard/x", "x{1,9}y", Category.PII, Severity.LOW, validate=broken), *RULES[:1]])
    failed: dict[str, Exception] = {}
    text = "xxy bob@example.com"
    found = scanner.scan(Reading(text, View(text)), failed=failed)
    assert [f.rule for f in found] == ["test.rules/email"]
    assert list(failed) == ["bad.guard"]
    told: list[str] = []
    stream = scanner.stream(lambda guard, error: told.append(guard))
    assert [f.rule for f in [*stream.feed(text, False), *stream.feed(" xy", True)]] == ["test.rules/email"]
    assert told == ["bad.guard"]
    with pytest.raises(RuntimeError):
        scanner.scan(Reading(text, View(text)))


def test_a_long_text_is_looked_at_in_pieces_that_overlap() -> None:
    for at in range(16 * 1024 - 40, 16 * 1024 + 4):
        text = "a " * (at // 2) + " " * (at % 2) + "bob@example.com " + "b " * 20_000
        assert [f.span[0] for f in whole(text)] == [at]


def test_the_budget_ends_the_search_for_candidates() -> None:
    failed: dict[str, Exception] = {}
    assert SCANNER.scan(Reading("a " * 20_000, View("a " * 20_000)), failed=failed, deadline=0.0) == []
    assert isinstance(failed["test.rules"], BudgetExceeded)


def test_the_budget_ends_a_long_text_at_the_next_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred rules each may look for long and find nothing, so the time is asked for before each."""
    reads = 0

    def clock() -> float:
        nonlocal reads
        reads += 1
        return float(reads > 3)  # after the pieces of the search for candidates

    monkeypatch.setattr("chatward.engine.scanner.time.perf_counter", clock)
    text = "a " * 20_000 + "bob@example.com"
    failed: dict[str, Exception] = {}
    assert SCANNER.scan(Reading(text, View(text)), failed=failed, deadline=0.5) == []
    assert isinstance(failed["test.rules"], BudgetExceeded)


def test_the_budget_ends_a_scan() -> None:
    text = "bob@example.com " * 500
    failed: dict[str, Exception] = {}
    SCANNER.scan(Reading(text, View(text)), failed=failed, deadline=0.0)
    assert isinstance(failed["test.rules"], BudgetExceeded)


@pytest.mark.parametrize(
    "pattern", [r"a{1,400}b", r"^a", r"a$", r"\Aa", r"a?", r"(?<=a{97})b", r"b(?=a{9})", r"a+b+c*d{0,9}(x"]
)
def test_broken_promises_are_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"test\.rules/bad"):
        Scanner([rule("bad", pattern)])


def test_scanners_of_one_process_share_what_a_rule_is_compiled_into() -> None:
    shared, other, changed = rule("a", r"foo\d"), rule("b", r"bar\d"), rule("a", r"foo\d?")
    prefilters = Prefilters()
    for rules in ((shared, other), (shared,), (changed,)):
        text = "foo1 bar2 foo"
        alone = [(hit.rule, hit.start, hit.end) for hit in Scanner(rules).scan_view(View(text))]
        together = Scanner(rules, prefilters).scan_view(View(text))
        assert [(hit.rule, hit.start, hit.end) for hit in together] == alone
    assert set(prefilters.compiled) == {shared, other, changed}


def test_a_rule_twice_is_refused() -> None:
    with pytest.raises(PatternError, match="twice"):
        Scanner([RULES[0], RULES[0]])


def test_shapes() -> None:
    shape = shape_of(r"(?<!ab)\d{2,5}[ -]?x(?=yy)", re.RegexFlag(0))
    assert (shape.least, shape.width, shape.behind, shape.ahead) == (3, 7, 2, 2)
    assert shape.only("0123456789 -x")
    assert shape.consumes_blank
    assert not shape_of(r"\S+", re.RegexFlag(0)).consumes_blank
    assert shape_of(r'[^"]+', re.RegexFlag(0)).consumes_blank
    assert "K" in shape_of("k", re.IGNORECASE).alphabet


@pytest.mark.parametrize(
    ("pattern", "least"),
    [(r"\d{3}-?\d{2,4}", 5), (r"(?:1|23)x", 1), (r"[0-9a-f]{8}", 0), (r"4(?:5[0-6]){2}\d*", 5), (r"a(?=\d)", 0)],
)
def test_least_digits(pattern: str, least: int) -> None:
    assert least_digits(parse(pattern, re.RegexFlag(0))) == least


def test_views_choose_their_rules() -> None:
    deep = Rule("test.rules/deep", "zap", Category.INJECTION, Severity.HIGH, views=frozenset(ViewKind))
    scanner = Scanner([deep, *RULES[:1]])
    assert [hit.rule.id for hit in scanner.scan_view(View("zap bob@example.com", ViewKind.DISGUISED))] == [deep.id]
