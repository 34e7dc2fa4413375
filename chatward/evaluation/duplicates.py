"""Near-duplicates, so that a test row's twin is never in training.

The rules: two texts are twins if

1. they are equal once normalised (compatibility forms, case, punctuation, symbols and blanks do not count), or
2. the sets of their token pairs have a Jaccard similarity of at least ``threshold``, or
3. they share a run of ``run`` tokens, which finds a template inside a longer text.

Runs that mostly repeat one token ("@user @user ...") say nothing and do not count.

A token is a word, or one character in scripts written without blanks (Han, kana, Thai, Lao, Khmer, Burmese, Tibetan);
a run among such characters is twice as long. A text of one token is its own only shingle.

Pairs of rule 2 are found by MinHash and locality-sensitive hashing (A. Broder 1997; P. Indyk and R. Motwani 1998) and
then checked exactly, so what is called a twin is one, and what is found is nearly all: with 32 bands of 4 hashes a pair
at similarity 0.6 is proposed with probability 0.99, at 0.8 with 1 - 5e-8. In a bucket of more than ``_ALL_PAIRS`` texts
not every pair is compared, which costs little as groups are closed under chains. Everything is a function of the
texts alone: no seed of the process, no clock.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Indexes = NDArray[np.int64]
Mask = NDArray[np.bool_]

THRESHOLD: Final = 0.6
RUN: Final = 12
_BANDS: Final = 32
_BAND: Final = 4
_ALL_PAIRS: Final = 8
_PARTNERS: Final = 16
_MARGIN: Final = 0.25
"""How far below the threshold an estimate from 128 hashes may lie (five standard errors and more) and be checked."""
_CHUNK: Final = 1 << 22
_NO_BLANKS: Final = (
    (0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
_SCRAMBLE: Final = np.uint64(0x9E3779B97F4A7C15)


class _Table(dict[int, str | int]):
    """``str.translate`` table, filled as characters come: letters stay, marks stay, the rest parts words."""

    def __missing__(self, code: int) -> str | int:
        character = chr(code)
        kind = unicodedata.category(character)
        given: str | int = code
        if kind == "Cf":
            given = ""
        elif kind[0] in "PSZC":
            given = " "
        elif any(first <= code <= last for first, last in _NO_BLANKS):
            given = f" {character} "
        self[code] = given
        return given


_TABLE: Final = _Table()


def normalise(text: str) -> str:
    """The text as tokens with one blank between: what rule 1 compares. A text without letters is kept as it is."""
    tokens = unicodedata.normalize("NFKC", text).casefold().translate(_TABLE).split()
    return " ".join(tokens) if tokens else text.strip()


def groups(texts: Sequence[str], *, threshold: float = THRESHOLD, run: int = RUN) -> Indexes:
    """A group number for each text: the index of the group's first row. Twins, and twins of twins, share one.

    ``run=0`` leaves rule 3 out. Raises ``ValueError`` for a threshold outside (0, 1].
    """
    _check(threshold, run)
    first, member = _distinct(texts)
    shingled = _Shingles.of([texts[index] for index in first], run)
    edges = [_bucket_pairs(keys) for keys in _band_keys(shingled.signatures)]
    near = _verified(shingled, _unique_pairs(edges), threshold)
    linked = np.concatenate((near, _chain(shingled.runs, shingled.run_owner)))
    component = _components(len(first), linked)
    return np.asarray(first, dtype=np.int64)[component[member]]


def twins(
    train_texts: Sequence[str], test_texts: Sequence[str], *, threshold: float = THRESHOLD, run: int = RUN
) -> Mask:
    """True for each test text that has a twin among the training texts. Raises as ``groups`` does."""
    near, shared = kinship(train_texts, test_texts, threshold=threshold, run=run)
    return near | shared


def kinship(
    train_texts: Sequence[str], test_texts: Sequence[str], *, threshold: float = THRESHOLD, run: int = RUN
) -> tuple[Mask, Mask]:
    """``twins`` by rule: those equal or alike as a whole, and those that share a run; some are both."""
    _check(threshold, run)
    known = {normalise(text) for text in train_texts}
    seen = [normalise(text) for text in test_texts]
    mask = np.fromiter((text in known for text in seen), dtype=np.bool_, count=len(seen))
    left = list(dict.fromkeys(text for text in seen if text not in known))
    if not left or not known:
        return mask, np.zeros(len(seen), dtype=np.bool_)
    shingled = _Shingles.of([*sorted(known), *left], run)
    border = len(known)
    proposed = [_across(keys, border) for keys in _band_keys(shingled.signatures)]
    near = _verified(shingled, _unique_pairs(proposed), threshold)
    found = np.zeros(len(shingled.starts), dtype=np.bool_)
    found[near[:, 1]] = True
    of_train = shingled.run_owner < border
    passages = np.zeros(len(shingled.starts), dtype=np.bool_)
    passages[shingled.run_owner[~of_train][np.isin(shingled.runs[~of_train], shingled.runs[of_train])]] = True
    return mask | _of(seen, left, found[border:]), _of(seen, left, passages[border:])


def split(ids: Indexes, shares: Mapping[str, float], *, seed: int = 0) -> NDArray[np.str_]:
    """The part of each row, whole groups at a time; the sizes come as near to ``shares`` as groups allow.

    Large groups go first, each to the part that lacks most; ties by a seeded shuffle. Raises ``ValueError`` for
    no shares, or one that is not positive.
    """
    if not shares or min(shares.values()) <= 0:
        raise ValueError("shares are positive, and at least one is needed")
    names = list(shares)
    wanted = np.array(list(shares.values()), dtype=np.float64)
    lacking = wanted / wanted.sum() * len(ids)
    kinds, member, sizes = np.unique(ids, return_inverse=True, return_counts=True)
    shuffled = np.random.default_rng(seed).permutation(len(kinds))
    part = np.zeros(len(kinds), dtype=np.int64)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        chosen = int(np.argmax(lacking))
        part[group] = chosen
        lacking[chosen] -= sizes[group]
    return np.array(names)[part[member]]


def shingles_of(text: str) -> frozenset[tuple[str, ...]]:
    """The token pairs of one text: the slow definition behind ``_Shingles``, which hashes them."""
    tokens = normalise(text).split()
    if len(tokens) < 2:
        return frozenset({tuple(tokens)})
    return frozenset(pairwise(tokens))


@dataclass(frozen=True, slots=True)
class _Shingles:
    """All texts at once. ``shingles[starts[i]:starts[i] + counts[i]]`` are the sorted, distinct shingles of text i."""

    shingles: Hashes
    starts: Indexes
    counts: Indexes
    signatures: NDArray[np.uint32]  # (hashes, texts)
    runs: Hashes
    run_owner: Indexes

    @classmethod
    def of(cls, texts: Sequence[str], run: int) -> _Shingles:
        tokens, lengths, blankless = _tokens(texts)
        ends = np.cumsum(lengths)
        owner = np.repeat(np.arange(len(texts)), lengths)
        pairs = _windows(tokens, owner, 2)
        single = lengths == 1
        shingles = np.concatenate((pairs[0], tokens[ends[single] - 1]))
        owners = np.concatenate((pairs[1], np.flatnonzero(single)))
        shingles, owners = _distinct_pairs(shingles, owners)
        counts = np.bincount(owners, minlength=len(texts)).astype(np.int64)
        starts = np.cumsum(counts) - counts
        runs, run_owner = _runs(tokens, owner, blankless, run)
        return cls(shingles, starts, counts, _signatures(shingles, starts), runs, run_owner)


def _of(seen: Sequence[str], left: Sequence[str], hits: Mask) -> Mask:
    """The hits of distinct texts, for each text that was seen."""
    caught = {text for text, hit in zip(left, hits.tolist(), strict=True) if hit}
    return np.fromiter((text in caught for text in seen), dtype=np.bool_, count=len(seen))


def _check(threshold: float, run: int) -> None:
    if not 0 < threshold <= 1:
        raise ValueError("a threshold lies above 0 and is at most 1")
    if run < 0 or run == 1:
        raise ValueError("a run has at least two tokens; 0 leaves runs out")


def _distinct(texts: Sequence[str]) -> tuple[list[int], Indexes]:
    """The index of the first text of each normalised form, and the form of each text."""
    number: dict[str, int] = {}
    first: list[int] = []
    member = np.empty(len(texts), dtype=np.int64)
    for index, text in enumerate(texts):
        form = number.setdefault(normalise(text), len(first))
        if form == len(first):
            first.append(index)
        member[index] = form
    return first, member


def _tokens(texts: Sequence[str]) -> tuple[Hashes, Indexes, Mask]:
    """Hashes of all tokens, how many each text has (one at least), and which texts are mostly without blanks."""
    number: dict[str, int] = {}
    flat: list[int] = []
    lengths = np.empty(len(texts), dtype=np.int64)
    blankless = np.zeros(len(texts), dtype=np.bool_)
    for index, text in enumerate(texts):
        tokens = normalise(text).split() or [""]
        flat.extend(number.setdefault(token, len(number)) for token in tokens)
        lengths[index] = len(tokens)
        blankless[index] = 2 * sum(len(token) == 1 and ord(token) >= 0x0E00 for token in tokens) > len(tokens)
    hashes = np.frombuffer(b"".join(_digests(number)), dtype="<u8").astype(np.uint64)
    return hashes[np.asarray(flat, dtype=np.int64)] if flat else np.empty(0, np.uint64), lengths, blankless


def _digests(words: Iterable[str]) -> Iterable[bytes]:
    for word in words:
        yield blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _mixed(hashes: Hashes) -> Hashes:
    """Finaliser of splitmix64 (S. Vigna, public domain): every bit of the input moves every bit of the output."""
    mixed: Hashes = hashes ^ (hashes >> np.uint64(30))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed = mixed * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _windows(tokens: Hashes, owner: Indexes, width: int) -> tuple[Hashes, Indexes]:
    """A hash of each run of ``width`` tokens inside one text, and the text."""
    if len(tokens) < width:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    count = len(tokens) - width + 1
    inside = owner[:count] == owner[width - 1 :]
    if width > 2:
        repeats = np.concatenate(([0], np.cumsum(tokens[1:] == tokens[:-1])))
        inside &= 2 * (repeats[width - 1 :] - repeats[:count]) < width
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(width):
        hashes = _mixed(hashes * _SCRAMBLE + tokens[place : place + count])
    return hashes[inside], owner[:count][inside]


def _runs(tokens: Hashes, owner: Indexes, blankless: Mask, run: int) -> tuple[Hashes, Indexes]:
    if not run:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    of_text = blankless[owner]
    words = _windows(tokens[~of_text], owner[~of_text], run)
    characters = _windows(tokens[of_text], owner[of_text], 2 * run)
    return _distinct_pairs(np.concatenate((words[0], characters[0])), np.concatenate((words[1], characters[1])))


def _distinct_pairs(hashes: Hashes, owners: Indexes) -> tuple[Hashes, Indexes]:
    """The distinct (owner, hash) pairs, by owner, then hash."""
    order = np.lexsort((hashes, owners))
    hashes, owners = hashes[order], owners[order]
    new = np.ones(len(hashes), dtype=np.bool_)
    new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return hashes[new], owners[new]


def _signatures(shingles: Hashes, starts: Indexes) -> NDArray[np.uint32]:
    """MinHash signatures: for each of 128 hash functions the least value over a text's shingles."""
    count = _BANDS * _BAND
    if not len(starts):
        return np.empty((count, 0), dtype=np.uint32)
    chance = np.random.default_rng(1)
    factors = chance.integers(1 << 63, size=count, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = chance.integers(1 << 63, size=count, dtype=np.uint64)
    signatures = np.empty((count, len(starts)), dtype=np.uint32)
    for row in range(count):
        hashed = ((shingles * factors[row] + offsets[row]) >> np.uint64(32)).astype(np.uint32)
        signatures[row] = np.minimum.reduceat(hashed, starts)
    return signatures


def _band_keys(signatures: NDArray[np.uint32]) -> Iterable[Hashes]:
    """For each band a key for each text; texts of one key share a bucket."""
    for band in range(0, _BANDS * _BAND, _BAND):
        key = np.zeros(signatures.shape[1], dtype=np.uint64)
        for row in signatures[band : band + _BAND]:
            key = _mixed(key * _SCRAMBLE + row)
        yield key


def _bucket_pairs(keys: Hashes) -> Indexes:
    """Pairs (low, high) of texts in one bucket: all within reach of ``_ALL_PAIRS``, and each with the first."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    found: list[Indexes] = []
    for step in range(1, _ALL_PAIRS):
        same = np.flatnonzero(ranked[step:] == ranked[:-step])
        if not len(same):
            break
        found.append(np.stack((order[same], order[same + step]), axis=1))
    begins = np.ones(len(ranked), dtype=np.bool_)
    begins[1:] = ranked[1:] != ranked[:-1]
    starts = np.flatnonzero(begins)
    sizes = np.diff(np.append(starts, len(ranked)))
    first = np.repeat(order[starts], sizes)
    far = np.arange(len(ranked)) - np.repeat(starts, sizes) >= _ALL_PAIRS
    found.append(np.stack((first[far], order[far]), axis=1))
    return np.concatenate(found).astype(np.int64)


def _across(keys: Hashes, border: int) -> Indexes:
    """Pairs (train, test) of one bucket; a test text meets at most ``_PARTNERS`` training texts of it."""
    order = np.argsort(keys[:border], kind="stable")
    ranked = keys[:border][order]
    left = np.searchsorted(ranked, keys[border:], side="left")
    right = np.searchsorted(ranked, keys[border:], side="right")
    reach = np.minimum(right - left, _PARTNERS)
    test = np.repeat(np.arange(len(reach)), reach)
    within = np.arange(len(test)) - np.repeat(np.cumsum(reach) - reach, reach)
    return np.stack((order[left[test] + within], test + border), axis=1).astype(np.int64)


def _unique_pairs(found: Sequence[Indexes]) -> Indexes:
    pairs = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    if not len(pairs):
        return pairs.reshape(0, 2)
    joined = np.unique(pairs[:, 0] << 32 | pairs[:, 1])
    return np.stack((joined >> 32, joined & 0xFFFFFFFF), axis=1)


def _verified(shingled: _Shingles, pairs: Indexes, threshold: float) -> Indexes:
    """The pairs whose exact Jaccard similarity reaches the threshold."""
    kept: list[Indexes] = []
    for begin in range(0, len(pairs), 1 << 17):
        some = pairs[begin : begin + (1 << 17)]
        agreeing = (shingled.signatures[:, some[:, 0]] == shingled.signatures[:, some[:, 1]]).mean(axis=0)
        some = some[agreeing >= threshold - _MARGIN]
        for chunk in _chunks(some, shingled.counts[some].sum(axis=1)):
            sizes = shingled.counts[chunk]
            common = _common(shingled, chunk)
            similar = common >= threshold * (sizes.sum(axis=1) - common)
            kept.append(chunk[similar])
    return np.concatenate(kept) if kept else np.empty((0, 2), np.int64)


def _chunks(pairs: Indexes, weights: Indexes) -> Iterable[Indexes]:
    """Slices of ``pairs`` of about ``_CHUNK`` shingles each."""
    if not len(pairs):
        return
    slot = np.cumsum(weights) // _CHUNK
    yield from np.split(pairs, np.flatnonzero(np.diff(slot)) + 1)


def _common(shingled: _Shingles, pairs: Indexes) -> Indexes:
    """How many shingles the two texts of each pair share."""
    sides = pairs.T.reshape(-1)
    counts = shingled.counts[sides]
    pair = np.repeat(np.tile(np.arange(len(pairs)), 2), counts)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    shingles = shingled.shingles[np.repeat(shingled.starts[sides], counts) + within]
    order = np.lexsort((shingles, pair))
    pair, shingles = pair[order], shingles[order]
    twice = (pair[1:] == pair[:-1]) & (shingles[1:] == shingles[:-1])
    return np.bincount(pair[1:][twice], minlength=len(pairs)).astype(np.int64)


def _chain(hashes: Hashes, owners: Indexes) -> Indexes:
    """Pairs that link all owners of one hash."""
    order = np.argsort(hashes, kind="stable")
    same = hashes[order][1:] == hashes[order][:-1]
    linked = owners[order]
    return np.stack((linked[:-1][same], linked[1:][same]), axis=1) if len(linked) else np.empty((0, 2), np.int64)


def _components(count: int, edges: Indexes) -> Indexes:
    """For each node the least node it is linked to, by any number of edges."""
    least = np.arange(count, dtype=np.int64)
    if not len(edges):
        return least
    one, other = edges[:, 0], edges[:, 1]
    while True:
        low = np.minimum(least[one], least[other])
        before = least.copy()
        for end in (one, other):
            np.minimum.at(least, least[end], low)
            np.minimum.at(least, end, low)
        while not np.array_equal(jumped := least[least], least):
            least = jumped
        if np.array_equal(before, least):
            return least
