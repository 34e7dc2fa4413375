"""``chatward feedback``: from a text on standard input to a case that fails when it is judged wrongly."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from chatward import cli
from chatward.models.feedback import marks

Captured = pytest.CaptureFixture[str]

KEY = "my key is glpat-" + "x7Kq2mZpLw9RtYb4NcVs"  # made up
PLAIN = "Where is my parcel?"
# Guards without models: what they find is the same on every machine.
CONFIG = """
upstream = "https://bot.example/v1"
[routes.default]
guards = ["text.secrets", "text.hidden"]
[routes.blind]
guards = ["text.hidden"]
models = ["blind"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CHATWARD_CONFIG", "CHATWARD_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Any:
    """Runs ``chatward feedback``; returns exit status, output and errors."""

    def run(*arguments: str, given: str | bytes = b"") -> tuple[int, str, str]:
        data = given.encode() if isinstance(given, str) else given
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = cli.main(["feedback", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_a_text_is_marked_and_listed(say: Any, folder: Path) -> None:
    status, out, err = say("add", "--label", "false-alarm", "--note", "asked twice", "--who", "ann", given=PLAIN + "\n")
    assert (status, out, err) == (0, "feedback.jsonl: 1 added, 0 were there\n", "")
    (mark,) = marks(folder / "feedback.jsonl")
    assert (mark.text, mark.role, mark.label, mark.about) == (PLAIN, "user", "false-alarm", "injection")
    assert (mark.note, mark.who) == ("asked twice", "ann")
    assert mark.when.endswith("+00:00")
    status, out, _ = say("list")
    assert out.split("\t") == [mark.id, mark.when, "false-alarm", "injection", "user", "ann", "asked twice\n"]
    assert PLAIN not in out
    assert say("list", "--texts")[1].endswith(f"\t{PLAIN}\n")
    assert json.loads(say("list", "--json")[1]) == {"id": mark.id, **mark.as_json()}


def test_the_file_stands_beside_the_configuration(say: Any, folder: Path) -> None:
    (folder / "etc").mkdir()
    (folder / "etc/chatward.toml").write_text(CONFIG)
    assert say("add", "--label", "true-alarm", "--config", "etc/chatward.toml", given=KEY)[0] == 0
    assert (folder / "etc/feedback.jsonl").exists()
    assert say("add", "--label", "true-alarm", "--file", "own.jsonl", given=KEY)[0] == 0
    assert (folder / "own.jsonl").exists()
    assert not (folder / "feedback.jsonl").exists()


def test_a_file_of_text(say: Any, folder: Path) -> None:
    (folder / "mail.txt").write_bytes(b"line\r\nline\n")
    answer = say("add", "mail.txt", "--label", "true-alarm", "--role", "document", "--json")
    told = json.loads(answer[1])
    (mark,) = marks(folder / "feedback.jsonl")
    assert (mark.text, mark.about) == ("line\r\nline", "indirect-injection")
    assert told == {"file": "feedback.jsonl", "given": 1, "added": 1, "ids": [mark.id]}


def test_lines_carry_their_own_fields_and_options_fill_in(say: Any, folder: Path) -> None:
    rows = [{"text": "a", "id": 3}, {"text": "b", "role": "tool", "label": "true-alarm", "note": "n", "who": ""}]
    given = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    assert say("add", "--jsonl", "--label", "false-alarm", "--who", "bob", given=given)[0] == 0
    first, second = marks(folder / "feedback.jsonl")
    assert (first.label, first.about, first.who) == ("false-alarm", "injection", "bob")
    assert (second.label, second.about, second.note, second.who) == ("true-alarm", "indirect-injection", "n", "bob")


def test_a_bad_line_adds_nothing(say: Any, folder: Path) -> None:
    given = '{"text": "a", "label": "true-alarm"}\n{"text": "b", "label": "true-alarm", "role": [1]}\n'
    status, out, err = say("add", "--jsonl", given=given)
    assert (status, out) == (2, "")
    assert err == 'error: line 2: "role" is not a string\n'
    assert not (folder / "feedback.jsonl").exists()
    assert say("add", "--jsonl", given='{"text": "a"}')[2].startswith('error: line 1: "label" is none of')


@pytest.mark.parametrize(
    ("arguments", "given", "why"),
    [
        ((), "x", "is needed"),
        (("--label", "maybe"), "x", "must be one of true-alarm"),
        (("--label", "true-alarm", "--role", "bot"), "x", "must be one of user"),
        (("--label", "true-alarm", "--about", "weather"), "x", "must be one of injection"),
        (("--label", "true-alarm"), b"\xff", "not UTF-8"),
        (("--label", "true-alarm"), "\n", '"text" is missing or empty'),
        (("--label", "true-alarm", "nowhere.txt"), "", "nowhere.txt"),
    ],
    ids=str,
)
def test_what_cannot_be_marked(say: Any, folder: Path, arguments: tuple[str, ...], given: Any, why: str) -> None:
    status, out, err = say("add", *arguments, given=given)
    assert (status, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1
    assert not (folder / "feedback.jsonl").exists()


def test_marks_are_chosen_by_label_and_topic(say: Any) -> None:
    for text, label, about in (("a", "true-alarm", "pii"), ("b", "false-alarm", "pii"), ("c", "true-alarm", "hate")):
        say("add", "--label", label, "--about", about, given=text)
    assert [json.loads(line)["text"] for line in say("export", "--label", "true-alarm")[1].splitlines()] == ["a", "c"]
    assert [json.loads(line)["text"] for line in say("export", "--about", "pii")[1].splitlines()] == ["a", "b"]
    assert say("list", "--label", "other")[0] == 2


def test_hostile_texts_are_listed_safely(say: Any) -> None:
    say("add", "--label", "true-alarm", "--note", "\x1b[2J", given="\x1b]0;owned\x07 a\u202eb\u2028\x9b2J" + "x" * 99)
    out = say("list", "--texts")[1]
    assert out.count("\n") == 1
    assert out.rstrip("\n").replace("\t", "").isprintable()
    assert "…" in out


def test_an_export_can_be_read_again_and_is_the_owners_own(say: Any, folder: Path) -> None:
    say("add", "--label", "true-alarm", "--note", "n", "--who", "ann", given="a\u2028b")
    say("add", "--label", "false-alarm", given="c")
    assert say("export", "--out", "out.jsonl")[:2] == (0, "out.jsonl: 2 written\n")
    assert (folder / "out.jsonl").stat().st_mode & 0o777 == 0o600
    assert say("export", "--out", "out.jsonl")[0] == 2  # never over what is there
    assert say("add", "--jsonl", "--file", "again.jsonl", "out.jsonl")[0] == 0
    assert marks(folder / "again.jsonl") == marks(folder / "feedback.jsonl")
    assert "ann" not in say("export", "--anonymous")[1]
    assert json.loads(say("export", "--out", "two.jsonl", "--json")[1]) == {"file": "two.jsonl", "written": 2}


def test_others_that_may_read_are_a_warning(say: Any, folder: Path) -> None:
    say("add", "--label", "true-alarm", given="a")
    (folder / "feedback.jsonl").chmod(0o640)
    assert say("list")[2] == "warning: feedback.jsonl can be read by others; chmod 600 mends that\n"


# --- check -------------------------------------------------------------------------------------------


def test_check_is_silent_about_what_is_judged_right(say: Any, folder: Path) -> None:
    (folder / "chatward.toml").write_text(CONFIG)
    say("add", "--label", "true-alarm", "--about", "secret", given=KEY)
    say("add", "--label", "false-alarm", "--about", "secret", given=PLAIN)
    assert say("check") == (0, "2 cases, 0 judged wrongly\n", "")


def test_check_names_what_is_judged_wrongly_and_quotes_nothing(say: Any, folder: Path) -> None:
    (folder / "chatward.toml").write_text(CONFIG)
    say("add", "--label", "false-alarm", "--about", "secret", given=KEY)
    say("add", "--label", "true-alarm", "--about", "secret", given=PLAIN)
    alarm, missed = marks(folder / "feedback.jsonl")
    status, out, _ = say("check", "--json")
    assert status == 1
    told = json.loads(out)
    assert told["cases"] == 2
    assert [(one["id"], one["problem"]) for one in told["wrong"]] == [(alarm.id, "false-alarm"), (missed.id, "missed")]
    assert told["wrong"][0]["rules"][0].startswith("text.secrets/")
    assert "glpat-" not in out
    assert PLAIN not in out
    status, out, _ = say("check", "--label", "true-alarm")
    assert (status, out.splitlines()[-1]) == (1, "1 cases, 1 judged wrongly")
    assert out.startswith(f"{missed.id}\tmissed\tsecret\tuser\tallow\t")


def test_check_takes_the_route_that_is_named(say: Any, folder: Path) -> None:
    (folder / "chatward.toml").write_text(CONFIG)
    say("add", "--label", "true-alarm", "--about", "secret", given=KEY)
    assert say("check")[0] == 0
    assert say("check", "--route", "blind")[0] == 1


def test_nothing_to_check_is_an_error(say: Any, folder: Path) -> None:
    assert say("check")[:2] == (2, "")
    say("add", "--label", "true-alarm", given="x")
    assert say("check", "--label", "false-alarm")[2] == "error: feedback.jsonl has no marks to check\n"
