r"""What the words before a value say it is.

The rule: a run of digits means what it is called. ``Words`` finds the last of its words in the text before
a value; ``named`` is true when one of them stands near and the value is not *directly* named something
else (``order no. 123``, ``ISBN 978...``). So ``call me about my order on 0611...`` is a phone number and
``phone order no. 0611...`` is not.

A stem ends in ``*`` to allow any ending (inflection, compounds); in ``label`` any ending is allowed but after
``!``. A blank in a stem stands for blanks, ``_``, ``-``, ``.`` or nothing, so ``date of birth`` also reads
``date_of_birth`` and ``dateOfBirth``. Scripts that write without blanks need no word boundary. Patterns are
compiled on first use.
"""

from __future__ import annotations

import re
from functools import cache
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

_WORD_START: Final = r"(?:(?<![^\W\d_])|(?-i:(?<=[a-z])(?=[A-Z])))"
_WORD_END: Final = r"(?![^\W\d_])"
_NO_BLANKS: Final = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def stem_pattern(stem: str) -> str:
    """The pattern of one stem, without boundaries."""
    return re.escape(stem.rstrip("*!")).replace(r"\ ", r"[\s_.-]{0,2}")


@cache
def _compiled(stems: str) -> re.Pattern[str]:
    parts = []
    for stem in split(stems):
        if _NO_BLANKS.search(stem):
            parts.append(stem_pattern(stem))
        else:
            parts.append(_WORD_START + stem_pattern(stem) + ("" if stem.endswith("*") else _WORD_END))
    return re.compile("|".join(parts), re.IGNORECASE)


def split(stems: str) -> list[str]:
    """The stems of a comma-separated list; line breaks and indents do not matter."""
    return [" ".join(stem.split()) for stem in stems.split(",") if stem.strip()]


def mentions(stems: str, before: str, reach: int = REACH) -> bool:
    """True where one of ``stems`` stands in the last ``reach`` code points of ``before``."""
    return bool(before) and _compiled(stems).search(before[-reach:]) is not None


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
    catalog*, timestamp, epoch, unix time, size, bytes, total, amount, price, cost, sum, population, bestellung,
    bestellnummer, bestell, rechnung*, auftrag*, artikel*, sendung*, vorgang*, commande, facture, colis, suivi,
    article, pedido, factura, envío, seguimiento, artículo, albarán, encomenda, fatura, nota fiscal, rastreio,
    ordine, fattura, spedizione, articolo, bestelling, factuur, zending, zamówieni*, faktur*, przesyłk*, заказ*,
    счёт-фактура, накладная, артикул, трек*, sipariş*, kargo, 订单*, 訂單*, 单号, 注文*, 주문*, 운송장
"""

_FILLER: Final = r"(?:[\W_]{0,3}(?:n[°º.]|no|nr|num|number|nummer|numero|número|numéro|id|code|key|ref|reference|is|was|of|ist|est|es))"


@cache
def _named_otherwise() -> re.Pattern[str]:
    stems = _compiled(OTHER_NUMBERS).pattern
    return re.compile(rf"(?:{stems}){_FILLER}{{0,2}}[\W_]{{0,4}}\Z", re.IGNORECASE)


def named_otherwise(before: str) -> bool:
    """True where the words directly before a value name it as something that is not personal.

    Digits that touch the value belong to it: the second group of an order number is no telephone number.
    """
    name = before.rstrip("0123456789 ().+/-")
    return bool(name) and _named_otherwise().search(name[-40:]) is not None


def named(stems: str, before: str, reach: int = REACH) -> bool:
    """True where the text before a value says that it is one of ``stems``."""
    return mentions(stems, before, reach) and not named_otherwise(before)


def compact(text: str) -> str:
    """The letters and digits of ``text``, upper-cased: a number without its grouping."""
    return "".join(char for char in text if char.isalnum()).upper()
