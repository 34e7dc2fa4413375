"""What the letters of a URL say about it: a linear model over hashed pieces of its parts, in numpy.

The rule: the model sees the parts of one parsed URL and nothing else: no network, no list of known sites, no page. Its
pieces are n-grams of the name that was registered and of the subdomain, words of host, path and query, the suffix, and
shapes (lengths, digits, hyphens, depth) in steps. Each piece hashes to one of ``BUCKETS`` weights (Weinberger et al.
2009); weights are 8-bit with one scale. The scheme and a leading ``www.`` are left out: they say more about who made a
list than about what is in it.

The score is calibrated: 0.5 is what at most one in a thousand ordinary links exceeds (``urls.json``). Trained by
``chatward.models.training.urls``.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward.core.addresses import Address, HostKind, unicode_host
from chatward.core.hosts import SHORTENERS, path_shared, split
from chatward.models.store import ModelFiles

BUCKETS: Final = 1 << 19
LONGEST: Final = 240
"""Code points of path and query that are looked at."""

_WORDS: Final = re.compile(r"[a-z]+|[^\W\da-z_]+|\d+")
_VOWELS: Final = frozenset("aeiouy")
_HEX: Final = re.compile(r"[0-9a-f]{8,}")
_STEPS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 24, 30, 40, 60, 100, 200)


def _step(value: int) -> int:
    return next((place for place, step in enumerate(_STEPS) if value <= step), len(_STEPS))


def _grams(space: str, text: str, sizes: Sequence[int]) -> Iterator[str]:
    framed = f"^{text}$"
    for size in sizes:
        for at in range(len(framed) - size + 1):
            yield f"{space}{framed[at : at + size]}"


def _entropy(text: str) -> float:
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def _shape(text: str) -> str:
    """Length, digits, hyphens and how it sounds, in steps."""
    digits = sum(map(str.isdigit, text))
    letters = sum(map(str.isalpha, text))
    vowels = sum(char in _VOWELS for char in text)
    run = max(map(len, re.findall(r"[bcdfghjklmnpqrstvwxz]+", text)), default=0)
    sound = "-" if letters < 4 else str(min(4, vowels * 8 // letters))
    return f"{_step(len(text))}.{min(digits, 6)}.{min(text.count('-'), 4)}.{sound}.{min(run, 7)}"


def pieces(address: Address) -> Iterator[str]:
    """What of a URL is hashed, each piece with the space that it is from."""
    host = address.host.removeprefix("www.")
    parts = split(host)
    name, suffix = parts.name, parts.suffix
    shown = unicode_host(name) if "xn--" in name else name
    path, query = address.path[:LONGEST].lower(), address.query[:LONGEST].lower()
    fragment = address.fragment[:LONGEST].lower()
    kind = "share" if parts.shared or path_shared(host) else "short" if host in SHORTENERS else "own"
    bare = "bare" if len(path) <= 1 and not query and not fragment else "deep"
    yield f"b:{kind}.{bare}"
    if address.kind is not HostKind.DOMAIN or not name:
        yield f"h:{address.kind.value}"
    else:
        yield f"s:{suffix}"
        yield f"s:{suffix}.{bare}"
        yield f"d:{parts.registered}"
        yield from _grams("n", shown, (3, 4, 5))
        shape = _shape(name)
        yield f"z:{shape}"
        for place, value in enumerate(shape.split(".")):
            yield f"z{place}:{value}"
            yield f"z{place}:{value}.{suffix}"
            yield f"z{place}:{value}.{kind}.{bare}"
        yield f"ze:{int(_entropy(name) * 2)}.{_step(len(name))}"
        if shown != name:
            yield "h:punycode"
    sub = parts.subdomain
    labels = sub.split(".") if sub else []
    yield f"u:{min(len(labels), 5)}.{kind}"
    if sub:
        yield from _grams("u", sub[:80], (3, 4, 5))
        yield f"uz:{_shape(sub)}"
        yield f"ul:{_step(len(sub))}"
        yield f"u=:{labels[0]}"
    words = _WORDS.findall(unicode_host(host)[:120].removesuffix(suffix))
    yield from (f"w:{word}" for word in words)
    yield from (f"w2:{first}.{second}" for first, second in pairwise(words))
    yield f"hl:{_step(len(host))}"
    if address.port:
        yield "h:port"
    if address.username:
        yield "h:user"
    yield from _rest(path, query, fragment, kind, host if kind == "share" and not parts.shared else "")


def _rest(path: str, query: str, fragment: str, kind: str, host: str) -> Iterator[str]:
    segments = [segment for segment in path.split("/") if segment]
    yield f"pd:{min(len(segments), 8)}"
    yield f"pd:{min(len(segments), 8)}.{kind}"
    yield f"pl:{_step(len(path))}"
    if segments:
        yield f"p1:{segments[0][:24]}"
        if host:
            yield f"p1:{host}/{segments[0][:24]}"
        last = segments[-1]
        yield f"pz:{_shape(last[:60])}"
        stem, dot, extension = last.rpartition(".")
        if dot and len(extension) <= 5:
            yield f"x:{extension}"
            yield f"x=:{stem[:20]}.{extension}"
        if path.endswith("/"):
            yield "p:slash"
        yield from (f"p:{word}" for word in _WORDS.findall(path) if not word.isdigit())
        yield from _grams("p", path.strip("/")[:120], (4,))
        if _HEX.search(path):
            yield "p:hex"
        if "%" in path:
            yield "p:percent"
        if "@" in path:
            yield "p:at"
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


def rows(address: Address) -> NDArray[np.int64]:
    """The numbers of a URL's pieces, each once, in order."""
    hashed = {zlib.crc32(piece.encode("utf-8", "surrogatepass")) % BUCKETS for piece in pieces(address)}
    return np.array(sorted(hashed), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class UrlModel:
    """Weights and the logistic map that calibrates them."""

    weights: NDArray[np.int8]
    scale: float
    slope: float
    shift: float

    @classmethod
    def load(cls, path: Path, fields: dict[str, Any]) -> UrlModel:
        """Weights from an ``.npz`` without pickles. Raises ``KeyError`` and ``ValueError`` for another file."""
        with np.load(path, allow_pickle=False) as stored:
            weights = stored["weights"]
        if weights.shape != (BUCKETS,) or weights.dtype != np.int8:
            raise ValueError("weights of another shape")
        return cls(weights, float(fields["scale"]), float(fields["slope"]), float(fields["shift"]))

    def logit(self, address: Address) -> float:
        """The model's raw answer."""
        found = rows(address)
        return float(self.weights[found].sum(dtype=np.int32)) * self.scale / math.sqrt(max(1, found.size))

    def score(self, address: Address) -> float:
        """How likely a URL leads to something harmful, calibrated: 0 to 1."""
        said = self.slope * self.logit(address) + self.shift
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, said))))


@cache
def shipped() -> UrlModel:
    """The model that ships with the package, loaded once a process. Raises ``ModelError``."""
    files = ModelFiles()
    fields = json.loads(files.path("urls.json").read_text(encoding="utf-8"))
    return UrlModel.load(files.path("urls.npz"), fields)
