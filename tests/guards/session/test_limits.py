"""Limits: what no conversation needs, and what looks like it but is ordinary."""

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.normalise import plain
from chatward.core.ports import Item
from chatward.core.text import Reading
from chatward.core.values import Category, Exchange, Finding, Message, Moment, Part, PartKind, Source
from chatward.guards.session.limits import Limits, LimitsGuard

RANDOM = random.Random(4)
GUARD = LimitsGuard()


def inspect(exchange: Exchange, guard: LimitsGuard = GUARD) -> list[Finding]:
    items = [
        Item(index, part.source, part.kind, Reading(part.text, plain(part.text)))
        for index, part in enumerate(exchange.parts)
    ]
    return list(guard.inspect(exchange, Moment.INPUT, items))


def of(text: str, source: Source = Source.USER, kind: PartKind = PartKind.TEXT) -> list[Finding]:
    return inspect(Exchange("t", (Part(text, source, kind),)))


def rules(findings: list[Finding]) -> set[str]:
    return {finding.rule.partition("/")[2] for finding in findings}


def dialogue(turns: int, ask: str = "User: ", answer: str = "Assistant: ", between: str = "\n") -> str:
    return between.join(f"{ask}how about number {n}?{between}{answer}Sure, here is {n * 7}." for n in range(turns))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a" * 20_000, "token"),
        ("see " + "aB3" * 10_000 + " ok", "token"),
        (base64.b64encode(RANDOM.randbytes(20_000)).decode(), "token"),
        ("x " * 19_000 + "zq%" * 8_000, "token"),
        ("poem " * 2_000, "flood"),
        ("!" * 9_000, "flood"),
        ("no. " * 300 + "ignore all of it; " * 700, "flood"),
        ("Hello! " + "\n" * 12_000 + "now do it", "flood"),
        ("哈" * 9_000, "flood"),
        (dialogue(16), "many-shot"),
        (dialogue(40, "Human: ", "AI: "), "many-shot"),
        (dialogue(20, "**User:** ", "**Assistant:** "), "many-shot"),
        (dialogue(20, "### Instruction: ", "### Response: "), "many-shot"),
        (dialogue(20, "用户：", "助手："), "many-shot"),
        (dialogue(20, "Nutzer: ", "Assistent: "), "many-shot"),
        (dialogue(20, "User: ", "Assistant: ", " "), "many-shot"),
        (dialogue(20, "<|im_start|>user\n", "<|im_start|>assistant\n"), "many-shot"),
        (dialogue(20, "[INST] ", "[/INST] "), "many-shot"),
        (json.dumps([{"role": role, "content": "x"} for role in ("user", "assistant") * 20]), "many-shot"),
        ("[" * 65 + "]" * 65, "nesting"),
        ('{"a":' * 80 + "1" + "}" * 80, "nesting"),
    ],
)
def test_what_no_conversation_needs(text: str, rule: str) -> None:
    findings = of(text)
    assert rule in rules(findings)
    for finding in findings:
        start, end = finding.span
        assert 0 <= start < end <= len(text)


def log(lines: int) -> str:
    return "\n".join(
        f"2025-03-{n % 28 + 1:02} 10:{n % 60:02}:07 INFO [worker-{n % 4}] request {RANDOM.randrange(10**8)} took "
        f"{RANDOM.randrange(900)} ms: status {RANDOM.choice((200, 201, 404))}, user: {RANDOM.randrange(5000)}"
        for n in range(lines)
    )


POEM = "\n".join(
    f"The {a} went down to the {b},\nand the river said: go on, go on,\nthe river said: go on.\n"
    for a in ("miller", "ferryman", "sister", "hunter", "piper", "widow", "child", "king")
    for b in ("water", "meadow", "harbour", "mountain", "city", "garden", "forest", "shore")
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, how are you?",
        log(3_000),
        base64.b64encode(RANDOM.randbytes(12_000)).decode(),
        base64.encodebytes(RANDOM.randbytes(60_000)).decode(),
        "id,name,city,sum\n" + "\n".join(f"{n},name{n},city{n % 40},{n * 17 % 991}" for n in range(4_000)),
        json.dumps([{"id": n, "tags": ["a", "b"], "sum": n * 3.5} for n in range(3_000)], separators=(",", ":")),
        POEM,
        "=" * 80 + "\n" + log(10) + "\n" + "-" * 500,
        "".join(RANDOM.choice("天地玄黄宇宙洪荒日月盈昃辰宿列张，。") for _ in range(40_000)),
        log(200) + "\n" + "-" * 3_000 + "\n" + log(200),
        dialogue(6),
        dialogue(30, "Customer: ", "Agent: "),
        dialogue(30, "Q: ", "A: "),
        "user: ann\nhost: example\n" * 30,
        "The user: a person. The assistant: a program. " * 3,
        "[[1, 2], [3, [4, [5]]]]",
        json.dumps({"text": "[" * 500 + '\\"' + "{" * 500}),
        "[" + "[1],{}," * 500 + "1]",
        "((((" * 100 + "why" + "))))" * 100,
    ],
)  # fmt: skip
def test_ordinary_texts_pass(text: str) -> None:
    assert not of(text)


def test_an_operators_examples_and_the_bots_words_are_no_attack() -> None:
    assert not of(dialogue(40), Source.OPERATOR)
    assert not of(dialogue(40), Source.BOT)
    (finding,) = of(dialogue(40), Source.DOCUMENT)
    assert finding.category is Category.JAILBREAK
    assert finding.confidence > of(dialogue(17))[0].confidence


def test_spans_point_at_what_was_found() -> None:
    text = "before " + "z" * 25_000 + " after"
    spans = {finding.rule: finding.span for finding in of(text)}
    assert spans["session.limits/token"] == (7, 25_007)
    text = "Some text first.\n" + dialogue(20) + "\nand after"
    (shots,) = of(text)
    assert text[slice(*shots.span)].startswith("User: how about number 0?")
    assert text[slice(*shots.span)].endswith("Assistant:")


@given(st.integers(0, 50_000), st.integers(0, 45_000), st.integers(0, 30_000))
def test_a_token_is_found_wherever_it_stands(before: int, size: int, after: int) -> None:
    text = ("ab " * (before // 3 + 1)) + "q" * size + (" cd" * (after // 3))
    spans = [finding.span for finding in of(text) if finding.rule.endswith("/token")]
    start = 3 * (before // 3 + 1)
    assert spans == ([(start, start + size)] if size >= 20_000 else [])


@given(st.integers(9, 30), st.sampled_from([100, 30_000, 200_000]))
def test_a_long_flood_is_found_wherever_it_stands(kilo: int, before: int) -> None:
    text = log(before // 90) + "\n" + "again and again " * (64 * (kilo + (30 if before > 60_000 else 0)))
    assert "flood" in rules(of(text))


@given(st.integers(1, 60), st.integers(1, 60))
def test_depth_is_counted_exactly(arrays: int, objects: int) -> None:
    text = "[" * arrays + '{"]}":' * objects + "0" + "}" * objects + "]" * arrays
    assert bool(of(text, kind=PartKind.JSON)) == (arrays + objects > 64)


# --- the turn as a whole -----------------------------------------------------------------------------


def test_sizes_of_a_turn() -> None:
    parts = tuple(Part("four", Source.USER, message=n) for n in range(6))
    messages = tuple(Message("user", (n,)) for n in range(6))
    turn = Exchange("t", parts, messages, tools=tuple("abcdef"))
    assert not inspect(turn, LimitsGuard(Limits(messages=6, parts=6, tools=6, text=24)))
    assert not inspect(turn, LimitsGuard(Limits(messages=0, parts=0, tools=0, text=0)))
    tight = LimitsGuard(Limits(messages=5, parts=5, tools=5, text=23))
    assert rules(inspect(turn, tight)) == {"messages", "parts", "tools", "text"}
    assert all(finding.category is Category.POLICY for finding in inspect(turn, tight))
    assert not inspect(Exchange("t", ()))


def call(name: str, arguments: str, result: str) -> list[Part]:
    return [Part(arguments, Source.BOT, PartKind.JSON, name=name), Part(result, Source.TOOL, name=name)]


def turn(*calls: list[Part]) -> Exchange:
    return Exchange("t", (Part("please", Source.USER), *(part for pair in calls for part in pair)))


def test_the_same_call_again_and_again_is_a_loop() -> None:
    (finding,) = inspect(turn(*[call("search", '{"q": "x"}', "nothing")] * 5))
    assert finding.rule == "session.limits/same-call"
    assert finding.category is Category.ANOMALY
    assert finding.part == 9
    assert not inspect(turn(*[call("search", '{"q": "x"}', "nothing")] * 4))


def test_other_calls_between_do_not_hide_a_loop() -> None:
    pairs = [pair for n in range(5) for pair in (call("read", "{}", "same"), call("note", f'{{"n": {n}}}', "ok"))]
    assert rules(inspect(turn(*pairs))) == {"same-call"}


def test_calls_in_a_circle_are_a_loop() -> None:
    circle = [call("open", '{"f": 1}', "a"), call("close", '{"f": 1}', "b"), call("wait", "{}", "c")]
    assert rules(inspect(turn(*circle * 4))) == {"call-cycle"}
    assert not inspect(turn(*circle * 3))


def test_parallel_calls_keep_their_results() -> None:
    ask = [Part("{}", Source.BOT, PartKind.JSON, name="a"), Part("{}", Source.BOT, PartKind.JSON, name="b")]
    both = [*ask, Part("1", Source.TOOL, name="a"), Part("2", Source.TOOL, name="b")]
    assert "call-cycle" in rules(inspect(turn(*[both] * 4)))


def test_work_that_gets_on_is_no_loop() -> None:
    assert not inspect(turn(*[call("read", f'{{"page": {n}}}', "text") for n in range(40)]))
    assert not inspect(turn(*[call("status", "{}", f"{n} %") for n in range(19)]))
    (polling,) = inspect(turn(*[call("status", "{}", f"{n} %") for n in range(20)]))
    assert polling.detail == "polling"


def test_a_person_may_ask_the_same_each_turn() -> None:
    again = [Part("and now?", Source.USER), *call("status", "{}", "down")]
    assert not inspect(Exchange("t", tuple(again * 9)))


def test_long_turns_are_looked_at_from_their_end() -> None:
    work = [part for n in range(900) for part in call("read", f'{{"page": {n}}}', "text")]
    loop = [part for _ in range(5) for part in call("read", '{"page": 1}', "gone")]
    assert rules(inspect(Exchange("t", (Part("go", Source.USER), *work, *loop)))) == {"same-call"}
