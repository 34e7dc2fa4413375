"""Who a proxy says is asking: a table of ways to lie about it."""

from __future__ import annotations

import datetime
from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import ClientError, ConfigError
from chatward.gateway.http1_exchange import Fields
from chatward.gateway.proxies import MAX_HOPS, Peer, networks, peer, posture

PROXY = "10.0.0.7"
TRUSTED = networks(["10.0.0.0/8", "fd00::/8"])
Pairs = list[tuple[str, str]]


def fields(*pairs: tuple[str, str]) -> Fields:
    first: dict[str, str] = {}
    more = []
    for name, value in pairs:
        if name in first:
            more.append((name, value))
        else:
            first[name] = value
    return Fields(first, more)


def _der() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


DER = _der()
SHOWN = f":{b64encode(DER).decode()}:"
FOR, PROTO, CERT = "x-forwarded-for", "x-forwarded-proto", "client-cert"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], Peer(PROXY)),
        ([(FOR, "203.0.113.9")], Peer("203.0.113.9")),
        ([(FOR, "203.0.113.9"), (PROTO, "https"), (CERT, SHOWN)], Peer("203.0.113.9", "https", DER)),
        ([(FOR, "203.0.113.9, 10.1.1.1,10.2.2.2")], Peer("203.0.113.9")),
        ([(FOR, "10.1.1.1, 10.2.2.2")], Peer("10.1.1.1")),
        ([(FOR, "2001:db8::1")], Peer("2001:db8::1")),
        ([(FOR, "[2001:DB8::1]:4711")], Peer("2001:db8::1")),
        ([(FOR, "203.0.113.9:4711")], Peer("203.0.113.9")),
        ([(FOR, "::ffff:203.0.113.9")], Peer("203.0.113.9")),
        ([(FOR, "203.0.113.9, ::ffff:10.1.1.1, fd00::1")], Peer("203.0.113.9")),
        ([(PROTO, "HTTP ")], Peer(PROXY, "http")),
    ],
)
def test_a_trusted_proxy_is_believed(pairs: Pairs, expected: Peer) -> None:
    assert peer(PROXY, fields(*pairs), TRUSTED) == expected
    assert peer("::ffff:10.0.0.7", fields(*pairs), TRUSTED) == expected


@pytest.mark.parametrize(
    "pairs",
    [
        [(FOR, "127.0.0.1"), (PROTO, "https"), (CERT, SHOWN)],
        [(FOR, "127.0.0.1"), (FOR, "nonsense"), (CERT, "nonsense"), ("connection", FOR)],
    ],
)
@pytest.mark.parametrize("address", ["203.0.113.9", "11.0.0.1", "::1", "", "unix", "10.0.0.7%eth0"])
def test_from_anybody_else_these_fields_mean_nothing(address: str, pairs: Pairs) -> None:
    assert peer(address, fields(*pairs), TRUSTED) == Peer(address)
    assert peer(PROXY, fields(*pairs), ()) == Peer(PROXY), "nor where nobody is trusted"


# What a client writes itself and hopes that we take for the proxy's word. The proxy appends the true address.
@pytest.mark.parametrize(
    "written",
    [
        "127.0.0.1",
        "10.0.0.1, 10.0.0.2",
        "203.0.113.1, 10.0.0.1",
        "nonsense, <script>, ,,",
        "203.0.113.1,\t",
        "::1",
        "[::1",
        "unknown",
        "_hidden",
        ",".join(["1.1.1.1"] * (MAX_HOPS - 2)),
    ],
)
def test_what_the_client_wrote_itself_is_not_believed(written: str) -> None:
    assert peer(PROXY, fields((FOR, f"{written}, 198.51.100.4")), TRUSTED) == Peer("198.51.100.4")
    assert peer(PROXY, fields((FOR, f"{written}, 198.51.100.4, 10.9.9.9")), TRUSTED) == Peer("198.51.100.4")


@pytest.mark.parametrize(
    "pairs",
    [
        [(FOR, "203.0.113.9"), (FOR, "127.0.0.1")],
        [(PROTO, "https"), (PROTO, "http")],
        [(CERT, SHOWN), (CERT, SHOWN)],
        [(FOR, "")],
        [(FOR, "unknown")],
        [(FOR, "203.0.113.9,")],
        [(FOR, "203.0.113.9;10.0.0.1")],
        [(FOR, "203.0.113.9 10.0.0.1")],
        [(FOR, "203.0.113.256")],
        [(FOR, "0x7f.1")],
        [(FOR, "2130706433")],
        [(FOR, "010.0.0.1")],
        [(FOR, "127.1")],
        [(FOR, "fe80::1%eth0")],
        [(FOR, "[203.0.113.9")],
        [(FOR, "203.0.113.9]")],
        [(FOR, "203.0.113.9:x")],
        [(FOR, "\u0661.1.1.1")],
        [(FOR, "for=203.0.113.9")],
        [(FOR, '"203.0.113.9"')],
        [(FOR, ",".join(["10.1.1.1"] * (MAX_HOPS + 1)))],
        [(PROTO, "https,http")],
        [(PROTO, "https, https")],
        [(PROTO, "ftp")],
        [(PROTO, "")],
        [(PROTO, "https\x00")],
        [(CERT, "")],
        [(CERT, "::")],
        [(CERT, SHOWN[1:-1])],
        [(CERT, f"{SHOWN}, {SHOWN}")],
        [(CERT, f"{SHOWN};a=1")],
        [(CERT, f":{b64encode(DER[:-1]).decode()}:")],
        [(CERT, f":{b64encode(DER + b'x').decode()}:")],
        [(CERT, f":{b64encode(b'x' * 30_000).decode()}:")],
        [(CERT, "-----BEGIN CERTIFICATE-----")],
        [(CERT, ":AA-_:")],
        [(CERT, SHOWN.replace(":", ": ", 1))],
        [(FOR, "203.0.113.9"), ("connection", "close, X-Forwarded-For")],
        [(CERT, SHOWN), ("connection", "client-cert")],
        [(PROTO, "https"), ("connection", "close"), ("connection", "x-forwarded-proto")],
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(pairs: Pairs) -> None:
    with pytest.raises(ClientError) as refused:
        peer(PROXY, fields(*pairs), TRUSTED)
    assert (refused.value.status, refused.value.reason) == (400, "forwarded-invalid")


@pytest.mark.parametrize(
    "name",
    [
        "forwarded",
        "x_forwarded_for",
        "x-real-ip",
        "true-client-ip",
        "x-client-cert",
        "client-cert-chain",
        "client_cert",
    ],
)
def test_other_fields_say_nothing(name: str) -> None:
    assert peer(PROXY, fields((name, "for=127.0.0.1")), TRUSTED) == Peer(PROXY)


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "all", "0.0.0.0/0", "::/0", "10.0.0.0/33", "localhost"])
def test_networks_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(ConfigError):
        networks([text])


TEXT = st.text(st.sampled_from("0123456789abcdef.:,[]% \t\x00x/"), max_size=40)


@given(TEXT, TEXT | st.just("https"), TEXT.map(lambda text: f":{text}:"))
def test_anything_is_an_answer_or_refused(listed: str, scheme: str, certificate: str) -> None:
    try:
        found = peer(PROXY, fields((FOR, listed), (PROTO, scheme), (CERT, certificate)), TRUSTED)
    except ClientError:
        return
    assert found.scheme in {"http", "https"}


@given(st.lists(st.ip_addresses().map(str), max_size=5), st.lists(st.just("10.3.3.3") | st.just("fd00::9"), max_size=5))
def test_the_last_address_that_is_no_proxys_counts(written: list[str], hops: list[str]) -> None:
    asked = fields((FOR, ", ".join([*written, "198.51.100.4", *hops])))
    assert peer(PROXY, asked, TRUSTED).address == "198.51.100.4"


POSTURE = "x-device-posture"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], set()),
        ([""], set()),
        (["managed"], {"managed"}),
        (["disk-encrypted, managed,,os=14.2"], {"disk-encrypted", "managed", "os=14.2"}),
    ],
)
def test_a_trusted_proxy_says_how_a_device_stands(said: list[str], expected: set[str]) -> None:
    asked = fields(*((POSTURE, one) for one in said))
    assert posture(PROXY, asked, POSTURE, TRUSTED) == expected
    assert posture("203.0.113.5", asked, POSTURE, TRUSTED) == set()  # from anybody else it means nothing


@pytest.mark.parametrize(
    "pairs",
    [
        [(POSTURE, "managed"), (POSTURE, "rooted")],
        [(POSTURE, "managed"), ("connection", f"close, {POSTURE}")],
        [(POSTURE, "Managed")],
        [(POSTURE, "two words")],
        [(POSTURE, "x" * 65)],
        [(POSTURE, ",".join(f"w{number}" for number in range(33)))],
    ],
)
def test_a_posture_that_can_be_read_in_two_ways_is_refused(pairs: Pairs) -> None:
    with pytest.raises(ClientError) as caught:
        posture(PROXY, fields(*pairs), POSTURE, TRUSTED)
    assert caught.value.reason == "forwarded-invalid"
