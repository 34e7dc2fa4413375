"""Kinds of personal data under one name: the corpora's, Chatward's and Presidio's own names differ.

The rules: what has no counterpart on one side is left out on that side, not counted against it. Places are one kind,
``PLACE``, whether a corpus calls them address, street, city or country, because each side draws that line elsewhere.
A kind is scored on a corpus only where the corpus labels it. Of spans of one kind that overlap the longest counts, on
every side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from chatward.evaluation.metrics import Span


def _table(rows: str) -> Mapping[str, str]:
    """Each row: a kind, then the names for it."""
    return {name: kind for kind, *names in map(str.split, rows.strip().splitlines()) for name in names}


CORPORA: Final = _table("""
    PERSON PERSON PER person name PESSOA NOMBRE_SUJETO_ASISTENCIA NOMBRE_PERSONAL_SANITARIO
    PLACE LOCATION LOC GPE ADDRESS STREET_ADDRESS location street_address LOCAL CALLE TERRITORIO PAIS
    ORG ORG ORGANIZATION corporation ORGANIZACAO HOSPITAL INSTITUCION CENTRO_SALUD
    DATE DATE_TIME date FECHAS TEMPO
    AGE AGE EDAD_SUJETO_ASISTENCIA
    EMAIL EMAIL_ADDRESS email CORREO_ELECTRONICO
    PHONE PHONE_NUMBER phone_number NUMERO_TELEFONO NUMERO_FAX
    CARD CREDIT_CARD credit_card_number
    IBAN IBAN_CODE
    NATIONAL_ID US_SSN ssn
    POSTCODE ZIP_CODE postal_code
    IP IP_ADDRESS
    PASSPORT passport_number
    LICENCE US_DRIVER_LICENSE driver_license_number
""")
OURS: Final = _table("""
    PERSON PERSON
    PLACE LOCATION ADDRESS
    ORG ORG
    DATE DATE BIRTH_DATE
    AGE AGE
    EMAIL EMAIL
    PHONE PHONE
    CARD CARD
    IBAN IBAN
    NATIONAL_ID NATIONAL_ID
    POSTCODE POSTCODE
    IP IP
    PASSPORT PASSPORT
    LICENCE DRIVER_LICENSE
""")
PRESIDIO: Final = _table("""
    PERSON PERSON
    PLACE LOCATION
    ORG ORGANIZATION
    DATE DATE_TIME
    EMAIL EMAIL_ADDRESS
    PHONE PHONE_NUMBER
    CARD CREDIT_CARD
    IBAN IBAN_CODE
    NATIONAL_ID US_SSN
    IP IP_ADDRESS
    PASSPORT US_PASSPORT
    LICENCE US_DRIVER_LICENSE
""")


def named(spans: Iterable[Span], names: Mapping[str, str]) -> tuple[Span, ...]:
    """The spans whose names are known, under their kind; of overlapping ones of a kind the longest."""
    known = sorted({(start, end, names[name]) for start, end, name in spans if name in names}, key=_longest_first)
    kept: list[Span] = []
    for start, end, kind in known:
        if not any(kind == other and start < stop and begin < end for begin, stop, other in kept):
            kept.append((start, end, kind))
    return tuple(sorted(kept))


def _longest_first(span: Span) -> tuple[int, int, str]:
    return span[0] - span[1], span[0], span[2]
