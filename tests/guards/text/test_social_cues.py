"""Cues: found at their place in every script, and certain only where nothing that follows can change them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.guards.text.social_cues import CONTEXT, CORE, find, fold, may_ask, pending
from chatward.guards.text.social_words import Cue


def cues(text: str) -> set[tuple[str, Cue]]:
    folded = fold(text)
    found = (*find(folded, CORE), *find(folded, CONTEXT))
    return {(text[one.start : one.end], one.cue) for one in found}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please SEND ME the thing", ("SEND ME", Cue.TELL_ME)),
        ("e-mail me", ("e-mail", Cue.ACCOUNT)),
        ("send  me", ("send  me", Cue.TELL_ME)),
        ("Don't", ("Don't", Cue.NOT)),
        ("Don’t", ("Don’t", Cue.NOT)),
        ("su CONTRASEÑA", ("CONTRASEÑA", Cue.SECRET)),
        ("su contrasena", ("contrasena", Cue.SECRET)),
        ("ŞİFRENİZİ yazın", ("ŞİFRENİZİ", Cue.SECRET)),
        ("PIN'İ", ("PIN'İ", Cue.SECRET)),
        ("doğrulama kodunuzu", ("doğrulama kodunuzu", Cue.OTP)),
        ("вашего пароля", ("пароля", Cue.SECRET)),
        ("وأرسل الكود", ("الكود", Cue.CODE)),
        ("بالرقم السري", ("بالرقم السري", Cue.SECRET)),
        ("आपका पासवर्ड", ("पासवर्ड", Cue.SECRET)),
        ("把您的验证码", ("验证码", Cue.OTP)),
        ("加LINE找老师", ("加LINE", Cue.MOVE)),
        ("暗証番号を", ("暗証番号", Cue.SECRET)),
        ("비밀번호를", ("비밀번호", Cue.SECRET)),
    ],
)
def test_a_cue_is_found_where_it_stands(text: str, expected: tuple[str, Cue]) -> None:
    assert expected in cues(text)


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("the pineapple", Cue.SECRET),
        ("send. Me", Cue.TELL_ME),
        ("send\nme", Cue.TELL_ME),
        ("هاتف", Cue.TELL_ME),
        ("decoder", Cue.CODE),
        ("resend mercury", Cue.TELL_ME),
    ],
)
def test_no_cue_inside_a_word_or_across_sentences(text: str, cue: Cue) -> None:
    assert cue not in {found for _, found in cues(text)}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_folding_keeps_every_position_and_may_be_done_in_pieces(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert "".join(map(fold, text)) == fold(text)


PIECES = [
    "send",
    " ",
    "me",
    " ",
    "the",
    " code",
    " pin",
    ".",
    "验证",
    "码",
    "请输",
    "入",
    "رمز",
    " التحقق",
    "full card",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.lists(st.sampled_from(PIECES), max_size=4))
def test_what_lies_before_pending_is_certain(first: list[str], more: list[str]) -> None:
    text, longer = "".join(first), "".join(first + more)
    limit = pending(text, 0)
    assert [one for one in find(text, CORE) if one.start < limit] == [
        one for one in find(longer, CORE) if one.start < limit
    ]


def test_pending_lets_ordinary_words_go() -> None:
    text = "your parcel left our house on Monday, "
    assert pending(text, 0) == len(text)
    assert pending("please read", 0) == len("please ")


def test_the_first_look_is_cheap_and_misses_no_object() -> None:
    assert not may_ask(fold("Where is my blue jacket? I ordered it a week ago and nothing has come."))
    for text in ("your PIN", "tarjetas regalo", "кодовое слово", "验证码", "كلمة المرور", "पासवर्ड", "암호"):
        assert may_ask(fold(text)), text


def test_an_ordinary_message_costs_microseconds() -> None:
    text = "Hi, I ordered a blue jacket last week and it still has not come, could you look where it is now? Thank you"
    best = min(_timed(text) for _ in range(9))
    assert best < 50e-6


def _timed(text: str) -> float:
    began = time.perf_counter()
    for _ in range(200):
        may_ask(fold(text))
    return (time.perf_counter() - began) / 200
