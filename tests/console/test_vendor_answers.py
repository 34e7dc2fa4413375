"""A vendor answers by a one-time link, in a browser, with evidence; nobody else gets anything from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.assurance.assessments import Assessments
from chatward.configuration import load
from chatward.console.vendor_answers import LARGEST, VendorAnswers
from chatward.stores.database import Database
from tests.browsing import AXE, BROWSING, violations, watched
from tests.simulators.gateway import GUARDS, RunningGateway


@pytest.fixture
def assessments() -> Assessments:
    return Assessments(Database(None), lambda entry: None)


@pytest.fixture
def settled() -> list[str]:
    return []


@pytest.fixture
async def client(assessments: Assessments, settled: list[str]) -> Any:
    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"the console"})

    transport = httpx.ASGITransport(app=VendorAnswers(behind, assessments, settled.append))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://console.example") as made:
        yield made


def form(**fields: str) -> dict[str, tuple[None, str]]:
    return {name.replace("__", "."): (None, value) for name, value in fields.items()}


async def test_answers_and_evidence_are_kept_and_the_link_is_spent(
    client: Any, assessments: Assessments, settled: list[str]
) -> None:
    path = f"/assess/{assessments.invite('v')}"
    shown = await client.get(path)
    assert shown.status_code == 200
    assert shown.text.count("<fieldset>") == 42
    assert "<script" not in shown.text
    assert "'none'" in shown.headers["content-security-policy"]
    fields: dict[str, Any] = {
        **form(**{"answer__gov-1": "yes", "answer__gov-2": "partly", "comment__gov-2": "see <file>"})
    }
    fields["file.gov-2"] = ("soc2.pdf", b"%PDF-1.7\r\n\x00\xff", "application/pdf")
    answered = await client.post(path, files=fields)
    assert (answered.status_code, "Thank you" in answered.text) == (200, True)
    (made,) = assessments.of("v")
    assert (made.source, made.answers["gov-2"].comment) == ("link", "see <file>")
    (kept,) = assessments.evidence("v")
    assert (kept.about, kept.name, assessments.body("v", kept.id)) == ("gov-2", "soc2.pdf", b"%PDF-1.7\r\n\x00\xff")
    assert (await client.get(path)).status_code == 404
    assert (await client.post(path, files=fields)).status_code == 404
    assert len(assessments.of("v")) == 1
    assert settled == ["v"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"answer__gov-1": "maybe"}, 400),
        ({"answer__gov-99": "yes"}, 400),
        ({"answer__gov-1": "not-applicable"}, 400),
        ({"comment__gov-1": "<b>only</b>"}, 400),
        ({"file__gov-99": "x"}, 400),
    ],
    ids=["word", "question", "no-comment", "nothing", "file"],
)
async def test_what_is_not_good_comes_back_and_the_link_lives(
    fields: dict[str, str], status: int, client: Any, assessments: Assessments
) -> None:
    path = f"/assess/{assessments.invite('v')}"
    answered = await client.post(path, files=form(**fields))
    assert answered.status_code == status
    assert 'role="alert"' in answered.text
    assert "<b>" not in answered.text
    assert (await client.get(path)).status_code == 200
    assert assessments.of("v") == []
    assert assessments.evidence("v") == []


async def test_without_the_link_there_is_nothing(client: Any, assessments: Assessments) -> None:
    for path in ("/assess/", "/assess/x", f"/assess/{'a' * 32}", "/assess/../", f"/assess/{'a' * 32}/more"):
        for method in ("GET", "POST"):
            assert (await client.request(method, path)).status_code in {299, 404}, path
    path = f"/assess/{assessments.invite('v')}"
    assert (await client.delete(path)).status_code == 405
    assert (await client.post(path, json={})).status_code == 415
    assert (await client.post(path, files={"file.gov-1": ("x", b"x" * (LARGEST + 1))})).status_code == 413
    assert (await client.get("/elsewhere")).text == "the console"


def command(word: str) -> Any:
    """In a process of its own: the browser's driver keeps a loop running on this thread."""
    words = [sys.executable, "-m", "chatward.cli", "vendor", word, *(["v"] if word != "list" else []), "--json"]
    return json.loads(subprocess.run(words, capture_output=True, check=word != "list").stdout)


@BROWSING[0]
@BROWSING[1]
def test_a_vendor_answers_in_a_browser_and_its_bot_opens_until_that_has_run_out(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    guards = json.dumps(list(GUARDS))
    (tmp_path / "chatward.toml").write_text(
        f'upstream = "http://127.0.0.1:9"\n[server]\nport = 0\nadmin_port = 0\n[routes.default]\nguards = {guards}\n'
        '[vendors.v]\nbots = ["default"]\nleast_score = 2\n',
        "utf-8",
    )
    gateway = RunningGateway(load(tmp_path / "chatward.toml").settings, tmp_path)
    try:
        asked = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}

        def refused() -> bool:
            answer = httpx.post(f"{gateway.base_url}/chat/completions", json=asked)
            return bool(answer.json()["error"]["code"] == "vendor-not-approved")

        assert refused()
        (tmp_path / "proof.txt").write_text("evidence", "utf-8")
        with watched(browser) as page:
            page.goto(gateway.admin_url + command("invite")["path"])
            assert not AXE.exists() or violations(page) == []
            group = page.get_by_role("group", name="Is one named person responsible for the security of the service?")
            group.get_by_label("Yes").check()
            group.get_by_label("Evidence").set_input_files(tmp_path / "proof.txt")
            page.get_by_role("button", name="Send answers").click()
            page.get_by_role("heading", name="Thank you").wait_for()
            told = command("score")
            assert (told["lacks"], told["evidence"][0]["file"]) == ([], "proof.txt")
            assert not refused()

            kept = Database(tmp_path / "chatward-assurance.db")
            kept.write("UPDATE vendor_assessments SET at = at - 366 * 86400")  # a year goes by
            assert refused()
            assert command("list")["vendors"][0]["lacks"] == ["its assessment has run out"]
            page.goto(gateway.admin_url + command("invite")["path"])
            group.get_by_label("Yes").check()
            page.get_by_role("button", name="Send answers").click()
            page.get_by_role("heading", name="Thank you").wait_for()
        assert not refused()
        assert len(Assessments(kept, lambda entry: None).of("v")) == 2
        kept.close()
    finally:
        gateway.stop()
