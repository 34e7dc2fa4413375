"""The guard: rules and model on what comes in, chains over turns, and replies stopped before they ask."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.normalise import plain, read
from chatward.core.ports import Guard, Item, ModelGuard, ScoringInspector, StreamGuard
from chatward.core.text import Reading, View, ViewKind
from chatward.core.values import Category, Exchange, Finding, Moment, Part, PartKind, Severity, Source
from chatward.guards.text.social_engineering import LOOK_AHEAD, RULES, SocialEngineeringGuard
from chatward.guards.text.social_reader import asks_in

ID = "text.social_engineering"


@dataclass
class Analysis:
    scores: Mapping[str, float]
    where: Mapping[str, tuple[int, int]]


@dataclass
class Models:
    """Stands for the shipped models: answers the scores it is told, and notes what it was asked."""

    scam: float = 0.0
    where: tuple[int, int] | None = (0, 4)
    words: Mapping[str, float] = field(default_factory=dict)
    asked: list[tuple[str, bool]] = field(default_factory=list)

    def analyse(self, text: str, *, untrusted: bool = False, names: bool = False) -> Analysis:
        self.asked.append((text, untrusted))
        return Analysis({"scam": self.scam}, {} if self.where is None else {"scam": self.where})

    def prepare(self, text: str, *, untrusted: bool = False, names: bool = False) -> Sequence[Any]:
        return (("prepared", text, untrusted),)

    def first(self, text: str) -> dict[str, float]:
        self.asked.append((text, False))
        return {"scam": max((score for word, score in self.words.items() if word in text), default=self.scam)}


def guard(models: Models | None = None) -> SocialEngineeringGuard:
    stand_in = models or Models()
    return SocialEngineeringGuard(lambda: cast(Any, stand_in))


def item(text: str, source: Source = Source.USER, kind: PartKind = PartKind.TEXT, index: int = 0) -> Item:
    return Item(index, source, kind, read(text, kind, deep=True))


def rules(findings: Sequence[Finding], least: float = 0.5) -> set[str]:
    return {one.rule.partition("/")[2] for one in findings if one.confidence >= least}


ASK = "Please send me the verification code you just received."
EXCHANGE = Exchange("test", (Part("Hello", Source.USER),))


def reply(
    pieces: Sequence[str], models: Models | None = None, exchange: Exchange = EXCHANGE
) -> tuple[list[Finding], list[int], float]:
    inspector = guard(models).open(exchange, PartKind.TEXT)
    assert isinstance(inspector, ScoringInspector)
    found: list[Finding] = []
    settled: list[int] = []
    for place, piece in enumerate(pieces):
        new = inspector.feed(piece, place == len(pieces) - 1)
        assert all(one.span[0] >= (settled[-1] if settled else 0) for one in new)
        found += new
        settled.append(inspector.settled)
    return found, settled, dict(inspector.scores)[ID]


# --- shape


def test_the_guard_has_the_three_shapes_and_names_its_rules() -> None:
    one = guard()
    assert isinstance(one, ModelGuard)
    assert isinstance(one, Guard)
    assert isinstance(one, StreamGuard)
    assert one.spec.id == ID
    assert one.spec.moments == {Moment.INPUT, Moment.OUTPUT, Moment.TOOL_CALL}
    assert all(rule.startswith(f"{ID}/") for rule in RULES)


def test_models_are_not_loaded_before_they_are_needed() -> None:
    def load() -> Any:
        raise RuntimeError("no model files")

    one = SocialEngineeringGuard(load)
    one.open(EXCHANGE, PartKind.TEXT).feed("Your parcel is on its way.", True)
    one.inspect(EXCHANGE, Moment.INPUT, [])
    with pytest.raises(RuntimeError):  # unavailable is not the same as nothing found
        one.weigh(item("hello"))


# --- what comes in


@pytest.mark.parametrize("source", [Source.USER, Source.TOOL, Source.DOCUMENT])
def test_an_ask_is_found_with_its_span_and_severity(source: Source) -> None:
    text = f"Good morning! {ASK} Thanks."
    said = guard().weigh(item(text, source, index=3))
    finding = next(one for one in said.findings if one.rule == f"{ID}/asks-one-time-code")
    assert finding.category is Category.SOCIAL_ENGINEERING
    assert finding.severity is Severity.HIGH
    assert finding.part == 3
    assert text[slice(*finding.span)] == ASK[len("Please ") :]
    assert said.scores == ((ID, finding.confidence),)


@pytest.mark.parametrize("source", [Source.OPERATOR, Source.BOT])
def test_operators_and_bots_are_not_weighed_as_input(source: Source) -> None:
    models = Models(0.9)
    assert guard(models).weigh(item(ASK, source)).findings == ()
    assert models.asked == []


def test_the_model_speaks_where_no_rule_does() -> None:
    models = Models(0.83, (2, 9))
    said = guard(models).weigh(item("we met at the gym, lend me something", Source.DOCUMENT))
    assert [(one.rule, one.confidence, one.span) for one in said.findings] == [(f"{ID}/model", 0.83, (2, 9))]
    assert said.scores == ((ID, 0.83),)
    assert models.asked[0][1] is True


def test_an_ordinary_message_has_no_findings_and_a_score() -> None:
    said = guard(Models(0.01)).weigh(item("Where is my blue jacket?"))
    assert said.findings == ()
    assert said.scores == ((ID, 0.01),)


def test_pressure_is_a_note() -> None:
    said = guard().weigh(item("Your bank here, it is urgent: send me the code you just got or the account is closed."))
    note = next(one for one in said.findings if one.rule == f"{ID}/pressure")
    assert note.severity is Severity.INFO
    assert rules(guard().weigh(item("It is urgent, my account is closed!")).findings, 0.0) == set()


def test_faint_hints_are_no_findings() -> None:
    text = "Install AnyDesk."
    assert [ask.confidence for one in asks_in(text) for ask in one.asks] == [0.35]
    assert guard().weigh(item(text)).findings == ()
    assert reply([text])[0] == []


def test_disguised_asks_are_found_in_what_they_read_as() -> None:
    text = "c2VuZCBtZSB5b3VyIHBhc3N3b3JkIG5vdw=="
    view = View("send me your password now", ViewKind.DECODED, "base64", whole=(0, len(text)))
    said = guard().weigh(Item(0, Source.USER, PartKind.TEXT, Reading(text, plain(text), (view,))))
    assert [(one.rule, one.span) for one in said.findings if one.confidence >= 0.5] == [
        (f"{ID}/asks-credentials", (0, len(text)))
    ]


def test_spans_point_at_the_original_behind_invisible_characters() -> None:
    text = "Hello. Send me your pass\u200bword now."
    finding = guard().weigh(item(text)).findings[0]
    assert text[slice(*finding.span)] == "Send me your pass\u200bword now."


def test_what_is_prepared_is_what_is_weighed() -> None:
    prepared: Any = guard().prepare(item("hi", Source.TOOL))
    assert prepared == (("prepared", "hi", True),)
    assert guard().prepare(item("hi", Source.BOT)) == ()


# --- turns


def test_a_chain_over_turns_is_found_at_input_alone() -> None:
    turns = ("This is your bank.", "Your account will be suspended today.", "Read me the code that arrived.")
    parts = tuple(Part(text, Source.USER, message=place) for place, text in enumerate(turns))
    exchange = Exchange("test", parts, new_from=2)
    assert [(one.rule, one.part) for one in guard().inspect(exchange, Moment.INPUT, [])] == [(f"{ID}/kill-chain", 2)]
    assert guard().inspect(exchange, Moment.OUTPUT, []) == ()


# --- replies


def test_a_bot_that_phishes_is_stopped_before_the_question_is_out() -> None:
    text = "I can help with that. For verification, please tell me your PIN and your password. Thank you."
    found, _, score = reply([text])
    assert rules(found) == {"asks-credentials"}
    start, end = found[0].span
    assert text[start:end] == "tell me your PIN and your password."
    assert score == found[0].confidence


def test_nothing_of_the_question_leaves_before_it_is_judged() -> None:
    text = "Sure. Please tell me your PIN. Thanks."
    inspector = guard().open(EXCHANGE, PartKind.TEXT)
    for place in range(len("Sure. Please tell me your PIN.")):
        assert inspector.feed(text[place], False) == []
        assert inspector.settled <= text.index("tell me")
    assert rules(inspector.feed(text[len("Sure. Please tell me your PIN.") :], True)) == {"asks-credentials"}


@pytest.mark.parametrize(
    "text",
    [
        "Could you give me your order number, your e-mail address and your date of birth?",
        "Please tell me the last four digits of your card.",
        "I sent you a code. Please enter it in our app. We never ask for it here.",
        "Never give your PIN to anyone, not even to us.",
    ],
)
def test_a_legitimate_bot_is_left_alone(text: str) -> None:
    assert rules(reply([text])[0]) == set()


def test_the_model_judges_sentences_with_an_object_and_only_those() -> None:
    models = Models(words={"wallet password": 0.9, "sunshine": 0.9})
    text = "The sunshine is lovely. Please enter the sunshine room. "
    text += "The wallet password wants to be known by friends. Goodbye."
    found, _, score = reply([text], models)
    assert [(one.rule, text[slice(*one.span)]) for one in found] == [
        (f"{ID}/model", "password wants to be known by friends.")
    ]
    assert score == 0.9
    assert len(models.asked) == 1


def test_what_the_bot_said_before_raises_its_ask_and_completes_a_chain() -> None:
    before = (
        Part("This is the security department.", Source.BOT),
        Part("Your account is suspended, be quick.", Source.BOT),
        Part("Oh no, what now?", Source.USER, message=2),
    )
    text = "Please enter the verification code."
    alone, _, low = reply([text])
    after, _, high = reply([text], exchange=Exchange("test", before, new_from=2))
    assert rules(alone) == {"asks-one-time-code"}
    assert rules(after) == {"asks-one-time-code", "kill-chain"}
    assert high > low
    assert max(one.confidence for one in after if "asks" in one.rule) > alone[0].confidence


SENTENCES = [
    *("Hello there!", "Please tell me your PIN.", "I need your full card number and CVV now.", "Your bank is urgent."),
    *(
        "Never share a code.",
        "请告诉我您收到的验证码。",
        "Geben Sie hier Ihr Passwort ein.",
        "The last four digits, please.",
    ),
    *(
        "Install AnyDesk and read me the digits",
        "in the app",
        "a refund of 3.50",
        "send it to me",
        "e-mail",
        "\n",
        "Mr. ",
    ),
]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(SENTENCES), max_size=14), st.data())
def test_findings_and_scores_do_not_depend_on_chunks(sentences: list[str], data: st.DataObject) -> None:
    text = " ".join(sentences)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=30)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    class Hashed(Models):
        def first(self, text: str) -> dict[str, float]:
            return {"scam": zlib.crc32(text.encode()) % 1000 / 1000}

    whole, _, score = reply([text, ""], Hashed())
    found, settled, same = reply([*pieces, ""], Hashed())
    assert found == whole
    assert same == score
    assert settled == sorted(settled)
    assert settled[-1] == len(text)


def test_hold_back_stays_within_the_declared_look_ahead() -> None:
    text = "please enter " + "the nicest of all flowers " * 100
    inspector = guard().open(EXCHANGE, PartKind.TEXT)
    for place in range(0, len(text), 5):
        inspector.feed(text[place : place + 5], False)
        assert min(place + 5, len(text)) - inspector.settled <= LOOK_AHEAD


def test_arguments_of_tool_calls_are_read_too() -> None:
    inspector = guard().open(EXCHANGE, PartKind.JSON)
    found = inspector.feed('{"to": "x@example.com", "body": "Hi! Please send us your password and PIN"}', True)
    assert rules(found) == {"asks-credentials"}
