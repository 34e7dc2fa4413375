"""Tables of cases: read strictly, run, compared."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chatward.core.errors import ConfigError
from chatward.identity.cedar_policies import book, load
from chatward.identity.policy_cases import NOON, read_cases, run_cases
from chatward.settings import Authorization

BOOK = load(Authorization(groups={"step-up": ("Tool::pay",)}))
TOML = """
[[case]]
name = "a person writes"
principal = { kind = "person" }
action = "message:send"
resource = "Bot::default"
expect = "allow"
policies = ["chatward/message-known"]

[[case]]
principal = { kind = "person", assurance = 1 }
action = "tool:call"
resource = "Tool::pay"
context = { arguments = { amount = 5 } }
expect = "step-up"

[[case]]
name = "grants"
principal = { kind = "service", grants = { tools = ["search"] } }
action = "tool:call"
resource = "Tool::pay"
expect = "deny"
policies = []
"""
LINE = '{"principal": {"kind": "person"}, "action": "message:send", "resource": "Bot::x", "expect": "allow"}'


def write(folder: Path, text: str, name: str = "cases.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_cases_as_expected(tmp_path: Path) -> None:
    results = run_cases(read_cases(write(tmp_path, TOML)), BOOK)
    assert [(one.name, one.passed) for one in results] == [
        ("a person writes", True),
        ("case 2", True),
        ("grants", True),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"allow"', '"deny"'),
        ('["chatward/message-known"]', '["chatward/message-known", "chatward/admin"]'),
        ('["chatward/message-known"]', "[]"),
        ('expect = "step-up"', 'expect = "deny"'),
        ('expect = "step-up"', 'expect = "approval"'),
        ("policies = []", 'policies = ["chatward/tool-known"]'),
    ],
)
def test_a_difference_is_seen(tmp_path: Path, old: str, new: str) -> None:
    results = run_cases(read_cases(write(tmp_path, TOML.replace(old, new))), BOOK)
    assert [one.passed for one in results].count(False) == 1


def test_json_lines(tmp_path: Path) -> None:
    path = write(tmp_path, f"{LINE}\n\n{LINE.replace('person', 'anonymous')}\n", "cases.jsonl")
    assert [one.passed for one in run_cases(read_cases(path), BOOK)] == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("c.jsonl", LINE + "\n" + LINE.replace("expect", "expected"), 2, "expected"),
        ("c.jsonl", LINE + "\n{", 2, ""),
        ("c.jsonl", LINE.replace('"person"', '"root"'), 1, "root"),
        ("c.jsonl", LINE.replace("Bot::x", "Bot"), 1, "TYPE::ID"),
        ("c.jsonl", LINE.replace("Bot::x", "Bots::x"), 1, "TYPE::ID"),
        ("c.jsonl", LINE.replace("message:send", "message:read"), 1, "no such action"),
        ("c.jsonl", LINE[:-1] + ', "context": {"rsik": "low"}}', 1, "the context has no `rsik`"),
        ("c.jsonl", LINE[:-1] + ', "context": {"assurance": 3}}', 1, "it is the principal's"),
        ("c.jsonl", "\n", None, "no case"),
        ("c.toml", "case = []", None, "no case"),
        ("c.toml", "[[case", None, ""),
        ("c.toml", TOML + "\n[other]\n", None, "other"),
        ("c.toml", TOML.replace("Tool::pay", "pay", 1), None, "case 2: a resource is"),
        ("c.toml", TOML.replace("assurance = 1", "assurance = 4"), None, ""),
        ("c.yaml", "", None, ".toml or .jsonl"),
    ],
)
def test_what_does_not_say_what_it_seems_to_is_refused(
    tmp_path: Path, name: str, text: str, line: int | None, said: str
) -> None:
    path = write(tmp_path, text, name)
    with pytest.raises(ConfigError) as caught:
        read_cases(path)
    assert said in caught.value.public
    assert (caught.value.file, caught.value.line) == (str(path), line)


@pytest.mark.parametrize("data", [None, b"\xff"])
def test_files_that_cannot_be_read(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "c.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigError):
        read_cases(path)


def test_an_unknown_action_may_be_expected_to_be_denied(tmp_path: Path) -> None:
    line = LINE.replace("message:send", "message:read").replace("allow", "deny")
    (result,) = run_cases(read_cases(write(tmp_path, line, "c.jsonl")), BOOK)
    assert (result.passed, result.explanation.reason) == (True, "unknown-action")


def test_it_is_noon_on_a_monday_unless_the_case_says_otherwise(tmp_path: Path) -> None:
    assert time.gmtime(NOON)[3:7] == (12, 0, 0, 0)
    policies = book(
        {"f": '@id("a") permit (principal, action, resource) when { context.hour == 12 && context.weekday == 1 };'}
    )
    lines = f'{LINE}\n{LINE[:-1]}, "context": {{"hour": 13}}}}'
    results = run_cases(read_cases(write(tmp_path, lines, "c.jsonl")), policies)
    assert [one.passed for one in results] == [True, False]
