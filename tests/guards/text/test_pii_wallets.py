"""Wallets: published vectors of each checksum, and that one changed character breaks it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.ports import RuleGuard
from chatward.guards.text.pii import PiiGuard
from chatward.guards.text.pii_wallets import base58_bytes, base58check, bech32, eip55, keccak256

Find = Callable[[RuleGuard, str], list[tuple[str, str, float]]]
GUARD = PiiGuard()
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"


def wallets(find: Find, text: str) -> list[str]:
    return [found for rule, found, confidence in find(GUARD, text) if "wallet" in rule and confidence >= 0.5]


def encoded(payload: bytes, alphabet: str = BASE58) -> str:
    data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return alphabet[0] * (len(data) - len(data.lstrip(b"\0"))) + text


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak_by_its_published_vectors(data: bytes, digest: str) -> None:
    assert keccak256(data).hex() == digest


@given(st.integers(0, 400))
def test_keccak_differs_from_sha3_by_padding_alone(size: int) -> None:
    """Both pad to whole blocks of 136 bytes, so they never agree and always have 32 bytes."""
    data = bytes(size)
    assert len(keccak256(data)) == 32
    assert keccak256(data) != hashlib.sha3_256(data).digest()


@pytest.mark.parametrize(
    "address",
    [
        "0x" + "52908400098527886E0F7030069857D2E4169EE7",
        "0x" + "de709f2102306220921060314715629080e2fb77",
        "0x" + "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x" + "fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0x" + "dbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    ],
)
def test_eip55_by_its_published_vectors(address: str, find: Find) -> None:
    assert eip55(address)
    assert wallets(find, f"send to {address}") == [address]


def test_a_changed_case_breaks_eip55(find: Find) -> None:
    assert wallets(find, "send to 0x" + "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD") == []


@given(st.sampled_from((0x00, 0x05, 0x30, 0x1E, 0x41, 0x4C)), st.binary(min_size=20, max_size=20))
def test_any_base58check_address_is_found(find: Find, version: int, digest: bytes) -> None:
    address = encoded(bytes((version,)) + digest)
    assert base58check(address) == bytes((version,)) + digest
    assert wallets(find, f"send to {address} now") == [address]
    changed = address[:-1] + BASE58[(BASE58.index(address[-1]) + 1) % 58]
    assert base58check(changed) is None
    assert wallets(find, f"send to {changed} now") == []


@given(st.binary(min_size=20, max_size=20))
def test_any_ripple_account_is_found(find: Find, digest: bytes) -> None:
    address = encoded(b"\0" + digest, RIPPLE)
    assert address in wallets(find, f"send to {address} now")


@pytest.mark.parametrize(
    "address",
    [
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",  # BIP 173
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",  # BIP 350
    ],
)
def test_bech32_by_its_published_vectors(address: str, find: Find) -> None:
    assert bech32(address)
    assert wallets(find, f"send to {address}.") == [address]
    assert wallets(find, f"send to {address[:-1]}{'q' if address[-1].lower() != 'q' else 'p'}.") == []


def test_bech32_refuses_mixed_case() -> None:
    assert not bech32("bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")


def test_cardano(find: Find) -> None:
    """The first test vector of CIP-19."""
    address = "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x"
    assert wallets(find, address) == [address]


def test_solana_needs_its_name(find: Find) -> None:
    address = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
    assert len(base58_bytes(address)) == 32
    assert wallets(find, f"my solana wallet {address}") == [address]
    assert wallets(find, f"the hash {address}") == []


def test_cash_addresses_by_their_published_vectors(find: Find) -> None:
    """Bitcoin Cash specification, "Examples of address translation"."""
    for name in (
        "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        "qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy",
        "qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r",
        "ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq",
    ):
        for address in (f"bitcoincash:{name}", name, name.upper()):
            assert wallets(find, f"send to {address} now") == [address]
        changed = name[:-1] + ("q" if name[-1] != "q" else "p")
        assert wallets(find, f"send to {changed} now") == []
        assert wallets(find, f"send to {name[:20].upper()}{name[20:]} now") == []


@pytest.mark.parametrize("protocol", [1, 2, 3])
@given(data=st.data())
def test_any_filecoin_address_is_found(find: Find, protocol: int, data: st.DataObject) -> None:
    size = 48 if protocol == 3 else 20
    payload = data.draw(st.binary(min_size=size, max_size=size))
    digest = hashlib.blake2b(bytes((protocol,)) + payload, digest_size=4).digest()
    address = f"f{protocol}" + base64.b32encode(payload + digest).decode().rstrip("=").lower()
    assert wallets(find, f"send to {address} now") == [address]
    changed = address[:10] + ("a" if address[10] != "a" else "b") + address[11:]
    assert wallets(find, f"send to {changed} now") == []


@pytest.mark.parametrize(
    "address",
    [
        "f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy",  # the specification's own
        "f3vvmn62lofvhjd2ugzca6sof2j2ubwok6cj4xxbfzz4yuxfkgobpihhd2thlanmsh3w2ptld2gqkn2jvlss4a",
    ],
)
def test_addresses_as_published(find: Find, address: str) -> None:
    assert wallets(find, f"send to {address} now") == [address]
