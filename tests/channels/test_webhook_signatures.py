"""Signatures of webhooks: the published vectors, the reference library, and attacks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Reference

from chatward.channels import webhook_signatures
from chatward.channels.webhook_signatures import Form, Signatures, key_of
from chatward.core.errors import ConfigError, IdentityError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
    b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A"
    b"%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id="
    b"398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
VECTORS: list[tuple[Form, str, int, bytes, dict[str, str]]] = [
    (
        "standard", SECRET, 1614265330, b'{"test": 2432232314}',
        {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
         "webhook-signature": "v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= "
                              "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    ),
    (
        "github", "It's a Secret to Everybody", 0, b"Hello, World!",
        {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
    ),
    (
        "slack", "8f742231b10e8888abcd99yyyzzz85a5", 1531420618, SLACK_BODY,
        {"x-slack-request-timestamp": "1531420618",
         "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
    ),
]  # fmt: skip
IDS = ["standard", "github", "slack"]


class Headers:
    """``twice`` names a field that was sent twice."""

    def __init__(self, fields: Mapping[str, str], twice: str = "") -> None:
        self.fields = dict(fields)
        self.twice = twice

    def get(self, key: str, default: str | None = None) -> str | None:
        return self.fields.get(key, default)

    def get_all(self, key: str) -> list[str]:
        return [self.fields[key]] * (2 if key == self.twice else 1) if key in self else []

    def __contains__(self, key: str) -> bool:
        return key in self.fields


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def made(form: Form, secret: str, clock: Clock) -> Signatures:
    return Signatures(form, key_of(form, secret), key_of(form, secret), 300.0, clock)


def reason(signatures: Signatures, headers: Headers, body: bytes) -> str:
    with pytest.raises(IdentityError) as refused:
        signatures.verify(headers, body)
    return refused.value.reason


@pytest.mark.parametrize(("form", "secret", "now", "body", "fields"), VECTORS, ids=IDS)
def test_published_vectors(form: Form, secret: str, now: int, body: bytes, fields: dict[str, str]) -> None:
    clock = Clock(now + 100.0)
    signatures = made(form, secret, clock)
    signatures.verify(Headers(fields), body)
    assert reason(signatures, Headers(fields), body) == "signature-replayed"
    assert reason(signatures, Headers(fields), body + b" ") == "signature-invalid"
    assert reason(made(form, "d2hzZWNfb3RoZXI=", clock), Headers(fields), body) == "signature-invalid"


@pytest.mark.parametrize(("form", "secret", "now", "body", "fields"), VECTORS, ids=IDS)
def test_every_field_is_needed_once(form: Form, secret: str, now: int, body: bytes, fields: dict[str, str]) -> None:
    for name in fields:
        without = {key: value for key, value in fields.items() if key != name}
        assert reason(made(form, secret, Clock(now)), Headers(without), body) == "signature-missing"
        assert reason(made(form, secret, Clock(now)), Headers(fields, name), body) == "signature-missing"


@pytest.mark.parametrize("off", [-301.0, 301.0])
@pytest.mark.parametrize(
    ("form", "secret", "now", "body", "fields"), [VECTORS[0], VECTORS[2]], ids=["standard", "slack"]
)
def test_a_time_that_is_off_is_stale(
    form: Form, secret: str, now: int, body: bytes, fields: dict[str, str], off: float
) -> None:
    assert reason(made(form, secret, Clock(now + off)), Headers(fields), body) == "signature-stale"


def test_a_time_from_the_future_cannot_be_replayed_later() -> None:
    form, secret, now, body, fields = VECTORS[0]
    clock = Clock(now - 299.0)
    signatures = made(form, secret, clock)
    signatures.verify(Headers(fields), body)
    clock.now = now + 299.0
    assert reason(signatures, Headers(fields), body) == "signature-replayed"
    clock.now = now + 400.0
    assert reason(signatures, Headers(fields), body) == "signature-stale"


def test_what_is_remembered_is_bounded_and_closed_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_signatures, "MOST", 2)
    clock = Clock(0.0)
    signatures = made("github", "s", clock)
    for body in (b"1", b"2"):
        signatures.verify(Headers(dict(signatures.sign(Headers({}), body))), body)
    headers = Headers(dict(signatures.sign(Headers({}), b"3")))
    assert reason(signatures, headers, b"3") == "signatures-overloaded"
    clock.now = 601.0
    signatures.verify(headers, b"3")


@given(st.binary(max_size=200))
def test_what_we_sign_verifies_for_the_reference(body: bytes) -> None:
    now = datetime.now(UTC).timestamp()
    text = body.hex()  # the reference takes text
    fields = dict(made("standard", SECRET, Clock(now)).sign(Headers({"webhook-id": "msg_1"}), text.encode()))
    assert fields["webhook-id"] == "msg_1"
    theirs = Reference(SECRET).sign("msg_1", datetime.fromtimestamp(int(now), UTC), text)
    assert fields["webhook-signature"] == theirs


@pytest.mark.parametrize("form", ["standard", "github", "slack"])
def test_what_we_sign_we_take(form: Form) -> None:
    secret = SECRET if form == "standard" else "s"
    ours, theirs = made(form, secret, Clock(1e9)), made(form, secret, Clock(1e9 + 5))
    theirs.verify(Headers(dict(ours.sign(Headers({}), b"{}"))), b"{}")


def test_a_secret_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ConfigError):
        key_of("standard", "whsec_not base64")
