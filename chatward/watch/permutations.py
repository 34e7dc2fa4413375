"""Domains that can be taken for ours, made from ours: the classes that typo-squatting research and dnstwist know.

The rule: only the *registered name* varies (``core.hosts.split``); what stands before it does not, and the ending only
in ``ending``. Each domain is made once, by the first class that makes it, and the classes come in the order of how
often copies use them, so that a limit cuts off the least likely. Ours are never among them. A label is one that a
registry takes: letters, digits, hyphens inside, at most 63 (RFC 1035, RFC 5891 section 4.2.3).

Sources: Szurdi et al., *The long "taile" of typosquatting domain names* (USENIX Security 2014); Nikiforakis et al.,
*Bitsquatting* (WWW 2013); Kintis et al., *Hiding in plain sight: combosquatting* (CCS 2017); UTS 39.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from chatward.core.confusables import MARKED, TWINS
from chatward.core.hosts import Host, split

LIKELY: Final = {
    "homoglyph": 0.75,
    "dictionary": 0.55,
    "ending": 0.5,
    "joined": 0.6,
    "hyphenation": 0.6,
    "transposition": 0.55,
    "repetition": 0.55,
    "omission": 0.5,
    "vowel-swap": 0.4,
    "replacement": 0.45,
    "insertion": 0.4,
    "addition": 0.35,
    "subdomain": 0.4,
    "bitsquatting": 0.35,
}
"""The classes in their order, and how much a name of the class says by itself, from 0 to 1. Chosen by hand."""


def _row(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ENDINGS: Final = _row(
    "com net org info biz co io app dev ai xyz top online site shop store live club icu vip cc me us eu de co.uk fr es "
    "it nl pl ch at be in ru cn com.br com.au ca jp support help chat services cloud website click link cfd sbs"
)
WORDS: Final = _row(
    "login secure account verify support help service chat bot ai assistant online pay billing app my portal auth "
    "update customer care team official refund id"
)

_KEYS: Final = (
    ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    ("qwertzuiop", "yxcvbnm"),
    ("azertyuiop", "qsdfghjklm"),
)
_VOWELS: Final = "aeiou"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_PAIRS: Final = (
    ("m", "rn"), ("rn", "m"), ("w", "vv"), ("vv", "w"), ("d", "cl"), ("cl", "d"), ("m", "nn"), ("o", "0"), ("0", "o"),
    ("l", "1"), ("1", "l"), ("l", "i"), ("i", "l"), ("i", "1"), ("1", "i"), ("e", "3"), ("a", "4"), ("s", "5"),
    ("t", "7"), ("b", "8"), ("g", "9"), ("g", "q"), ("q", "g"), ("u", "v"), ("v", "u"), ("z", "2"),
)  # fmt: skip
_MARKS: Final = "\u0300\u0301\u0302\u0303\u0308\u0307\u030a\u0323\u0327\u0328\u030c\u0331"
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CYRILLIC: Final = "CYRILLIC"


class Permutation(NamedTuple):
    """A domain (punycode) and the class that made it; ``of`` is ours."""

    domain: str
    kind: str
    of: str


def permutations(
    domains: Sequence[str], *, endings: Iterable[str] = (), words: Iterable[str] = (), ours: Iterable[str] = ()
) -> Iterator[Permutation]:
    """Every domain like one of ``domains``, once. ``endings`` and ``words`` come beside the usual ones; ``ours`` are
    owned as well, and left out."""
    seen = {*domains, *ours, *(split(domain).registered for domain in (*domains, *ours))}
    tlds = tuple(dict.fromkeys((*endings, *ENDINGS)))
    beside = tuple(dict.fromkeys((*words, *WORDS)))
    owned = [(domain, host) for domain in domains if (host := split(domain)).name]
    for kind in LIKELY:
        for domain, host in owned:
            for made in _made(kind, host, tlds, beside):
                if made not in seen and _registrable(made):
                    seen.add(made)
                    yield Permutation(made, kind, domain)


def _made(kind: str, host: Host, endings: Sequence[str], words_: Sequence[str]) -> Iterator[str]:
    name, suffix = host.name, host.suffix
    if kind == "ending":
        yield from (f"{name}.{ending}" for ending in endings)
        return
    if name.startswith("xn--"):
        return  # letters of a punycode name are not what a reader sees
    if kind == "subdomain":
        yield from (f"{name[:at]}.{name[at:]}.{suffix}" for at in range(1, len(name)))
        return
    for label in _labels(kind, name, suffix, words_):
        yield f"{label}.{suffix}"


def _labels(kind: str, name: str, suffix: str, words_: Sequence[str]) -> Iterator[str]:
    places = range(len(name))
    if kind == "omission":
        yield from (name[:at] + name[at + 1 :] for at in places)
    elif kind == "repetition":
        yield from (name[:at] + name[at] + name[at:] for at in places)
    elif kind == "transposition":
        yield from (name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in places[:-1])
    elif kind == "hyphenation":
        yield from (f"{name[:at]}-{name[at:]}" for at in places[1:])
        if "-" in name:
            yield name.replace("-", "")
    elif kind == "replacement":
        yield from (name[:at] + key + name[at + 1 :] for at in places for key in _beside(name[at]))
    elif kind == "insertion":
        for at in places:
            for key in _beside(name[at]):
                yield name[:at] + key + name[at:]
                yield name[: at + 1] + key + name[at + 1 :]
    elif kind == "addition":
        yield from (name + letter for letter in _LETTERS)
    elif kind == "vowel-swap":
        yield from (name[:at] + vowel + name[at + 1 :] for at in places if name[at] in _VOWELS for vowel in _VOWELS)
    elif kind == "bitsquatting":
        yield from _bits(name)
    elif kind == "homoglyph":
        yield from _homoglyphs(name)
    elif kind == "dictionary":
        for word in words_:
            yield from (f"{name}-{word}", f"{word}-{name}", name + word, word + name)
    elif kind == "joined":
        joined = suffix.replace(".", "")
        yield from (f"www{name}", f"www-{name}", f"{name}{joined}", f"{name}-{joined}", f"{name}s", f"the{name}")


def _beside(letter: str) -> str:
    """The keys beside a key, on three layouts."""
    found: dict[str, None] = {}
    for layout in _KEYS:
        for row, keys in enumerate(layout):
            at = keys.find(letter)
            if at < 0:
                continue
            found.update(dict.fromkeys(keys[max(0, at - 1) : at] + keys[at + 1 : at + 2]))
            for other in layout[max(0, row - 1) : row] + layout[row + 1 : row + 2]:
                found.update(dict.fromkeys(other[at : at + 1] + other[max(0, at - 1) : at]))
    return "".join(found)


def _bits(name: str) -> Iterator[str]:
    for at, letter in enumerate(name):
        for bit in range(7):
            turned = chr(ord(letter) ^ (1 << bit))
            if turned in _LETTERS or turned == "-":
                yield name[:at] + turned + name[at + 1 :]


def _homoglyphs(name: str) -> Iterator[str]:
    for plain, alike in _PAIRS:
        for at in range(len(name)):
            if name.startswith(plain, at):
                yield name[:at] + alike + name[at + len(plain) :]
    for at, letter in enumerate(name):
        for alike in _ALIKE.get(letter, ()):
            yield _punycode(name[:at] + alike + name[at + 1 :])
    whole = [next((one for one in _ALIKE.get(letter, ()) if _script(one) == _CYRILLIC), "") for letter in name]
    if name and all(whole):
        yield _punycode("".join(whole))


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").partition(" ")[0]


def _alike() -> dict[str, tuple[str, ...]]:
    """Letters that stand in for a Latin one and that a registry takes: lower case, in NFC."""
    found: dict[str, list[str]] = {}
    for point, latin in (*TWINS.items(), *MARKED.items()):
        found.setdefault(latin, []).append(chr(point))
    for latin in _LETTERS[:26]:
        marked = [unicodedata.normalize("NFC", latin + mark) for mark in _MARKS]
        found.setdefault(latin, []).extend(one for one in marked if len(one) == 1)
    return {
        latin: tuple(one for one in dict.fromkeys(letters) if _registrable_letter(one))
        for latin, letters in found.items()
        if len(latin) == 1 and latin in _LETTERS
    }


def _registrable_letter(letter: str) -> bool:
    stable = unicodedata.normalize("NFKC", letter) == letter == letter.lower()
    return stable and unicodedata.category(letter) in {"Ll", "Lo"}  # RFC 5892: PVALID, in short


_ALIKE: Final = _alike()


def _punycode(label: str) -> str:
    return "xn--" + label.encode("punycode").decode("ascii")


def _registrable(domain: str) -> bool:
    labels = domain.split(".")
    if len(domain) > 253 or not split(domain).name:
        return False
    return all(_LABEL.fullmatch(one) and (one[2:4] != "--" or one.startswith("xn--")) for one in labels)
