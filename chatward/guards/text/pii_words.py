r"""What the words before a value say it is.

The rule: a run of digits means what it is called. ``mentions`` is true where one of the words of a list stands near
before a value, ``named_otherwise`` where the value is *directly* named something else (``order no. 123``,
``ISBN 978...``). So ``my order is late, call 0611...`` is a phone number and ``phone order no. 0611...`` is none.

A list is one string of stems with commas. A stem ends in ``*`` to allow any ending (inflection, compounds); in
``label`` any ending is allowed but after ``!``. A blank in a stem stands for blanks, ``_``, ``-``, ``.`` or nothing,
so ``date of birth`` also reads ``date_of_birth`` and ``dateOfBirth``. Scripts that write without blanks need no word
boundary. Words are looked up, not searched for: a page full of numbers asks these questions ten times a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

REACH: Final = 64
"""How many code points before a value a word may stand."""

LEFT: Final = r"(?<![0-9A-Za-z])"
RIGHT: Final = r"(?![0-9A-Za-z])"
"""ASCII boundaries: scripts without blanks may touch a number."""

NOT_IN_NUMBER: Final = r"(?<![0-9a-f][-._])"
NUMBER_ENDS: Final = r"(?![-._][0-9])"
"""A value is not a piece of a longer dotted or dashed number (a UUID, a version, an OID)."""

DASHES: Final = "\u2010\u2011\u2012\u2013"
"""Hyphens and dashes beside ``-``, for character classes (as themselves: not every engine reads ``\\u2013``)."""

_NO_BLANKS: Final = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def stem_pattern(stem: str) -> str:
    """The pattern of one stem, without boundaries."""
    return re.escape(stem.rstrip("*!")).replace(r"\ ", r"[\s_.-]{0,2}")


def split(stems: str) -> list[str]:
    """The stems of a comma-separated list; line breaks and indents do not matter."""
    return [" ".join(stem.split()) for stem in stems.split(",") if stem.strip()]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """A list of stems, ready to be asked. Prefixes and phrases are by their first letter; phrases are written
    together and say whether they may go on."""

    words: frozenset[str]
    prefixes: dict[str, tuple[str, ...]]
    phrases: dict[str, tuple[tuple[str, bool], ...]]
    solid: tuple[str, ...]

    def stands_at(self, words: tuple[str, ...], place: int) -> bool:
        """True where a stem starts with the word at ``place``."""
        word = words[place]
        if word in self.words:
            return True
        prefixes = self.prefixes.get(word[0])
        return (prefixes is not None and word.startswith(prefixes)) or self.phrase_at(words, place)

    def phrase_at(self, words: tuple[str, ...], place: int) -> bool:
        """True where a stem of several words starts at ``place``."""
        phrases = self.phrases.get(words[place][0])
        if phrases is None:
            return False
        together, ends = "", set()
        for word in words[place : place + _LONGEST_PHRASE]:
            together += word
            ends.add(together)
        return any(phrase in ends or (open_end and together.startswith(phrase)) for phrase, open_end in phrases)


_LONGEST_PHRASE: Final = 5
_FIRST_SOLID: Final = "\u0e00"
_LATIN_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTER: Final = re.compile(r"[^\W\d_]|[^\x00-\x7f]")
# All that stands between words: ASCII but letters, Latin-1 signs, general, CJK, full-width and Arabic punctuation.
_BETWEEN: Final = re.compile(
    "[\\x00-@\\[-`{-\xbf\u2000-\u206f\u2116\u3000-\u303f\uff00-\uff20\u060c\u061b\u061f\u0964\u0965]+"
)


@cache
def _lexicon(stems: str) -> _Lexicon:
    words: set[str] = set()
    prefixes: dict[str, list[str]] = {}
    phrases: dict[str, list[tuple[str, bool]]] = {}
    solid: list[str] = []
    for stem in split(stems):
        text = stem.rstrip("*!").lower()
        parts = [part for part in _BETWEEN.split(text) if part]
        open_end = stem.endswith("*")
        if _NO_BLANKS.search(text):
            solid.append(text)
        elif len(parts) > 1:
            phrases.setdefault(parts[0][0], []).append(("".join(parts), open_end))
        elif open_end:
            prefixes.setdefault(parts[0][0], []).append(parts[0])
        else:
            words.add(parts[0])
    return _Lexicon(
        frozenset(words),
        {first: tuple(found) for first, found in prefixes.items()},
        {first: tuple(found) for first, found in phrases.items()},
        tuple(solid),
    )


@lru_cache(maxsize=32)
def _words(text: str) -> tuple[str, ...]:
    """The words of ``text`` in lower case, ``camelCase`` taken apart as well."""
    words = [word for word in _BETWEEN.split(text.lower()) if word]
    if _CAMEL.search(text):
        words += [word for word in _BETWEEN.split(_CAMEL.sub(" ", text).lower()) if word]
    return tuple(words)


def _near(before: str, reach: int) -> str:
    """The last ``reach`` code points, less a word that this would cut in two (``aspirin`` is no ``sin``)."""
    near = before[-reach:]
    if len(before) > reach and before[-reach - 1].isalpha() and near[0] < _FIRST_SOLID:
        near = near.lstrip(_LATIN_LETTERS)
    return near


def mentions(stems: str, before: str, reach: int = REACH) -> bool:
    """True where one of ``stems`` stands in the last ``reach`` code points of ``before``."""
    near = _near(before, reach)
    words = _words(near)
    if not words:
        return False
    lexicon = _lexicon(stems)
    return any(lexicon.stands_at(words, place) for place in range(len(words))) or _solid_near(lexicon, near)


def has_letters(before: str) -> bool:
    """False where nothing in reach can be a word, so that ``mentions`` finds none."""
    return _LETTER.search(before[-REACH:]) is not None


def _solid_near(lexicon: _Lexicon, text: str) -> bool:
    if not lexicon.solid or text.isascii() or not _NO_BLANKS.search(text):
        return False
    lower = text.lower()
    return any(stem in lower for stem in lexicon.solid)


def label(stems: str) -> str:
    """A pattern for a rule: one of ``stems`` with a left boundary and any ending (``!``: none)."""
    parts = (stem_pattern(stem) + ("(?![A-Za-z])" if stem.endswith("!") else "") for stem in split(stems))
    return r"(?<![A-Za-z])(?:" + "|".join(parts) + ")"


def label_start(stems: str) -> str:
    """The trigger of a pattern that starts with ``label(stems)``: each stem's first fourteen characters."""
    starts = dict.fromkeys(stem_pattern(stem[:14]) for stem in split(stems))
    return r"(?<![A-Za-z])(?:" + "|".join(starts) + ")"


OTHER_NUMBERS: Final = """
    order*, invoice*, tracking*, track, ticket, reference, ref, sku, part, model, serial, s/n, p/n, isbn, issn,
    ean, upc, gtin, asin, doi, arxiv, pmid, version, v, ver, build, commit, revision, rev, release, batch, lot,
    shipment, parcel, consignment, waybill, booking, reservation, confirmation, transaction, receipt, quote, case,
    claim, issue, bug, port, pid, process, line, page, chapter, section, figure, table, item, product, article,
    catalog*, timestamp, epoch, unix time, size, bytes, total, amount, price, cost, sum, population, bestell*,
    rechnung*, auftrag*, artikel*, sendung*, vorgang*, commande, facture, colis, suivi, article, pedido, factura,
    envío, seguimiento, artículo, albarán, encomenda, fatura, nota fiscal, rastreio, ordine, fattura, spedizione,
    articolo, bestelling, factuur, zending, zamówieni*, faktur*, przesyłk*, заказ*, счёт-фактура, накладная,
    артикул, трек*, sipariş*, kargo, 订单*, 訂單*, 单号, 注文*, 주문*, 운송장
"""

_FILLER: Final = frozenset(
    ("n", "no", "nr", "num", "number", "nummer", "numero", "número", "numéro", "id", "code", "key", "ref")
) | {"reference", "is", "was", "of", "ist", "est", "es"}


def named_otherwise(before: str) -> bool:
    """True where the words directly before a value name it as something that is not personal.

    Digits that touch the value belong to it: the second group of an order number is no telephone number.
    """
    name = _near(before, REACH).rstrip("0123456789 ().+/-")[-40:]
    words = _words(name)
    if not words or (len(name) > 4 and _BETWEEN.fullmatch(name[-5:])):  # what stands far off names nothing
        return False
    lexicon = _lexicon(OTHER_NUMBERS)
    for last in range(len(words) - 1, max(len(words) - 4, -1), -1):
        upto = words[: last + 1]
        if lexicon.stands_at(upto, last) or (last and lexicon.phrase_at(upto, last - 1)):
            return True
        if words[last] not in _FILLER:
            break
    return _solid_near(lexicon, name[-8:])


def compact(text: str) -> str:
    """The letters and digits of ``text``, upper-cased: a number without its grouping."""
    return "".join(filter(str.isalnum, text)).upper()
