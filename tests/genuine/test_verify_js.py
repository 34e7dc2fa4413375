"""The JavaScript that people's browsers check with says the same as the product, on Node's Web Cryptography."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chatward.core.values import Part, PartKind, Source
from chatward.genuine.keyring import Keyring
from chatward.genuine.manifest import keys_at, manifest, read
from chatward.genuine.manifest import verify as verify_manifest
from chatward.genuine.proof import ProofError, Signer, parse
from chatward.genuine.proof import verify as verify_proof
from chatward.genuine.replies import Proving
from tests.genuine.conftest import FACTS, ORIGIN, Clock
from tests.genuine.test_proof import ATTACKS, OTHER

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="no node: the same table is checked in Python, the script in a browser alone"
)
MODULE = Path(__file__).parents[2] / "chatward/console/static/verify.js"
ASK = """
import { readFileSync } from "node:fs";
const source = readFileSync(process.argv[2], "utf8");
const encoded = Buffer.from(source).toString("base64");
const { verifyManifest, verifyProof } = await import(`data:text/javascript;base64,${encoded}`);
const out = [];
for (const [what, given, options] of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    await (what === "proof" ? verifyProof(given, options) : verifyManifest(given, options));
    out.push("good");
  } catch (error) {
    out.push(error.reason ?? `bug: ${error}`);
  }
}
console.log(JSON.stringify(out));
"""


def asked(rows: list[tuple[str, Any, dict[str, Any]]], folder: Path) -> list[str]:
    script = folder / "ask.mjs"
    script.write_text(ASK)
    done = subprocess.run(
        ["node", str(script), str(MODULE)],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def _part(said: Any) -> Part:
    if isinstance(said, str):
        return Part(said, Source.BOT)
    return Part(said["arguments"], Source.BOT, PartKind.JSON, name=said["name"])


def told(row: tuple[str, Any, dict[str, Any]]) -> str:
    """What the product says."""
    what, given, options = row
    try:
        if what == "manifest":
            verify_manifest(given, origin=options["origin"], now=options["now"], kept=options.get("kept"))
            return "good"
        proof = parse(given)
        parts = [_part(one) for one in options["parts"]]
        keys = keys_at(options["manifest"], proof.claims.time)
        verify_proof(proof, keys, origin=options["manifest"]["origin"], parts=parts, now=options["now"])
    except ProofError as error:
        return error.reason
    return "good"


def test_it_agrees_on_proofs_and_manifests(ring: Keyring, proving: Proving, clock: Clock, tmp_path: Path) -> None:
    said: list[Any] = ['Grüße, 你好 👋 \u2028 "quoted" \\', {"name": "pay", "arguments": '{"to":"Ann"}'}]
    parts = [Part(said[0], Source.BOT), Part(said[1]["arguments"], Source.BOT, PartKind.JSON, name="pay")]
    first = proving.prove("ann", "thread", parts)
    old = read(proving.manifest())
    clock.now += 60
    ring.rotate()
    clock.now += 2
    second = proving.prove("ann", "thread", parts)
    document = read(proving.manifest())
    thief = Keyring(tmp_path / "thief.json", clock)
    foreign = Signer(OTHER, ring.current.kid).sign(parse(second).claims).text()
    usual = {"manifest": document, "parts": said, "now": clock.now}
    rows: list[tuple[str, Any, dict[str, Any]]] = [
        ("proof", first, usual),
        ("proof", second, usual),
        ("proof", second, {**usual, "parts": said[:1]}),
        ("proof", second, {**usual, "parts": said[::-1]}),
        ("proof", second, {**usual, "now": clock.now - 1000}),
        ("proof", second, {**usual, "manifest": old}),
        ("proof", second, {**usual, "manifest": {**document, "origin": "https://evil.example"}}),
        ("proof", foreign, usual),
        *(("proof", text, usual) for text in ATTACKS.values()),
        ("manifest", document, {"origin": ORIGIN, "now": clock.now}),
        ("manifest", document, {"origin": ORIGIN, "now": clock.now, "kept": old}),
        ("manifest", old, {"origin": ORIGIN, "now": clock.now, "kept": document}),
        ("manifest", document, {"origin": "https://evil.example", "now": clock.now}),
        ("manifest", document, {"origin": ORIGIN, "now": clock.now + 1e6}),
        ("manifest", {**document, "name": "Other"}, {"origin": ORIGIN, "now": clock.now}),
        ("manifest", manifest(FACTS, thief.keys, clock.now), {"origin": ORIGIN, "now": clock.now, "kept": old}),
    ]
    expected = [told(row) for row in rows]
    assert expected.count("good") == 4
    assert asked(rows, tmp_path) == expected
