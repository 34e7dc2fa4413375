"""Reading sentence by sentence: one result whole or in any pieces, bounded, and nothing hides across a cut."""

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.guards.text import social_reader
from chatward.guards.text.social_cues import CORE, Found, Vocabulary, find
from chatward.guards.text.social_reader import BOUND, Judged, Reader, asks_in

WORDS = [
    *("send", "me", "the", "code", "you", "got", "by", "sms", ",", "your", "password", ".", "Please", "enter", "full"),
    *(
        "card",
        "number",
        "and",
        "CVV!",
        "now",
        "请把",
        "验证码",
        "发给我。",
        "أرسل",
        "لي",
        "رمز",
        "التحقق",
        "الذي",
        "وصلك",
        "cvv",
    ),
    *(
        "pin",
        "暗証番号を入力してください",
        "Mr.",
        "\n",
        "tell",
        "us",
        "PIN",
        "Σας",
        "ISTANBUL",
        "İ",
        "12",
        "words",
        "in the app",
    ),
    *(
        "never",
        "share",
        "e-mail",
        "one-time",
        "code",
        "urgent!",
        "비밀번호를",
        "보내 주세요",
        "account is locked",
        "bitcoin",
    ),
]

texts = st.lists(
    st.tuples(
        st.sampled_from(WORDS), st.sampled_from([" ", " ", " ", "", "\n", ". ", "  ", ", ", "? ", "。", "\n\n", "?! "])
    ),
    max_size=90,
).map(lambda pairs: "".join(word + after for word, after in pairs))


def read(pieces: list[str]) -> tuple[list[Judged], list[int]]:
    reader = Reader(bot=True)
    judged: list[Judged] = []
    settled: list[int] = []
    for place, piece in enumerate(pieces):
        new = reader.feed(piece, place == len(pieces) - 1)
        # Nothing may be told of text that was already settled.
        assert all(ask.start >= (settled[-1] if settled else 0) for one in new for ask in one.asks)
        judged += new
        settled.append(reader.settled)
    return judged, settled


def split(text: str, seed: int) -> list[str]:
    rng = random.Random(seed)
    longest = rng.choice((1, 3, 12, 80))
    pieces, at = [], 0
    while at < len(text):
        size = rng.randint(1, longest)
        pieces.append(text[at : at + size])
        at += size
    return [*pieces, ""]


def told(judged: list[Judged]) -> list[object]:
    return [(one.first, one.end, one.asks, one.pressure, one.cues, zlib.crc32(one.text.encode())) for one in judged]


@settings(max_examples=150, deadline=None)
@given(texts, st.integers(0, 10_000))
def test_what_is_found_does_not_depend_on_the_pieces(text: str, seed: int) -> None:
    whole, _ = read([text])
    pieces = split(text, seed)
    parts, settled = read(pieces)
    assert told(parts) == told(whole)
    assert settled == sorted(settled)
    assert settled[-1] == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "Please enter it\n\nyour PIN?!  Now)\n\n\nthanks",
        "please open " + "more flowers " * 28 + "tell me your password and your PIN " + "and more flowers " * 40,
        "please enter " + "x" * 300 + "pin tell me your pin" + "y" * 90 + " now. Thanks",
    ],
    ids=["ends", "bound", "long words"],
)
def test_awkward_places_make_no_difference_either(text: str) -> None:
    whole = told(read([text])[0])
    assert whole
    for seed in range(60):
        assert told(read(split(text, seed))[0]) == whole


PHISHING = "I am glad to help. Please enter your full card number and your PIN here. Thank you!"


@pytest.mark.parametrize(
    "broken",
    [
        lambda text, start: len(text),  # a cue under way is taken for certain
        lambda text, start: max(start, len(text) - 2),
    ],
)
def test_the_check_on_pieces_notices_a_reader_that_hurries(monkeypatch: pytest.MonkeyPatch, broken: object) -> None:
    whole, _ = read([PHISHING])
    assert any(one.asks for one in whole)
    monkeypatch.setattr(social_reader, "pending", broken)
    try:
        differs = any(told(read(split(PHISHING, seed))[0]) != told(whole) for seed in range(40))
    except AssertionError:
        differs = True
    assert differs


def test_text_without_cues_flows() -> None:
    reader = Reader(bot=True)
    assert reader.feed("Your blue jacket left our house on Monday, ", False) == []
    assert reader.settled == len("Your blue jacket left our house on Monday, ")


def test_a_cue_holds_its_sentence_and_no_more() -> None:
    reader = Reader(bot=True)
    reader.feed("Good morning! Please type your pass", False)
    assert reader.settled == len("Good morning! Please ")
    assert reader.feed("word here", False) == []
    judged = reader.feed(". Thanks", False)
    assert [ask.rule for one in judged for ask in one.asks] == ["asks-credentials"]
    assert judged[0].end == len("Good morning! Please type your password here.")
    assert reader.settled >= judged[0].end


@pytest.mark.parametrize("before", [0, 100, 260, 330, 380, 399, 430])
def test_nothing_hides_across_the_bound(before: int) -> None:
    filler = ("and so on with flowers " * 40)[:before]
    text = f"please open {filler} and then tell me your password now and {'more flowers ' * 60}"
    rules = {ask.rule for one in read([text])[0] for ask in one.asks}
    assert "asks-credentials" in rules


def test_what_is_held_is_bounded() -> None:
    reader = Reader(bot=True)
    text = "please send " + "lovely roses and tulips " * 200
    worst = 0
    for place in range(0, len(text), 7):
        reader.feed(text[place : place + 7], False)
        worst = max(worst, min(place + 7, len(text)) - reader.settled)
    assert worst <= BOUND + 112


@pytest.mark.parametrize(
    "text", ["x" * 60_000, "roses are red and " * 6_000, "花" * 30_000], ids=["word", "line", "dense"]
)
def test_memory_stays_small_in_endless_sentences(text: str) -> None:
    reader = Reader(bot=True)
    for place in range(0, len(text), 500):
        reader.feed(text[place : place + 500], False)
        assert len(reader._text) < 40_000
    assert reader.settled >= len(text) - 64


def test_an_ask_after_a_very_long_sentence_is_found_with_its_place() -> None:
    text = "roses are red and " * 4_000 + "tell me your password. Bye"
    whole = read([text])[0]
    assert told(read(split(text, 3))[0]) == told(whole)
    assert [text[ask.start : one.end] for one in whole for ask in one.asks] == ["tell me your password."]


def test_the_sentence_before_counts() -> None:
    assert {
        ask.rule for one in asks_in("A code came to you by mistake. Can you read it to me?") for ask in one.asks
    } == {"asks-one-time-code"}
    assert asks_in("It is a nice day. Can you read it to me?") == []


def test_pressure_counts_wherever_it_stands_in_a_message() -> None:
    calm = asks_in("Tell me the password.")[0].asks[0].confidence
    later = asks_in("Tell me the password. It is urgent. This is the police.")[0].asks[0].confidence
    assert later > calm


def test_a_report_takes_weight_off_all_asks() -> None:
    plain = asks_in("Send us your PIN and card number.")[0].asks
    asked = asks_in("Send us your PIN and card number. They wrote that, is it a scam?")[0].asks
    assert max(ask.confidence for ask in asked) < 0.5 <= max(ask.confidence for ask in plain)


def test_a_long_text_costs_no_more_a_sentence_than_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def noting(text: str, vocabulary: Vocabulary, start: int = 0) -> list[Found]:
        if vocabulary is CORE:
            looked.append(len(text))
        return find(text, vocabulary, start)

    monkeypatch.setattr(social_reader, "find", noting)
    text = "Please tell me your password and your PIN. " * 3_000
    asks = asks_in(text)
    assert max(looked) < 30_000
    monkeypatch.setattr(social_reader, "_PIECE", len(text))
    assert told(asks_in(text)) == told(asks)
