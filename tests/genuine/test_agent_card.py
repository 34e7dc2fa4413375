"""A2A agent cards: signed as the protocol says, verified strictly, served where the settings say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from chatward.cli import main
from chatward.console.verify import agent_card_service
from chatward.core import base64url
from chatward.core.errors import ConfigError
from chatward.core.identity import Presented
from chatward.genuine.agent_card import PATH, read, signed, verify
from chatward.genuine.keyring import Keyring
from chatward.genuine.opening import opened_card
from chatward.genuine.proof import ProofError
from chatward.genuine.replies import Proving
from chatward.settings import Settings
from chatward.settings.pages import Genuine
from tests.simulators.access import Headers

ORIGIN = "https://chat.example.com"
CARD: dict[str, Any] = {
    "name": "Möbel-Bot",
    "description": "",
    "version": "1.0.0",
    "supportedInterfaces": [
        {"url": "https://chat.example.com/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
    ],
    "capabilities": {"streaming": True, "extensions": []},
    "skills": [{"id": "hours", "name": "Opening \u20ac hours", "description": "Tells them", "tags": ["shop"]}],
    "defaultInputModes": ["text/plain"],
    "\ufb01": {"z": 1, "a": -2, "\U0001f600": True},
}


def bare() -> dict[str, Any]:
    return read(json.dumps(CARD).encode())


def jwks(ring: Keyring) -> dict[str, Any]:
    keys = [{"kty": "OKP", "crv": "Ed25519", "kid": key.kid, "x": key.x} for key in ring.keys]
    return {"keys": keys}


def test_another_library_verifies_what_we_sign(ring: Keyring) -> None:
    card = signed(bare(), ring.current, ORIGIN)
    assert "description" not in card
    assert card["capabilities"] == {"streaming": True}
    (one,) = card["signatures"]
    header = base64url.json_object(base64url.decode(one["protected"]))
    assert header == {
        "alg": "EdDSA", "kid": ring.current.kid, "typ": "JOSE",
        "jku": f"{ORIGIN}/.well-known/http-message-signatures-directory",
    }  # fmt: skip
    # RFC 8785, written out: names in the order of UTF-16 code units, so an emoji stands before U+FB01
    payload = (
        '{"capabilities":{"streaming":true},"defaultInputModes":["text/plain"],"name":"Möbel-Bot",'
        '"skills":[{"description":"Tells them","id":"hours","name":"Opening € hours","tags":["shop"]}],'
        '"supportedInterfaces":[{"protocolBinding":"JSONRPC","protocolVersion":"1.0","url":"https://chat.example.com/a2a"}],'
        '"version":"1.0.0","\ufb01":{"a":-2,"z":1,"\U0001f600":true}}'
    )
    token = f"{one['protected']}.{base64url.encode(payload.encode())}.{one['signature']}"
    found = jws.deserialize_compact(token, OKPKey.import_key(jwks(ring)["keys"][0]), algorithms=["EdDSA"])
    assert found.payload == payload.encode()
    assert verify(card, jwks(ring)) == [ring.current.kid]


def test_a_card_of_the_bots_own_keeps_its_signature(ring: Keyring) -> None:
    bots = ECKey.generate_key("P-256", {"kid": "bot"}, auto_kid=False)
    payload = base64url.decode(_payload(bare()))
    protected, _, signature = jws.serialize_compact({"alg": "ES256", "kid": "bot"}, payload, bots).split(".")
    theirs = {**bare(), "signatures": [{"protected": protected, "signature": signature}]}
    keys = {"keys": [{**bots.as_dict(private=False), "kid": "bot"}]}
    assert verify(theirs, keys) == ["bot"]
    both = signed(theirs, ring.current, ORIGIN)
    assert verify(both, keys) == ["bot"]
    assert verify(both, jwks(ring)) == [ring.current.kid]


def _payload(card: dict[str, Any]) -> str:
    from chatward.genuine import agent_card

    return agent_card._payload(card)


def _changed(card: dict[str, Any]) -> None:
    card["skills"][0]["name"] = "Opening hours"


def _renamed(card: dict[str, Any]) -> None:
    card["supportedInterfaces"][0]["url"] = "https://chat.example.net/a2a"


def _added(card: dict[str, Any]) -> None:
    card["documentationUrl"] = "https://chat.example.net/"


def _other_key(card: dict[str, Any]) -> None:
    card["signatures"][0]["protected"] = base64url.encode(b'{"alg":"EdDSA","kid":"other"}')


def _no_algorithm(card: dict[str, Any]) -> None:
    header = base64url.json_object(base64url.decode(card["signatures"][0]["protected"]))
    card["signatures"][0]["protected"] = base64url.encode(json.dumps({**header, "alg": "none"}).encode())
    card["signatures"][0]["signature"] = ""


def _critical(card: dict[str, Any]) -> None:
    header = base64url.json_object(base64url.decode(card["signatures"][0]["protected"]))
    card["signatures"][0]["protected"] = base64url.encode(json.dumps({**header, "crit": ["x"]}).encode())


def _padded(card: dict[str, Any]) -> None:
    card["signatures"][0]["signature"] += "="


def _unsigned(card: dict[str, Any]) -> None:
    del card["signatures"]


@pytest.mark.parametrize(
    "alter", [_changed, _renamed, _added, _other_key, _no_algorithm, _critical, _padded, _unsigned]
)
def test_what_is_altered_is_refused(ring: Keyring, alter: Callable[[dict[str, Any]], None]) -> None:
    card = signed(bare(), ring.current, ORIGIN)
    alter(card)
    with pytest.raises(ProofError) as caught:
        verify(card, jwks(ring))
    assert caught.value.reason == ("card-unsigned" if alter is _unsigned else "card-signature")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'{"name": 1}', b'{"name": "a", "name": "b"}', b'{"name": "a", "x": 0.5}', b'{"name": "\\ud800"}',
     b'{"name": "a", "x": 9007199254740993}', b'{"name": "a", "signatures": [1]}',
     b'{"name": "a", "x": ' + b"[" * 40 + b"1" + b"]" * 40 + b"}"],
)  # fmt: skip
def test_what_has_more_readings_than_one_is_no_card(data: bytes) -> None:
    with pytest.raises(ProofError) as caught:
        read(data)
    assert caught.value.reason == "card-malformed"


def settings(tmp_path: Path, card: dict[str, Any], keys: dict[str, Any] | None = None) -> Settings:
    (tmp_path / "card.json").write_text(json.dumps(card))
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    held = str(tmp_path / "keys.json") if keys is not None else ""
    return Settings(genuine=Genuine(agent_card=str(tmp_path / "card.json"), agent_card_keys=held))


def test_a_card_is_served_signed_and_another_hands_card_is_not(tmp_path: Path, ring: Keyring, proving: Proving) -> None:
    card = opened_card(settings(tmp_path, CARD))
    assert card is not None
    status, _, body = agent_card_service(proving, card)(Presented("GET", ORIGIN + PATH, Headers()), PATH, b"")
    assert status == 200
    assert verify(read(body), jwks(ring)) == [ring.current.kid]
    theirs = signed(bare(), ring.current, ORIGIN)
    assert opened_card(settings(tmp_path, theirs, jwks(ring))) == theirs
    theirs["name"] = "Other"
    kept: tuple[dict[str, Any] | None, ...] = (jwks(ring), {"keys": []}, None)
    for keys in kept:
        with pytest.raises(ConfigError):
            opened_card(settings(tmp_path, theirs, keys))
    with pytest.raises(ConfigError) as caught:
        opened_card(settings(tmp_path, CARD, jwks(ring)))
    assert caught.value.reason == "card-unsigned"


def test_the_command_tells_who_signed(tmp_path: Path, ring: Keyring, capsys: pytest.CaptureFixture[str]) -> None:
    settings(tmp_path, signed(bare(), ring.current, ORIGIN), jwks(ring))
    asked = ["genuine", "card", str(tmp_path / "card.json"), "--keys", str(tmp_path / "keys.json"), "--json"]
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out) == {"genuine": True, "keys": [ring.current.kid]}
    settings(tmp_path, CARD, jwks(ring))
    assert main(asked) == 1
    assert json.loads(capsys.readouterr().out) == {"genuine": False, "reason": "card-unsigned"}
