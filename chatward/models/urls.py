"""What the letters of a URL say about it: a linear model over hashed pieces of its parts, in numpy.

The rule: the model sees the parts of one parsed URL and nothing else: no network, no page. Its pieces are n-grams of
the name that was registered and of the subdomain, words of host, path and query, the suffix, shapes (lengths, digits,
hyphens, depth) in steps, brands that the host does not belong to, and whether very many people visit the registered
name. Each piece hashes to a weight by itself, and to one for its *kind* of host (a host of many, a well-known one,
...), as in Daumé 2007; weights are 8-bit with one scale. The scheme and a leading ``www.`` are left out: they say
more about who made a list than about what is in it.

Which names are well known is a Bloom filter (1970) over public lists of popular sites: about one in two hundred other
names passes for one. It is evidence beside the rest and never a pass, and hosts that strangers share are never in it.

The score is calibrated: 0.5 is what about one in a thousand ordinary links exceeds (``urls.json``). Trained by
``chatward.models.training.urls``.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from zlib import adler32, crc32

import numpy as np
from numpy.typing import NDArray

from chatward.core.addresses import Address, HostKind, unicode_host
from chatward.core.brands import AUTH_WORDS, brands
from chatward.core.hosts import SHORTENERS, Host, path_shared, split
from chatward.models.store import ModelFiles

HALF: Final = 1 << 19
BUCKETS: Final = 2 * HALF
"""The first half: pieces by themselves; the second: pieces with their kind of host."""
LONGEST: Final = 240
"""Code points of path and query that are looked at."""
KINDS: Final = ("share", "path", "bare", "deep", "known")
_KIND_SEEDS: Final = tuple(map(np.uint32, (0x1234567, 0x89ABCDE, 0x7654321, 0x2468ACE, 0x13579BD)))
_LOW: Final = HALF - 1
_LOW_BITS, _UPPER, _SPREAD, _SHIFT = map(np.uint32, (_LOW, HALF, 0x9E3779B1, 13))

_WORDS: Final = re.compile(r"[a-z]+|[^\W\da-z_]+|\d+")
_VOWELS: Final = frozenset("aeiouy")
_CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]+")
_HEX: Final = re.compile(r"[0-9a-f]{8,}")
_STEPS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 24, 30, 40, 60, 100, 200)


def _step(value: int) -> int:
    return bisect_left(_STEPS, value)


def _grams(space: str, text: str, sizes: Sequence[int]) -> list[int]:
    """The CRC-32 of every n-gram of a framed text, each with its space in front of it."""
    framed = f"^{text}$"
    start = crc32(space.encode())
    if not framed.isascii():
        pieces = [framed[at : at + size] for size in sizes for at in range(len(framed) - size + 1)]
        return [crc32(piece.encode("utf-8", "surrogatepass"), start) for piece in pieces]
    data = framed.encode()
    return [crc32(data[at : at + size], start) for size in sizes for at in range(len(data) - size + 1)]


def _entropy(text: str) -> float:
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def _shape(text: str) -> str:
    """Length, digits, hyphens and how it sounds, in steps."""
    digits = sum(map(str.isdigit, text))
    letters = sum(map(str.isalpha, text))
    vowels = sum(map(_VOWELS.__contains__, text))
    run = max(map(len, _CONSONANTS.findall(text)), default=0)
    sound = "-" if letters < 4 else str(min(4, vowels * 8 // letters))
    return f"{_step(len(text))}.{min(digits, 6)}.{min(text.count('-'), 4)}.{sound}.{min(run, 7)}"


@cache
def _names() -> re.Pattern[str]:
    """The brands that are no ordinary words, as one pattern."""
    known = [re.escape(brand.name) for brand in brands().long.values() if not brand.word]
    return re.compile("|".join(known))


@dataclass(frozen=True, slots=True)
class _Parts:
    """A URL, cut. ``known`` is how well known the registered name is: 0, 1 or 2."""

    address: Address
    host: str
    parts: Host
    known: int

    @property
    def bare(self) -> bool:
        address = self.address
        return len(address.path) <= 1 and not address.query and not address.fragment

    @property
    def kind(self) -> int:
        """The place in ``KINDS``."""
        if self.parts.shared:
            return 0
        if path_shared(self.host):
            return 1
        return 4 if self.known else 2 if self.bare else 3


def _of_host(cut: _Parts) -> Iterator[str]:
    host, parts = cut.host, cut.parts
    name, suffix = parts.name, parts.suffix
    shown = unicode_host(name) if "xn--" in name else name
    group = ("share", "share", "own", "own", "own")[cut.kind] if host not in SHORTENERS else "short"
    bare = "bare" if cut.bare else "deep"
    yield f"b:{group}.{bare}"
    yield f"r:{cut.known}"
    yield f"r:{cut.known}.{bare}"
    yield f"r:{cut.known}.{suffix}"
    yield f"r:{cut.known}.{int(bool(parts.subdomain))}.{bare}"
    if cut.address.kind is not HostKind.DOMAIN or not name:
        yield f"h:{cut.address.kind.value}"
    else:
        yield f"s:{suffix}"
        yield f"s:{suffix}.{bare}"
        yield f"d:{parts.registered}"
        shape = _shape(name)
        yield f"z:{shape}"
        for place, value in enumerate(shape.split(".")):
            yield f"z{place}:{value}"
            yield f"z{place}:{value}.{suffix}"
            yield f"z{place}:{value}.{group}.{bare}"
        yield f"ze:{int(_entropy(name) * 2)}.{_step(len(name))}"
        if shown != name:
            yield "h:punycode"
    sub = parts.subdomain
    labels = sub.split(".") if sub else []
    yield f"u:{min(len(labels), 5)}.{group}"
    if sub:
        yield f"uz:{_shape(sub[:80])}"
        yield f"ul:{_step(len(sub))}"
        yield f"u=:{labels[0]}"
    words = _WORDS.findall(unicode_host(host)[:120].removesuffix(suffix))
    yield from (f"w:{word}" for word in words)
    yield from (f"w2:{first}.{second}" for first, second in pairwise(words))
    yield f"a:{min(sum(word in AUTH_WORDS and len(word) > 2 for word in words), 3)}"
    yield f"hl:{_step(len(host))}"
    if cut.address.port:
        yield "h:port"
    if cut.address.username:
        yield "h:user"


def _of_brands(cut: _Parts) -> Iterator[str]:
    """Brands in the host or after it that the host does not belong to."""
    if brands().owned(cut.host):
        yield "m:own"
        return
    front = cut.host.removesuffix(cut.parts.suffix)
    found = set(_names().findall(front)) if brands().may_hold(front) else None
    if found:
        exact = "name" if cut.parts.name in found else "label" if found & set(cut.parts.subdomain.split(".")) else "in"
        yield "m:host"
        yield f"m:host.{exact}"
        yield f"m:host.{exact}.{cut.parts.suffix}"
    path = cut.address.path[:LONGEST].lower()
    if brands().may_hold(path) and _names().search(path) is not None:
        yield "m:path"


def _of_rest(cut: _Parts) -> Iterator[str]:
    path, query = cut.address.path[:LONGEST].lower(), cut.address.query[:LONGEST].lower()
    fragment = cut.address.fragment[:LONGEST].lower()
    segments = [segment for segment in path.split("/") if segment]
    yield f"pd:{min(len(segments), 8)}"
    yield f"pl:{_step(len(path))}"
    if segments:
        yield f"p1:{segments[0][:24]}"
        if cut.kind == 1:
            yield f"p1:{cut.host}/{segments[0][:24]}"
        last = segments[-1]
        yield f"pz:{_shape(last[:60])}"
        stem, dot, extension = last.rpartition(".")
        if dot and len(extension) <= 5:
            yield f"x:{extension}"
            yield f"x=:{stem[:20]}.{extension}"
        if path.endswith("/"):
            yield "p:slash"
        yield from (f"p:{word}" for word in _WORDS.findall(path) if not word.isdigit())
        yield from (f"p:{sign}" for sign in ("%", "@", "~", "//") if sign in path)
        if _HEX.search(path):
            yield "p:hex"
    if query:
        yield f"ql:{_step(len(query))}"
        names = [pair.partition("=")[0][:24] for pair in query.split("&")]
        yield f"qn:{min(len(names), 8)}"
        yield from (f"q:{name}" for name in names[:12])
        yield from (f"qw:{word}" for word in _WORDS.findall(query)[:24] if not word.isdigit())
        if "@" in query or "%40" in query:
            yield "q:at"
        if _HEX.search(query):
            yield "q:hex"
    if fragment:
        yield f"f:{_step(len(fragment))}"
        yield from (f"fw:{word}" for word in _WORDS.findall(fragment)[:8])
        if "@" in fragment:
            yield "f:at"


def _grams_of(cut: _Parts) -> list[int]:
    """The n-grams of the registered name, of the subdomain and of the path."""
    parts, address = cut.parts, cut.address
    found: list[int] = []
    if parts.name and address.kind is HostKind.DOMAIN:
        found += _grams("n", unicode_host(parts.name)[:80], (3, 4, 5))
    if parts.subdomain:
        found += _grams("u", parts.subdomain[:80], (3, 4, 5))
    path = address.path[:LONGEST].lower().strip("/")
    if path:
        found += _grams("p", path[:120], (4,))
    return found


def cut(address: Address, known: int) -> _Parts:
    """The parts of a URL, given how well known its registered name is."""
    host = address.host.removeprefix("www.")
    return _Parts(address, host, split(host), known)


def rows(parts: _Parts) -> NDArray[np.intp]:
    """The numbers of a URL's pieces, each once, in order; then the same with their kind of host."""
    pieces = [*_of_host(parts), *_of_brands(parts), *_of_rest(parts)]
    hashed = {crc32(piece.encode("utf-8", "surrogatepass")) & _LOW for piece in pieces}
    hashed.update([number & _LOW for number in _grams_of(parts)])
    size = len(hashed)
    alone = np.fromiter(hashed, np.uint32, size)
    alone.sort()
    found = np.empty(2 * size, np.intp)
    found[:size] = alone
    alone ^= _KIND_SEEDS[parts.kind]  # in place: arrays of numpy wrap around without a word
    alone *= _SPREAD
    alone >>= _SHIFT
    alone &= _LOW_BITS
    alone |= _UPPER
    found[size:] = alone
    return found


# --- well-known names -----------------------------------------------------------------------------------

_HASHES: Final = 8


def bits_of(name: str, size: int) -> Iterator[int]:
    """The places of a name in a filter of ``size`` bits; made as they are asked for, since the first often tells."""
    data = name.encode("utf-8", "surrogatepass")
    first, second = crc32(data), adler32(data[::-1]) * 0x9E3779B1 + 1
    return ((first + turn * second + turn * turn * turn) % size for turn in range(_HASHES))


def bloom(names: Sequence[str], bits_each: int = 12) -> NDArray[np.uint8]:
    """A filter that holds the names."""
    size = max(64, len(names) * bits_each // 8 * 8)
    flags = np.zeros(size, dtype=bool)
    for name in names:
        flags[list(bits_of(name, size))] = True
    return np.packbits(flags)


def holds(packed: NDArray[np.uint8], name: str) -> bool:
    """Whether a filter may hold a name."""
    size = packed.size * 8
    return all(int(packed[bit >> 3]) >> (7 - (bit & 7)) & 1 for bit in bits_of(name, size))


@dataclass(frozen=True, slots=True, eq=False)
class UrlModel:
    """Weights, the filters of well-known names, and the logistic map that calibrates the answer."""

    weights: NDArray[np.int8]
    known: NDArray[np.uint8]
    best_known: NDArray[np.uint8]
    scale: float
    slope: float
    shift: float

    @classmethod
    def load(cls, path: Path, fields: dict[str, Any]) -> UrlModel:
        """From an ``.npz`` without pickles. Raises ``KeyError`` and ``ValueError`` for another file."""
        with np.load(path, allow_pickle=False) as stored:
            weights, known, best = (stored[name] for name in ("weights", "known", "best_known"))
        if weights.shape != (BUCKETS,) or weights.dtype != np.int8:
            raise ValueError("weights of another shape")
        return cls(weights, known, best, float(fields["scale"]), float(fields["slope"]), float(fields["shift"]))

    def save(self, path: Path) -> None:
        np.savez_compressed(path, weights=self.weights, known=self.known, best_known=self.best_known)

    def fame(self, host: str) -> int:
        """How well known the registered name of a host is: 0, 1 or 2. Hosts of many strangers never are."""
        host = host.removeprefix("www.")
        parts = split(host)
        name = parts.registered
        if not name or parts.shared or path_shared(host):
            return 0
        return 2 if holds(self.best_known, name) else int(holds(self.known, name))

    def logit(self, address: Address) -> float:
        """The model's raw answer."""
        found = rows(cut(address, self.fame(address.host)))
        return float(self.weights[found].sum(dtype=np.int32)) * self.scale / math.sqrt(max(1, found.size))

    def score(self, address: Address) -> float:
        """How likely a URL leads to something harmful, calibrated: 0 to 1."""
        said = self.slope * self.logit(address) + self.shift
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, said))))


@cache
def shipped() -> UrlModel:
    """The model that ships with the package, loaded once a process. Raises ``ModelError``."""
    files = ModelFiles()
    return UrlModel.load(files.path("urls.npz"), json.loads(files.path("urls.json").read_text(encoding="utf-8")))


@lru_cache(maxsize=4096)
def well_known(name: str) -> bool:
    """Whether very many people visit a registered name. Raises ``ModelError``."""
    return shipped().fame(name) > 0
