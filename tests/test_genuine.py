"""Replies of a real gateway, whole and streamed, proven by the manifest that it serves; and the page that shows it."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from chatward.cli import main
from chatward.core.values import Part, PartKind, Source
from chatward.genuine.keyring import Keyring
from chatward.genuine.manifest import keys_at, read
from chatward.genuine.manifest import verify as verify_manifest
from chatward.genuine.proof import Chain, Proof, parse
from chatward.genuine.proof import verify as verify_proof
from chatward.settings import Genuine, LedgerSettings, Route, Server, Settings
from tests.browsing import BROWSING, browser, needs_axe, violations, watched  # noqa: F401 - a fixture
from tests.simulators.gateway import GUARDS, RunningGateway
from tests.simulators.scenes import Call, Scene
from tests.simulators.upstream import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("genuine")

SCENES = {
    "hello": Scene(text="Your order is on its way, Zoë."),
    "mail": Scene(text="Write to someone@else.example for that."),
    "tool": Scene(text="One moment.", calls=(Call("call_1", "track", '{"order": 7}'),)),
    "canary": Scene(text="The word is CANARY-4711-QX, as I was told."),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("genuine")
    with ScriptedUpstream(SCENES) as bot:
        settings = Settings(
            upstream=bot.url,
            server=Server(port=0, admin_port=0),
            ledger=LedgerSettings(path="ledger.db"),
            routes={"default": Route(guards=GUARDS, canaries=("env:GENUINE_CANARY",))},
            genuine=Genuine(name="Parcel bot", owner="Example Ltd", domains=("example.com",)),
        )
        running = RunningGateway(settings, folder, {"GENUINE_CANARY": "CANARY-4711-QX"})
        try:
            yield running
        finally:
            assert running.stop() == 0


def fetched(gateway: RunningGateway) -> dict[str, Any]:
    with urllib.request.urlopen(f"{gateway.url}/.well-known/chatward.json", timeout=30) as answer:
        assert answer.headers["content-type"] == "application/json"
        document = read(answer.read())
    verify_manifest(document, origin=gateway.url, now=time.time())
    return document


def asked(gateway: RunningGateway, scene: str, *, stream: bool, history: int = 0) -> tuple[list[Part], Proof | None]:
    """What was said, part by part, and its proof. ``history`` makes conversations different."""
    body = {"model": f"ann~{scene}", "stream": stream, "messages": [{"role": "user", "content": f"Question {history}"}]}
    request = urllib.request.Request(
        f"{gateway.base_url}/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        header, said = answer.headers.get("x-chatward-proof"), answer.read().decode()
    if not stream:
        message = json.loads(said)["choices"][0]["message"]
        calls = message.get("tool_calls") or []
        text, called = message.get("content") or "", [call["function"] for call in calls]
    else:
        assert header is None
        lines = said.splitlines()
        header = next(
            (line.removeprefix(": chatward-proof ") for line in lines if line.startswith(": chatward-p")), None
        )
        deltas = [json.loads(line[6:])["choices"] for line in lines if line.startswith("data: {")]
        found = [choices[0]["delta"] for choices in deltas if choices]
        text = "".join(delta.get("content") or "" for delta in found)
        pieces = [call["function"] for delta in found for call in delta.get("tool_calls") or ()]
        called = []
        if pieces:
            name = "".join(piece.get("name") or "" for piece in pieces)
            called = [{"name": name, "arguments": "".join(piece.get("arguments") or "" for piece in pieces)}]
    parts = [Part(text, Source.BOT)] if text else []
    parts += [Part(one["arguments"], Source.BOT, PartKind.JSON, name=one["name"]) for one in called]
    return parts, parse(header) if header else None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("scene", ["hello", "mail", "tool"])
def test_what_a_person_reads_is_what_is_proven(gateway: RunningGateway, scene: str, stream: bool) -> None:
    document = fetched(gateway)
    parts, proof = asked(gateway, scene, stream=stream, history=1)
    assert proof is not None
    keys = keys_at(document, proof.claims.time)
    verify_proof(proof, keys, origin=gateway.url, parts=parts, now=time.time())
    if scene == "mail":
        assert "someone@else.example" not in parts[0].text  # masked: the proof is of what went out
    if scene == "tool":
        assert [part.kind for part in parts] == [PartKind.TEXT, PartKind.JSON]


def test_replies_of_one_conversation_are_chained(gateway: RunningGateway) -> None:
    messages: list[dict[str, str]] = []
    chain = Chain()
    for number in range(3):
        messages.append({"role": "user", "content": f"Chained question {number}"})
        body = json.dumps({"model": "bob~hello", "messages": messages}).encode()
        request = urllib.request.Request(
            f"{gateway.base_url}/chat/completions", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            chain.follow(parse(answer.headers["x-chatward-proof"]))
            messages.append(
                {"role": "assistant", "content": json.loads(answer.read())["choices"][0]["message"]["content"]}
            )
    assert chain.sequence == 3


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_that_was_stopped_has_none(gateway: RunningGateway, stream: bool) -> None:
    assert asked(gateway, "canary", stream=stream, history=2)[1] is None


def test_another_key_is_taken_over_by_a_running_gateway(gateway: RunningGateway) -> None:
    made = Keyring(gateway.folder / "chatward-signing.json").rotate().kid
    deadline = time.monotonic() + 20
    while True:
        _, proof = asked(gateway, "hello", stream=False, history=3)
        assert proof is not None
        if proof.kid == made or time.monotonic() > deadline:
            break
    assert proof.kid == made
    assert fetched(gateway)["keys"][-1]["kid"] == made


def test_the_command_line_says_the_same(
    gateway: RunningGateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = fetched(gateway)
    parts, proof = asked(gateway, "hello", stream=False, history=4)
    assert proof is not None
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    (tmp_path / "proof").write_text(proof.text() + "\n")
    (tmp_path / "reply").write_text(parts[0].text)
    (tmp_path / "other").write_text(parts[0].text + "!")
    ask = ["genuine", "verify", str(tmp_path / "proof"), "--manifest", str(tmp_path / "manifest.json"), "--json"]
    assert main([*ask, "--text", str(tmp_path / "reply")]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "Parcel bot"
    assert main([*ask, "--text", str(tmp_path / "other"), "--kept", str(tmp_path / "manifest.json")]) == 1
    assert json.loads(capsys.readouterr().out) == {"genuine": False, "reason": "proof-content"}
    assert main([*ask, "--text", str(tmp_path / "missing")]) == 2


def test_keys_are_listed_rotated_and_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("chatward.toml").write_text(
        'upstream = "https://bot.example/v1"\n[genuine]\norigin = "https://chat.example"\n'
    )
    assert main(["genuine", "rotate", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["keys"]
    assert (first["state"], second["state"]) == ("retired", "signs")
    assert main(["genuine", "revoke", second["kid"], "--json"]) == 0
    assert [key["state"] for key in json.loads(capsys.readouterr().out)["keys"]] == ["retired", "revoked", "signs"]
    assert main(["genuine", "manifest"]) == 0
    verify_manifest(read(capsys.readouterr().out.encode()), origin="https://chat.example", now=time.time())
    assert main(["genuine", "keys"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_where_others_reach_it_nothing_is_signed_without_an_origin(tmp_path: Path) -> None:
    """Its name would be the caller's word."""
    with ScriptedUpstream(SCENES) as bot:
        settings = Settings(
            upstream=bot.url,
            server=Server(port=0, admin_port=0),
            ledger=LedgerSettings(path="ledger.db"),
            routes={"default": Route(guards=GUARDS)},
            genuine=Genuine(sign=False),
        )
        running = RunningGateway(settings, tmp_path)
        try:
            assert asked(running, "hello", stream=False)[1] is None
            with pytest.raises(HTTPError) as caught:
                urllib.request.urlopen(f"{running.url}/.well-known/chatward.json", timeout=30)
            assert caught.value.code == 404
            assert b"nothing-signed" in caught.value.read()
        finally:
            assert running.stop() == 0


@BROWSING[0]
@needs_axe
def test_the_chat_page_says_who_signed_an_answer(gateway: RunningGateway, browser: Any) -> None:  # noqa: F811
    with watched(browser) as page:
        page.route("**/v1/models", lambda route: route.fulfill(json={"object": "list", "data": [{"id": "eve~hello"}]}))
        page.goto(f"{gateway.url}/chat")
        for number in (1, 2):
            page.get_by_label("Your message").fill(f"Where is my parcel {number}?")
            page.keyboard.press("Enter")
            page.get_by_text(f"Signed by Parcel bot, answer {number}.").wait_for()
        assert violations(page) == []
        # Somebody on the way alters what the bot says: the page tells.
        page.route(
            "**/v1/chat/completions",
            lambda route: (
                answer := route.fetch(),
                route.fulfill(response=answer, body=answer.text().replace('"content":"', '"content":"x')),
            )[1],
        )
        page.get_by_label("Your message").fill("Where is my parcel 3?")
        page.keyboard.press("Enter")
        page.locator("#log .stopped").get_by_text("could not be shown to come from here").wait_for()


@BROWSING[0]
@needs_axe
def test_the_page_checks_a_reply_without_asking_anybody(gateway: RunningGateway, browser: Any) -> None:  # noqa: F811
    parts, proof = asked(gateway, "hello", stream=False, history=5)
    assert proof is not None
    with watched(browser) as page:
        page.goto(f"{gateway.url}/verify")
        page.get_by_text("Parcel bot").wait_for()
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        page.get_by_label("The reply").fill(parts[0].text)
        page.get_by_label("Its proof").fill(proof.text())
        page.get_by_role("button", name="Check").press("Enter")
        page.get_by_text("Genuine: Parcel bot").wait_for()
        assert violations(page) == []
        page.get_by_label("The reply").fill(parts[0].text + "!")
        page.get_by_role("button", name="Check").press("Enter")
        page.get_by_text("It is of another text.").wait_for()
        assert violations(page) == []
        assert {url.removeprefix(gateway.url) for url in sent} <= {"/.well-known/chatward.json"}
