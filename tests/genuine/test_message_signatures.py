"""Message signatures: the vectors of RFC 9421 and of Web Bot Auth, and what is refused.

The vectors of Web Bot Auth are data of its reference implementation (packages/web-bot-auth/test/test_data, Apache-2.0):
architecture v2, directory response v1. Their key is the RFC's test key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from hypothesis import given
from hypothesis import strategies as st

from chatward.core import base64url
from chatward.genuine.keyring import thumbprint
from chatward.genuine.message_signatures import (
    DIRECTORY_TAG,
    LONGEST,
    TAG,
    Message,
    PublicKey,
    SignatureError,
    agent_of,
    base,
    bot_headers,
    sign,
    verify,
)
from chatward.genuine.structured import InnerList, Item, dictionary, item, written

X = "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
KEY = Ed25519PrivateKey.from_private_bytes(base64url.decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU"))
KEYID = thumbprint(X)
RSA_N = (
    "r4tmm3r20Wd_PbqvP1s2-QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct-Lh1GH45x28Rw3Ry53mm-oAXjyQ86OnDkZ5N8lYbggD4O3w6M6p"
    "AvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL-Wokqltd11nqqzi-bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7"
    "ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d-nb4bnNkQVklLQ3fVAvJm-xdDOp9LCNCN48V2pnDOkFV6-U9nV5oyc6XI2w"
)
RSA_KEYID = "oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA"
RSA = RSAPublicNumbers(65537, int.from_bytes(base64url.decode(RSA_N), "big")).public_key()
KEYS: dict[str, PublicKey] = {KEYID: KEY.public_key(), RSA_KEYID: RSA}
URL = "https://example.com/path/to/resource"
TIMES = ';created=1735689600;keyid="{keyid}";alg="{alg}";expires=4889289600;nonce="{nonce}";tag="web-bot-auth"'
AGENT = ("signature-agent", 'agent2="https://signature-agent.test"')
NOW = 1_735_689_700.0
VECTORS = {
    "ed25519": (
        "sig1", '("@authority")', KEYID, "ed25519",
        "zIW8+cdmA3vdYagbxojpONwa/l0EKJ/O3/wD486VvsQjO/RxPaSt6ZxvQaMcQzNnqKN/mQ6hpGiFro2L2qkz5A==",
        "QKN4fTdIYfh82fvoZCQiQA1weuozfCS/Led2zTMbewMMqH8PI2Wsy/5c4ao6B6D09nraNQdBNOADg8aM1MqfCg==",
    ),
    "ed25519 with its agent": (
        "sig2", '("@authority" "signature-agent";key="agent2")', KEYID, "ed25519",
        "n9p433xm+NJ3ph3upfBIGmsuwHw387YV7Q/F+6BSpGCVjYCqQw6rznNA8PVVLySrAWsv0hQtFioQb6E1YsauiA==",
        "RdNFx5Bj6au3YgAMQL/RzmUlZE8QZLIaXGRpw985hWnwPfMxT228NMk6ehRS1PSl4e8PhbNZACSanGdhEwYCCg==",
    ),
    "rsa": (
        "sig1", '("@authority")', RSA_KEYID, "rsa-pss-sha512",
        "JojDFWJ90jf+gZhdKeTyJYsu1XvNPZSFAGhvYq5SuV3gneOEUAhq+xl792WGuD1W+Dr6NRmx+m+t06NsYnL4iA==",
        "hWPaj85MWQiRkzU4jnIKvdPQiDfMCPIoxOP8nZveNc3aFQ7r/UmXWCwGNImw588iRvTFey5TR3fVEgnXpcttlyK+u5pN831z9Wlr+IMNfub4uE"
        "M3SuO+SKFygJZyLG0pf7OAiRcU4C0gyx1BS/+z9ydQTRzDLr88wCkBBRqwGRrSi8HTwxkqg1jugobh93hcnU6gV8MK1n+VnhRprIgl2RQSO6q5"
        "cfbB4OS8C4t/8ndW0lYmP2SWzKZJXnpX5Wrj17PuLqnVW6MO8pJnLAMXNvxUdx32KHeq/cHFrzZazZsua3UOoP+k+niHwoQ8bBWj1Vi4mM1mYJ"
        "K+fk366cCLsQ==",
    ),
    "rsa with its agent": (
        "sig2", '("@authority" "signature-agent";key="agent2")', RSA_KEYID, "rsa-pss-sha512",
        "wcfPQPh7SzkvrIVvhD00vNk9PkxJNY2NVbYl2PVBB4zmUoluSwE7W6bPtF60QA3k8g06FU7PPCD+J58YofY1zg==",
        "gHzpLNeHaHIO19NaJH9YMW5dcVSi2s0wOMBr6p18vcofS106sfC4KBIS0/szPlBBd1vIcyQ88B6CTEWIhRAiVrb9zfX0mx1aG12CSGWcYkSirH"
        "eyTxhbuJvXd27ed6skWoy4PjXItq38936ivUQjfdIwXh1aX6HxkAC3vRnEdSNfntkLWeEuIQ5BLIOBGE39fSwg27Qjq6OVWYas/9/aFUr3HA34"
        "MXWYdp+//cvlEKDp3kRoLOw9ro0AOr6srHrTeEtxon2afcws1aZVSlPdd2fZSEIGmw9HAHLDCEkFTERu1gH2k/zIEqgy7CAYXI9E5slog0cLg/"
        "Vc6+f8gih33g==",
    ),
}  # fmt: skip


def vector(name: str) -> Message:
    label, covered, keyid, alg, nonce, signature = VECTORS[name]
    headers = [AGENT] if "agent" in covered else []
    headers += [
        ("signature-input", f"{label}={covered}" + TIMES.format(keyid=keyid, alg=alg, nonce=nonce)),
        ("signature", f"{label}=:{signature}:"),
    ]
    return Message("GET", URL, headers)


def reason(check: Callable[[], object]) -> str:
    with pytest.raises(SignatureError) as caught:
        check()
    return caught.value.reason


def test_the_vector_of_the_rfc() -> None:
    """RFC 9421, appendix B.2.6."""
    headers = [
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-length", "18"),
    ]
    message = Message("POST", "https://example.com/foo?param=Value&Pet=dog", headers)
    names = ("date", "@method", "@path", "@authority", "content-type", "content-length")
    covered = InnerList(tuple(map(Item, names)), {"created": 1618884473, "keyid": "test-key-ed25519"})
    assert base(message, covered).decode().splitlines()[1:4] == [
        '"@method": POST',
        '"@path": /foo',
        '"@authority": example.com',
    ]
    expected = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    assert sign(message, KEY, covered, "sig-b26")[1] == ("signature", f"sig-b26=:{expected}:")


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_web_bot_auth(name: str) -> None:
    message = vector(name)
    signed = verify(message, KEYS, now=NOW, longest=1e10)
    assert (signed.keyid, signed.nonce) == (VECTORS[name][2], VECTORS[name][4])
    assert signed.agent == ("https://signature-agent.test" if "agent" in name else "")
    assert agent_of(message) == signed.agent
    elsewhere = Message("GET", URL.replace("example.com", "evil.example"), message.headers)
    assert reason(lambda: verify(elsewhere, KEYS, now=NOW, longest=1e10)) == "signature-wrong"


def test_the_vector_of_a_directory() -> None:
    asked = Message("GET", "https://signature-agent.test/.well-known/http-message-signatures-directory")
    covered = (
        '("@authority";req "content-digest");created=1735689600;keyid="' + KEYID + '";alg="ed25519";expires=4889289600'
        ';tag="http-message-signatures-directory"'
    )
    signature = "yiHq0TXrbpzbmlttAQMpYoAufitFJUWuNsakB7QQMoN0EHbo5o51bZRVR8az/ptTWCwllix9clrKXfGKwdPzBg=="
    headers = [
        ("content-digest", "sha-256=:CADMT2aBdV/rqQr/NIru64ERQkCobVvllA4V0fLFDu0=:"),
        ("signature-input", f"binding0={covered}"),
        ("signature", f"binding0=:{signature}:"),
    ]
    answer = Message("GET", asked.url, headers, asked)
    assert verify(answer, KEYS, now=NOW, longest=1e10, tag=DIRECTORY_TAG).keyid == KEYID
    other = Message("GET", asked.url, [("content-digest", "sha-256=:AAAA:"), *headers[1:]], asked)
    assert reason(lambda: verify(other, KEYS, now=NOW, longest=1e10, tag=DIRECTORY_TAG)) == "signature-wrong"


def own(**changed: object) -> Message:
    told = {"now": NOW, "life": 300, "nonce": "n", **changed}
    headers = bot_headers("GET", URL, KEY, KEYID, "https://chat.example.com", **told)  # type: ignore[arg-type]
    return Message("GET", URL, headers)


def test_what_we_send_verifies_for_its_time() -> None:
    signed = verify(own(), KEYS, now=NOW)
    assert (signed.agent, signed.created, signed.expires) == ("https://chat.example.com", int(NOW), int(NOW) + 300)
    assert reason(lambda: verify(own(), KEYS, now=NOW + 300)) == "signature-time"
    assert reason(lambda: verify(own(), KEYS, now=NOW - 61)) == "signature-time"
    assert reason(lambda: verify(own(life=int(LONGEST) + 1), KEYS, now=NOW)) == "signature-time"
    assert reason(lambda: verify(own(), {}, now=NOW)) == "signature-key-unknown"
    assert reason(lambda: verify(own(), {KEYID: RSA}, now=NOW)) == "signature-wrong"


def altered(change: Callable[[str], str], field: str = "signature-input") -> Message:
    return Message("GET", URL, [(name, change(value) if name == field else value) for name, value in own().headers])


ATTACKS = {
    "another agent": (altered(lambda text: text.replace("chat.", "evil."), "signature-agent"), "signature-wrong"),
    "no agent": (altered(lambda text: "other=1", "signature-agent"), "signature-coverage"),
    "agent not covered": (
        altered(lambda text: text.replace(' "signature-agent";key="chatward"', "")),
        "signature-coverage",
    ),
    "nothing covered": (altered(lambda text: "chatward=()" + text.partition(")")[2]), "signature-coverage"),
    "covered twice": (altered(lambda text: text.replace('("@a', '("@authority" "@a')), "signature-malformed"),
    "a field that is not there": (altered(lambda text: text.replace('("@a', '("x-more" "@a')), "signature-coverage"),
    "a component nobody knows": (altered(lambda text: text.replace('("@a', '("@status" "@a')), "signature-malformed"),
    "a parameter nobody knows": (
        altered(lambda text: text.replace('"@authority"', '"@authority";tr')),
        "signature-malformed",
    ),
    "of a request that is none": (
        altered(lambda text: text.replace('"@authority"', '"@authority";req')),
        "signature-coverage",
    ),
    "longer": (altered(lambda text: text.replace("expires=1735690000", "expires=1735690001")), "signature-wrong"),
    "no end": (altered(lambda text: text.replace(";expires=1735690000", "")), "signature-malformed"),
    "time as text": (altered(lambda text: text.replace("created=1735689700", 'created="1"')), "signature-malformed"),
    "another tag": (altered(lambda text: text.replace(TAG, "other")), "signature-missing"),
    "another algorithm": (altered(lambda text: text.replace('"ed25519"', '"hmac-sha256"')), "signature-wrong"),
    "no signature": (altered(lambda text: "other=:AAAA:", "signature"), "signature-malformed"),
    "not a field": (altered(lambda text: text + ","), "signature-malformed"),
    "a label twice": (altered(lambda text: f"{text}, {text}"), "signature-malformed"),
    "signature cut": (altered(lambda text: text.replace("=:", "=:AAAA"), "signature"), "signature-malformed"),
    "unsigned": (Message("GET", URL), "signature-missing"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_refused(name: str) -> None:
    message, expected = ATTACKS[name]
    assert reason(lambda: verify(message, KEYS, now=NOW)) == expected


def test_an_agent_as_one_string() -> None:
    sent = ("signature-agent", '"https://chat.example.com"')
    parameters = {"created": int(NOW), "keyid": KEYID, "expires": int(NOW) + 60, "tag": TAG}
    covered = InnerList((Item("@authority"), Item("signature-agent")), parameters)
    message = Message("GET", URL, (sent, *sign(Message("GET", URL, (sent,)), KEY, covered)))
    assert verify(message, KEYS, now=NOW).agent == "https://chat.example.com"


VALUES = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12),
    st.integers(-(10**15) + 1, 10**15 - 1), st.booleans(), st.binary(max_size=12),
)  # fmt: skip
NAMES = st.from_regex(r"\A[a-z*][a-z0-9_.*-]{0,6}\Z")
PARAMETERS = st.dictionaries(NAMES, VALUES, max_size=3)
ITEMS = st.builds(Item, VALUES, PARAMETERS)
MEMBERS = st.one_of(
    ITEMS.filter(lambda one: one.value is not True),
    st.builds(InnerList, st.lists(ITEMS, max_size=3).map(tuple), PARAMETERS),
)


@given(st.dictionaries(NAMES, MEMBERS, min_size=1, max_size=4))
def test_what_is_written_reads_back(members: dict[str, Item | InnerList]) -> None:
    assert dictionary(written(members)) == members


@given(ITEMS)
def test_one_value_reads_back(one: Item) -> None:
    assert item(str(one)) == one


@given(st.text(alphabet='ab="\\:;,()?10 -.\t', max_size=30))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    try:
        members = dictionary(text)
    except ValueError:
        return
    if members:
        assert dictionary(written(members)) == members


def test_sizes_and_letters() -> None:
    for text in (
        'a="é"',
        "a=1.5",
        "a=tok",
        "a=:====:",
        "A=1",
        "a=1;b=1;b=2",
        "a=(1 2",
        "a=(1,2)",
        "a=" + "1" * 16,
        "a" * 9000,
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            dictionary(text)
    assert base64.b64decode("AA==") == dictionary("a=:AA==:")["a"].value  # type: ignore[union-attr]
