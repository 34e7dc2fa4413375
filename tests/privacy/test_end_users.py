"""A key whose program names people, in the path of a running gateway: each has a consent and an end of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatward.cli import main
from tests.privacy.test_path import Person, code
from tests.privacy.test_whole import CONFIG, World

END_USERS = """
[identity.end_users]
role = "app"
[routes.known]
models = ["known"]
end_users = "name"
purpose = "support"
guards = ["text.leak"]
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ROOT_KEYS", "1:" + "cmVhbGx5LTMyLWJ5dGVzLW9mLWEtcm9vdC1rZXkuLi4=")
    world = World(tmp_path, CONFIG + END_USERS)
    yield world
    world.stop()


def test_consent_conversations_and_erasure_are_the_persons(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made = world.keys.create("an application", roles=("app",))
    app = Person(world, made.key)  # type: ignore[arg-type]
    assert code(app.ask(user="ann@example.org")) == (403, "consent-required")
    app.http.headers["x-chatward-end-user"] = "ann@example.org"
    assert app.consents(notice="1").status_code == 200
    del app.http.headers["x-chatward-end-user"]
    assert app.ask(user="ann@example.org").status_code == 200
    assert app.ask(safety_identifier="ann@example.org").status_code == 200
    assert code(app.ask(user="bob@example.org")) == (403, "consent-required")
    assert code(app.ask(user=17)) == (400, "end-user-invalid")

    at = ("-c", str(world.config), "--json")
    assert main(["privacy", "who", "ann@example.org", "--key", made.record.id, *at]) == 0
    ann = json.loads(capsys.readouterr().out)["subject"]
    assert main(["privacy", "export", ann, "--out", str(world.folder / "out"), "--reason", "request 17", *at]) == 0
    export = json.loads((world.folder / "out" / "export.json").read_text())
    assert len(export["conversations"]) == 1
    intended = [one for one in export["record"] if one["event"] == "upstream:call:intended"]
    assert {one["fields"]["key"] for one in intended} == {f"key:{made.record.id}"}
    assert app.ask(metadata={"user_id": "ann@example.org"}).status_code == 200
    assert app.ask(model="known", user="ann@example.org").status_code == 200
    *asked, known = world.bot.RequestHandlerClass.asked  # type: ignore[attr-defined]
    assert [one["user"] for one in asked if "user" in one] == [ann]
    assert (asked[1]["safety_identifier"], asked[2]["metadata"]["user_id"]) == (ann, ann)
    assert "ann@example.org" not in json.dumps(asked)
    assert known["user"] == "ann@example.org"  # its route says so
    assert main(["privacy", "erase", ann, *at]) == 0
    assert code(app.ask(user="ann@example.org")) == (403, "consent-required")
    for path in world.folder.glob("chatward*.db*"):
        assert b"ann@example.org" not in path.read_bytes(), path
