"""National identification numbers: how each is read.

The rule: format and check digit decide first, the words before a value second. A number whose check holds
and that is called by its name is certain. Without a name it depends on how telling the form is: a
codice fiscale stands alone, nine digits that happen to pass mod 11 do not (one in ten does). Numbers
without a check digit need their own name; a number with a check is content with any word for an identity.

The tables are in ``pii_national_europe`` and ``pii_national_world``. All values share one entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chatward.core.rules import Rule, Validator
from chatward.core.values import Category, Severity
from chatward.guards.text.pii_checksums import Check
from chatward.guards.text.pii_contact import PHONE_WORDS
from chatward.guards.text.pii_words import (
    LEFT,
    NOT_IN_NUMBER,
    NUMBER_ENDS,
    RIGHT,
    compact,
    has_letters,
    mentions,
    named_otherwise,
)

ENTITY: Final = "NATIONAL_ID"

WEAK: Final = 0.3
"""The check holds, but many numbers that mean something else pass it too."""

ID_WORDS: Final = """
    national id*, id number, id no, id nr, id card, identity*, identification*, citizen* id, citizen* number,
    personal number, personal code, personal id*, tax id*, tax number, tax no, tax payer*, tin, ssn,
    social security*, social insurance*, national insurance*, resident* id*, government id, state id,
    national number, nid, idnr, ausweis*, steuer*, personenkennzahl, sozialversicherung*, identité*,
    numéro de sécurité sociale, numéro fiscal, identidad, identificación, identificação, documento,
    documento nacional, nº fiscal, número fiscal, identità, identificativo, codice fiscale, burgerservice*,
    identiteit*, rijksregister*, tożsamości, dowód*, personnummer, henkilötunnus, удостоверени*, идентификац*,
    личный номер, налог*, 身份证*, 身份證*, 身分證*, 証明書, 個人番号, 주민*, 신분증*, kimlik*, هوية, الهوية,
    الرقم القومي, आधार, पहचान, บัตรประชาชน, cccd, cmnd, căn cước, nik, ktp, ταυτότητα*, זהות, rodné číslo,
    személyi*, lična karta
"""


@dataclass(frozen=True, slots=True)
class NationalId:
    """One kind of number.

    ``form`` is its pattern without boundaries; ``check`` takes the compact form. ``named`` is the confidence
    where a word stands before it. Without one: ``grouped`` where the text has separators other than blanks,
    ``spaced`` where it has blanks only (default: as grouped), ``bare`` where it has none; ``None`` is no finding.
    ``trigger`` starts every match where the form crosses blanks and letters.
    """

    slug: str
    summary: str
    form: str
    check: Check
    words: str
    grouped: float | None = WEAK
    bare: float | None = None
    spaced: float | None = None
    named: float = 0.95
    trigger: str = ""
    health: bool = False
    keep_grouping: bool = False

    def rule(self) -> Rule:
        return Rule(
            id=f"text.pii/{self.slug}",
            pattern=f"{LEFT}{NOT_IN_NUMBER}(?:{self.form}){RIGHT}{NUMBER_ENDS}",
            category=Category.PHI if self.health else Category.PII,
            severity=Severity.HIGH,
            confidence=self.named,
            summary=self.summary,
            entity="HEALTH_ID" if self.health else ENTITY,
            flags=re.RegexFlag.IGNORECASE if re.search("[A-Z]", self.form) else re.RegexFlag(0),
            validate=self.validator(),
            trigger=f"{LEFT}{self.trigger}" if self.trigger else "",
        )

    def validator(self) -> Validator:
        def validate(text: str, before: str) -> float | None:
            alone = self._alone(text)
            if alone is None and not has_letters(before):  # named by nothing: no need to ask for its check digits
                return None
            number = compact(text)
            if len(set(number)) < 3 or not self.check(text if self.keep_grouping else number):
                return None
            if named_otherwise(before):
                return None if alone is None else WEAK
            if mentions(self.words, before) or (self.named >= 0.8 and mentions(ID_WORDS, before)):
                return self.named
            part_of_groups = " " in text and before[-2:-1].isdigit() and before[-1] == " "
            return WEAK if alone is not None and (part_of_groups or mentions(PHONE_WORDS, before, 24)) else alone

        return validate

    def _alone(self, text: str) -> float | None:
        if text.isalnum():
            alone = self.bare
        elif self.spaced is not None and all(char.isalnum() or char.isspace() for char in text):
            alone = self.spaced
        else:
            alone = self.grouped
        if alone is not None and any(char.islower() for char in text):
            return min(alone, 0.6 if alone >= 0.9 else WEAK)
        return alone


def rules(ids: Iterable[NationalId]) -> tuple[Rule, ...]:
    return tuple(entry.rule() for entry in ids)
