"""A second reading of the standards, apart from the product: trees, proofs, signatures, notes and bundles.

Written from RFC 9162 (section 2.1), RFC 8032 (section 5.1), C2SP signed-note, tlog-checkpoint and tlog-cosignature, and
from the form of a bundle in docs/ledger.md. Imports nothing of Chatward. Follows the definitions word by word, by
recursion, and is as slow as that is; the product's code is iterative. What both agree on is hard to get wrong twice.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# --- RFC 9162, section 2.1 ------------------------------------------------------------------------------


def power_below(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(data: list[bytes]) -> bytes:
    """2.1.1"""
    n = len(data)
    if n == 0:
        return sha256(b"")
    if n == 1:
        return sha256(b"\x00" + data[0])
    k = power_below(n)
    return sha256(b"\x01" + mth(data[:k]) + mth(data[k:]))


def path(m: int, data: list[bytes]) -> list[bytes]:
    """PATH(m, D_n), 2.1.3.1"""
    n = len(data)
    if n == 1:
        return []
    k = power_below(n)
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def proof(m: int, data: list[bytes]) -> list[bytes]:
    """PROOF(m, D_n), 2.1.4.1"""
    return subproof(m, data, True)


def subproof(m: int, data: list[bytes], b: bool) -> list[bytes]:
    n = len(data)
    if m == n:
        return [] if b else [mth(data)]
    k = power_below(n)
    if m <= k:
        return [*subproof(m, data[:k], b), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def root_from_path(leaf: bytes, m: int, n: int, hashes: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to, by undoing PATH; ``None`` where its length does not fit."""
    if n == 1:
        return leaf if not hashes else None
    if not hashes:
        return None
    k = power_below(n)
    if m < k:
        left = root_from_path(leaf, m, k, hashes[:-1])
        return None if left is None else sha256(b"\x01" + left + hashes[-1])
    right = root_from_path(leaf, m - k, n - k, hashes[:-1])
    return None if right is None else sha256(b"\x01" + hashes[-1] + right)


def roots_from_proof(
    m: int, n: int, hashes: list[bytes], old_root: bytes, b: bool = True
) -> tuple[bytes, bytes] | None:
    """The roots of the old and the new tree that a consistency proof leads to, by undoing SUBPROOF."""
    if m == n:
        if b:
            return (old_root, old_root) if not hashes else None
        return (hashes[0], hashes[0]) if len(hashes) == 1 else None
    if not hashes:
        return None
    k = power_below(n)
    if m <= k:
        inner = roots_from_proof(m, k, hashes[:-1], old_root, b)
        return None if inner is None else (inner[0], sha256(b"\x01" + inner[1] + hashes[-1]))
    inner = roots_from_proof(m - k, n - k, hashes[:-1], old_root, False)
    if inner is None:
        return None
    return sha256(b"\x01" + hashes[-1] + inner[0]), sha256(b"\x01" + hashes[-1] + inner[1])


def included(leaf_data: bytes, m: int, n: int, hashes: list[bytes], root: bytes) -> bool:
    return 0 <= m < n and root_from_path(sha256(b"\x00" + leaf_data), m, n, hashes) == root


def consistent(m: int, n: int, old_root: bytes, new_root: bytes, hashes: list[bytes]) -> bool:
    return 0 < m <= n and roots_from_proof(m, n, hashes, old_root) == (old_root, new_root)


# --- RFC 8032, section 5.1 (verification only) ---------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]


def add(p: Point, q: Point) -> Point:
    """5.1.4"""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(s: int, p: Point) -> Point:
    q: Point = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = add(q, p)
        p = add(p, p)
        s >>= 1
    return q


def point(encoded: bytes) -> Point | None:
    """5.1.3"""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = point(BASE_Y.to_bytes(32, "little"))


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """5.1.7"""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point(public), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or BASE is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- notes ----------------------------------------------------------------------------------------------


def read_vkey(vkey: str) -> tuple[str, bytes, int, bytes]:
    name, number, encoded = vkey.split("+", 2)
    raw = base64.b64decode(encoded)
    assert hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == number
    return name, bytes.fromhex(number), raw[0], raw[1:]


def signed_by(note: str, vkey: str) -> bool:
    """Whether a key signed a note."""
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    name, number, kind, public = read_vkey(vkey)
    for line in lines.split("\n")[:-1]:
        dash, its_name, value = line.split(" ")
        raw = base64.b64decode(value)
        if (dash, its_name, raw[:4]) != ("\u2014", name, number):
            continue
        if kind == 1:
            return ed25519(public, text.encode(), raw[4:])
        assert kind == 4
        time = int.from_bytes(raw[4:12], "big")
        return ed25519(public, f"cosignature/v1\ntime {time}\n{text}".encode(), raw[12:])
    return False


def read_checkpoint(note: str) -> tuple[str, int, bytes]:
    origin, size, root = note.split("\n")[:3]
    return origin, int(size), base64.b64decode(root)


# --- bundles --------------------------------------------------------------------------------------------


def proven(bundle: str, vkey: str) -> list[dict[str, Any]] | None:
    """The entries of a bundle if it holds, else ``None``."""
    told = json.loads(bundle)
    assert told["format"] == "chatward-ledger-proof/1"
    digest = bytes.fromhex(told["previous"])
    for entry in told["entries"]:
        lines = [str(entry["seq"]), str(entry["at"]), entry["event"], entry["exchange"], entry["fields"]]
        digest = sha256(digest + "\n".join(lines).encode())
    _, size, root = read_checkpoint(told["checkpoint"])
    last = told["entries"][-1]["seq"]
    hashes = [bytes.fromhex(one) for one in told["inclusion"]]
    if not included(digest, last - 1, size, hashes, root) or not signed_by(told["checkpoint"], vkey):
        return None
    return list(told["entries"])
