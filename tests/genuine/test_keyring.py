"""The file with the keys: made once, replaced in one step, never made anew over one that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatward.core.errors import ClientError, ConfigError
from chatward.genuine.keyring import Keyring, thumbprint
from tests.genuine.conftest import Clock


def test_it_is_made_for_its_owner_alone(ring: Keyring) -> None:
    assert ring.path.stat().st_mode & 0o777 == 0o600
    assert [key.state for key in ring.keys] == ["signs"]
    assert ring.current.kid == thumbprint(ring.current.x)
    assert ring.current.seed not in repr(ring.current)
    assert Keyring(ring.path).current == ring.current


def test_a_name_is_no_option_of_a_command_line(ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([bytes([number]) * 32 for number in range(256)])
    monkeypatch.setattr(Ed25519PrivateKey, "generate", lambda: Ed25519PrivateKey.from_private_bytes(next(drawn)))
    made = [ring._made().kid for _ in range(200)]
    assert not any(kid.startswith("-") for kid in made)
    assert len(set(made)) == 200
    assert next(drawn)[0] > 200  # some were passed over


def test_a_known_thumbprint() -> None:
    """RFC 8037, appendix A.3."""
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert thumbprint(x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_rotating_retires_and_revoking_ends(ring: Keyring, clock: Clock) -> None:
    first = ring.current
    clock.now += 10
    second = ring.rotate()
    assert [(key.kid, key.state) for key in ring.keys] == [(first.kid, "retired"), (second.kid, "signs")]
    assert ring.keys[0].retired == int(clock.now)
    clock.now += 10
    third = ring.revoke(second.kid)
    assert third.kid not in {first.kid, second.kid}
    assert [key.state for key in ring.keys] == ["retired", "revoked", "signs"]
    assert ring.revoke(first.kid) == third
    when = ring.keys[1].revoked
    clock.now += 10
    ring.revoke(second.kid)
    assert ring.keys[1].revoked == when
    with pytest.raises(ClientError) as caught:
        ring.revoke("nobody")
    assert caught.value.reason == "signing-key-unknown"


def test_another_process_is_seen(ring: Keyring) -> None:
    other = Keyring(ring.path)
    assert not ring.changed()
    made = other.rotate()
    assert ring.changed()
    assert ring.current == made
    assert not ring.changed()


@pytest.mark.parametrize("spoilt", range(9))
def test_a_file_that_holds_no_keys_is_left_as_it_is(ring: Keyring, spoilt: int) -> None:
    key = json.loads(ring.path.read_text())["keys"][0]
    contents = [
        {}, {"keys": []}, {"keys": [key, key]}, {"keys": [{**key, "kid": "x"}]}, {"keys": [{**key, "seed": "abc"}]},
        {"keys": [{**key, "made": "now"}]}, {"keys": [{**key, "revoked": 1}]}, {"keys": [{**key, "more": 1}]}, [],
    ]  # fmt: skip
    text = json.dumps(contents[spoilt])
    ring.path.write_text(text)
    for open_ in (lambda: Keyring(ring.path), lambda: ring.current):
        with pytest.raises(ConfigError) as caught:
            open_()
        assert caught.value.reason == "signing-keys-invalid"
        assert key["seed"] not in str(caught.value)
    assert ring.path.read_text() == text


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Keyring(tmp_path / "missing" / "signing.json")
    assert caught.value.reason == "signing-keys-invalid"
