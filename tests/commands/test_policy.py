"""``chatward policy``: what is printed, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatward.cli import main

CASE = '{"principal": {"kind": "person"}, "action": "message:send", "resource": "Bot::x", "expect": "allow"}\n'
OWN = '@id("own/quiet") @title("Quiet hours") forbid (principal, action, resource) when { context.hour < 6 };\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(["policy", *arguments])
    return status, capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status, said = run(capsys, *arguments, "--json")
    return status, json.loads(said)


def configured(folder: Path, text: str = 'policies = ["own/*.cedar"]') -> None:
    (folder / "own").mkdir()
    (folder / "own" / "quiet.cedar").write_text(OWN)
    (folder / "chatward.toml").write_text(f'upstream = "http://127.0.0.1:9/v1"\n[authorization]\n{text}\n')


def test_check_lists_the_default_policies(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(capsys, "check")
    assert status == 0
    assert "chatward/message-known\tpermit\tdefault.cedar\t" in said
    assert "admin:*:*\tAdminArea\t" in said
    assert "policies are valid; version " in said


def test_check_reads_the_policies_of_the_configuration(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(folder)
    status, found = told(capsys, "check")
    assert status == 0
    own = next(row for row in found["policies"] if row["id"] == "own/quiet")
    assert own == {"id": "own/quiet", "effect": "forbid", "file": "own/quiet.cedar", "title": "Quiet hours"}
    message = next(row for row in found["depends"] if (row["action"], row["kind"]) == ("message:send", "service"))
    assert message["on"] == ["context.hour", "context.risk", "resource.tenant"]


def test_check_names_what_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(folder)
    (folder / "own" / "bad.cedar").write_text(OWN.replace("hour", "hours").replace("quiet", "bad"))
    status, found = told(capsys, "check")
    assert status == 2
    error = found["error"]
    assert (error["reason"], error["file"], error["line"]) == ("config-invalid", "own/bad.cedar", 1)
    assert "policy `own/bad`: " in error["message"]


def test_without_defaults_only_ones_own_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(folder, 'policies = ["own/*.cedar"]\ndefault = false')
    _, found = told(capsys, "check")
    assert [row["id"] for row in found["policies"]] == ["own/quiet"]


def test_cases_that_hold_and_cases_that_do_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.jsonl").write_text(CASE * 2)
    status, said = run(capsys, "test", "good.jsonl")
    assert (status, said.splitlines()[-1]) == (0, "2 of 2 cases as expected.")
    (folder / "bad.jsonl").write_text(CASE + CASE.replace('"x"', '"x"').replace("allow", "deny"))
    status, said = run(capsys, "test", "bad.jsonl")
    assert status == 1
    assert said.splitlines()[1] == "FAILED\tcase 2\tdeny\tallow\tpermitted\tchatward/message-known"
    status, found = told(capsys, "test", "bad.jsonl")
    assert (status, found["cases"], found["failed"]) == (1, 2, 1)
    assert [row["passed"] for row in found["results"]] == [True, False]


def test_policies_can_be_tried_before_they_are_configured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "new.cedar").write_text(OWN)
    (folder / "c.jsonl").write_text(CASE.replace("}\n", ', "context": {"hour": 5}}\n'))
    assert run(capsys, "test", "c.jsonl")[0] == 0
    assert run(capsys, "test", "c.jsonl", "--policies", "new.cedar")[0] == 1
    assert run(capsys, "test", "c.jsonl", "--policies", "none.cedar")[0] == 2


def test_nothing_to_test_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.jsonl").write_text("\n")
    assert run(capsys, "test", "c.jsonl")[0] == 2
    assert run(capsys, "test", "missing.jsonl")[0] == 2


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("explain", "--action", "admin:keys:write", "--resource", "AdminArea::keys", "--kind", "operator")
    status, said = run(capsys, *asked, "--role", "admin", "--assurance", "2")
    assert (status, said.splitlines()[0]) == (0, "Allowed: a policy permits it.")
    status, found = told(capsys, *asked, "--role", "admin")
    assert (status, found["outcome"], found["step_up"]) == (0, "step-up", "multi")
    status, found = told(capsys, *asked, "--role", "auditor", "--assurance", "3", "--context", '{"risk": "low"}')
    assert (status, found["outcome"], found["policies"]) == (0, "deny", [])


@pytest.mark.parametrize("context", ["[]", "{", '{"rsik": 1}'])
def test_explain_refuses_a_context_that_is_none(capsys: pytest.CaptureFixture[str], context: str) -> None:
    asked = ("explain", "--action", "message:send", "--resource", "Bot::x", "--context", context)
    assert told(capsys, *asked)[0] == 2


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    from chatward.identity.cedar_schema import schema_text

    assert run(capsys, "schema") == (0, schema_text())
    assert told(capsys, "schema") == (0, {"schema": schema_text()})
