"""Addresses of crypto wallets.

The rule: an address proves itself by its own checksum (base58check, bech32 and bech32m of BIP 173 and BIP 350,
CashAddr, EIP-55). Addresses without one (Solana, Ethereum in one case) need their name or their prefix.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category, Severity
from chatward.guards.text.pii_words import LEFT, RIGHT, mentions

_BITCOIN: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_WORDS: Final = (
    "solana, sol, phantom, wallet*, crypto*, address*, adresse*, dirección, кошел*, 钱包, ウォレット, deposit*"
)


def base58_bytes(text: str, alphabet: str = _BITCOIN) -> bytes:
    """The bytes that base58 ``text`` stands for."""
    number = 0
    for char in text:
        number = number * 58 + alphabet.index(char)
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes(len(text) - len(text.lstrip(alphabet[0]))) + body


def base58check(text: str, alphabet: str = _BITCOIN) -> bytes | None:
    """The payload, version byte first, or ``None`` where the checksum does not hold."""
    data = base58_bytes(text, alphabet)
    if len(data) != 25:
        return None
    digest = hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()
    return data[:-4] if digest[:4] == data[-4:] else None


def bech32(text: str) -> bool:
    """True where the checksum of BIP 173 or BIP 350 holds."""
    lower = text.lower()
    if text not in (lower, text.upper()):
        return False
    prefix, _, data = lower.rpartition("1")
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + [_BECH32.index(c) for c in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check in (1, 0x2BC830A3)


_ROUNDS: Final = 24
_LANE: Final = (1 << 64) - 1


def _round_constants() -> tuple[int, ...]:
    """The iota constants, from the LFSR of FIPS 202 section 3.2.5."""
    constants, state = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            if state & 1:
                constant |= 1 << ((1 << power) - 1)
            state = state << 1 ^ (0x171 if state & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


def _rotate(lane: int, by: int) -> int:
    by %= 64
    return (lane << by | lane >> (64 - by)) & _LANE


def _permute(lanes: list[list[int]]) -> list[list[int]]:
    """Keccak-f[1600] (FIPS 202 section 3.3); ``lanes[x][y]``."""
    for constant in _round_constants():
        parity = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        theta = [parity[(x + 4) % 5] ^ _rotate(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lanes[x][y] ^ theta[x] for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _rotate(current, (step + 1) * (step + 2) // 2)
        lanes = [
            [lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & lanes[(x + 2) % 5][y]) & _LANE for y in range(5)] for x in range(5)
        ]
        lanes[0][0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """Keccak-256 with the padding from before FIPS 202, as Ethereum uses it; hashlib has only SHA-3's."""
    rate = 136
    padded = data + b"\x01" + bytes(-(len(data) + 1) % rate)
    padded = padded[:-1] + bytes((padded[-1] | 0x80,))
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for index in range(rate // 8):
            word = int.from_bytes(padded[start + 8 * index : start + 8 * index + 8], "little")
            lanes[index % 5][index // 5] ^= word
        lanes = _permute(lanes)
    return b"".join(lanes[index % 5][index // 5].to_bytes(8, "little") for index in range(4))


def eip55(address: str) -> bool:
    """True where the case of the letters of ``0x...`` is the checksum of EIP-55."""
    digits = address[2:]
    digest = keccak256(digits.lower().encode()).hex()
    pairs = zip(digits, digest, strict=False)
    return all(char.isdigit() or char.isupper() == (int(nibble, 16) >= 8) for char, nibble in pairs)


def _bitcoin(text: str, before: str) -> float | None:
    """Bitcoin (1, 3), Litecoin (L, M), Dogecoin (D), Tron (T), Dash (X), Zcash is longer: version byte checked."""
    payload = base58check(text)
    if payload is None:
        return None
    return 0.95 if payload[0] in {0x00, 0x05, 0x1E, 0x16, 0x30, 0x32, 0x41, 0x4C, 0x10} else None


def _ripple(text: str, before: str) -> float | None:
    payload = base58check(text, _RIPPLE)
    return 0.95 if payload is not None and payload[0] == 0 else None


def _segwit(text: str, before: str) -> float | None:
    return 0.95 if bech32(text) else None


def _cash(text: str, before: str) -> float | None:
    """CashAddr (Bitcoin Cash specification, "spec/cashaddr"): a BCH code over the prefix, which may be left out."""
    lower = text.lower()
    if text not in (lower, text.upper()):
        return None
    prefix, _, data = lower.rpartition(":")
    check = 1
    values = [ord(char) & 31 for char in prefix or "bitcoincash"] + [0] + [_BECH32.index(char) for char in data]
    for value in values:
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)):
            check ^= generator if top >> bit & 1 else 0
    return 0.95 if check == 1 else None


def _filecoin(text: str, before: str) -> float | None:
    """Filecoin specification, "Address": base32 of the payload and four bytes of BLAKE2b over protocol and payload."""
    body = text[2:].upper()
    data = base64.b32decode(body + "=" * (-len(body) % 8))
    digest = hashlib.blake2b(bytes((int(text[1]),)) + data[:-4], digest_size=4).digest()
    return 0.95 if digest == data[-4:] else None


def _ethereum(text: str, before: str) -> float | None:
    digits = text[2:]
    if len(set(digits.lower())) < 6:  # the zero address, burn addresses, precompiles
        return None
    if digits in (digits.lower(), digits.upper()):
        return 0.7
    return 0.95 if eip55(text) else None


def _solana(text: str, before: str) -> float | None:
    if len(base58_bytes(text)) != 32 or not mentions(_WORDS, before):
        return None
    return 0.7


def _tezos(text: str, before: str) -> float | None:
    """Zcash (two bytes of version) and Tezos (three)."""
    data = base58_bytes(text)
    digest = hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()
    return 0.95 if len(data) in {26, 27} and digest[:4] == data[-4:] else None


def _monero(text: str, before: str) -> float | None:
    """Base58 by blocks of eleven characters (eight bytes), the last of seven (five bytes); Keccak-256 is the check."""
    blocks = [text[at : at + 11] for at in range(0, len(text), 11)]
    sizes = [8] * (len(blocks) - 1) + [5]
    try:
        data = b"".join(
            sum(_BITCOIN.index(char) * 58**at for at, char in enumerate(reversed(block))).to_bytes(size, "big")
            for block, size in zip(blocks, sizes, strict=True)
        )
    except OverflowError:
        return None
    return 0.95 if keccak256(data[:-4])[:4] == data[-4:] else None


def _polkadot(text: str, before: str) -> float | None:
    """SS58: one byte of network, 32 of account, two of BLAKE2b."""
    data = base58_bytes(text)
    digest = hashlib.blake2b(b"SS58PRE" + data[:-2]).digest()
    return 0.95 if len(data) == 35 and digest[:2] == data[-2:] else None


def _stellar(text: str, before: str) -> float | None:
    """SEP-23: base32 with CRC-16 (XMODEM), low byte first."""
    data = base64.b32decode(text)
    return 0.95 if binascii.crc_hqx(data[:-2], 0) == int.from_bytes(data[-2:], "little") else None


def _ton(text: str, before: str) -> float | None:
    """TEP-2: 36 bytes, the last two a CRC-16 (XMODEM)."""
    data = base64.urlsafe_b64decode(text)
    return 0.95 if binascii.crc_hqx(data[:-2], 0) == int.from_bytes(data[-2:], "big") else None


def _wallet(name: str, pattern: str, summary: str, validate: object) -> Rule:
    assert callable(validate)
    return Rule(
        id=f"text.pii/{name}",
        pattern=f"{LEFT}{pattern}{RIGHT}",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.95,
        summary=summary,
        entity="WALLET",
        validate=validate,
    )


RULES: Final = (
    _wallet("wallet-base58", "[13LMDTX][1-9A-HJ-NP-Za-km-z]{25,34}", "Bitcoin and kin (base58check)", _bitcoin),
    _wallet("wallet-ripple", f"r[{_RIPPLE}]{{24,34}}", "XRP Ledger account (base58check)", _ripple),
    _wallet(
        "wallet-segwit",
        f"(?:(?:bc|ltc|tb)1[{_BECH32}]{{11,71}}|(?:BC|LTC|TB)1[{_BECH32.upper()}]{{11,71}})",
        "Bitcoin and Litecoin segwit address (bech32, bech32m)",
        _segwit,
    ),
    _wallet(
        "wallet-cash",
        f"(?:(?:bitcoincash:)?[qp][{_BECH32}]{{41}}|(?:BITCOINCASH:)?[QP][{_BECH32.upper()}]{{41}})",
        "Bitcoin Cash address (CashAddr)",
        _cash,
    ),
    _wallet("wallet-filecoin", "f(?:[12][a-z2-7]{39}|3[a-z2-7]{84})", "Filecoin address (BLAKE2b)", _filecoin),
    _wallet("wallet-zcash", f"(?:zs1[{_BECH32}]{{75}}|u1[{_BECH32}]{{100,300}})", "Zcash shielded address", _segwit),
    _wallet("wallet-cardano", f"addr1[{_BECH32}]{{50,110}}", "Cardano address (bech32)", _segwit),
    _wallet("wallet-ethereum", "0x[0-9A-Fa-f]{40}", "Ethereum address (EIP-55 where in mixed case)", _ethereum),
    _wallet(
        "wallet-cosmos",
        f"(?:X-|P-)?(?:cosmos|osmo|juno|inj|terra|kava|secret|akash|celestia|sei|dydx|thor|bnb|avax|one|erd)"
        f"1[{_BECH32}]{{38,62}}",
        "Cosmos, Avalanche and kin (bech32)",
        lambda text, before: _segwit(text.removeprefix("X-").removeprefix("P-"), before),
    ),
    _wallet("wallet-tezos", "t[1z][1-9A-HJ-NP-Za-km-z]{33,34}", "Zcash and Tezos address (base58check)", _tezos),
    _wallet("wallet-monero", "[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}", "Monero address (Keccak-256)", _monero),
    _wallet("wallet-polkadot", "[1-9A-HJ-NP-Za-km-z]{47,48}", "Polkadot and kin (SS58)", _polkadot),
    _wallet("wallet-stellar", "G[A-Z2-7]{55}", "Stellar account (CRC-16)", _stellar),
    _wallet("wallet-ton", "[EUk0]Q[A-Za-z0-9_-]{46}", "TON address (CRC-16)", _ton),
    _wallet("wallet-solana", "[1-9A-HJ-NP-Za-km-z]{43,44}", "Solana address with its name", _solana),
)
