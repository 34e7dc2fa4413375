"""The 18 identifiers of HIPAA's Safe Harbor (45 CFR 164.514(b)(2)(i)) and the rules that recognise them in text.

The rule: an identifier stands here with the rules that find it and with what they do not find. One without rules is not
recognised, and says so: text from which everything that is recognised was removed is **not** de-identified by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Identifier:
    """``letter``: of the paragraph. ``rules``: ids, a trailing ``*`` for all that begin so. ``limit``: what is not
    found; ``example``: made up."""

    letter: str
    name: str
    rules: tuple[str, ...]
    example: str = ""
    limit: str = ""


SAFE_HARBOR: Final = (
    Identifier("A", "names", ("text.pii/person",), "The patient is Margaret Thompson and she is unwell.",
               "names that the model does not know for such"),
    Identifier("B", "geographic units smaller than a state",
               ("text.pii/address*", "text.pii/postcode*", "text.pii/coordinates*"),
               "She lives at 1428 Elm Street, Springfield, IL 62704.", "towns and counties by themselves"),
    Identifier("C", "dates of a person, but for the year; ages over 89", ("text.pii/birth-date*", "text.pii/date"),
               "Date of birth: 03/14/1961.", "dates of admission, discharge and death without a word of birth; ages"),
    Identifier("D", "telephone numbers", ("text.pii/phone*",), "Call me at (415) 555-0132."),
    Identifier("E", "fax numbers", ("text.pii/phone*",), "Fax: (415) 555-0199."),
    Identifier("F", "electronic mail addresses", ("text.pii/email*",), "Write to margaret.t@example.com."),
    Identifier("G", "social security numbers", ("text.pii/us-ssn",), "My SSN is 536-22-8726."),
    Identifier("H", "medical record numbers", ("text.pii/health-number",), "Medical record number MRN: 00483921.",
               "numbers without a name"),
    Identifier("I", "health plan beneficiary numbers", ("text.pii/health-number", "text.pii/us-medicare"),
               "Health plan beneficiary number: 1EG4-TE5-MK73.", "of other plans, numbers without a name"),
    Identifier("J", "account numbers", ("text.pii/account", "text.pii/iban", "text.pii/card*", "text.pii/us-routing"),
               "My account number is 000123456789.", "numbers without a name or a checksum"),
    Identifier("K", "certificate and license numbers",
               ("text.pii/driver-license", "text.pii/us-ca-driver-license", "text.pii/us-dea", "text.pii/us-npi",
                "text.pii/customer-number"),
               "Driver's license number: D1234562.", "numbers without a name or a checksum"),
    Identifier("L", "vehicle identifiers and license plates", ("text.pii/vin", "text.pii/license-plate"),
               "The VIN is 1HGCM82633A004352.", "plates without a name"),
    Identifier("M", "device identifiers and serial numbers", ("text.pii/imei", "text.pii/mac", "text.pii/device-id"),
               "The IMEI of the phone is 490154203237518.", "serial numbers in the forms of their makers"),
    Identifier("N", "web addresses", (), limit="they are inspected as links, and not told apart from any other"),
    Identifier("O", "IP addresses", ("text.pii/ipv4", "text.pii/ipv6"), "It was sent from 203.0.113.77."),
    Identifier("P", "biometric identifiers", (), limit="they are no text; of files see the guards of files"),
    Identifier("Q", "full-face photographs", (), limit="what a picture shows is not looked at"),
    Identifier("R", "any other unique number, characteristic or code", (),
               limit="your own: a recogniser (`routes.NAME.recognisers`) for each"),
)  # fmt: skip
