"""What a vendor must have before messages go to it: rules that refuse to start, and messages when a day has passed.

The rules, for every vendor of ``[vendors]`` with bots:

1. Its last review counts until ``review_until``; so do the certificates that it must have (``required``), each to its
   day.
2. Routes to its bots send personal data as written (``pii_input = "keep"``) only where it may receive them (``data``).
3. Under any profile of ``[privacy]``: an owner and a review; and every bot that is not on this machine has a vendor.
4. Under ``gdpr``: a processing contract that has not ended, and regions of the EEA or a ground for the transfer.
5. Under ``hipaa``: a business-associate agreement that has not ended, where a purpose of its routes may hold health
   information; ``data`` says so.

Pure: ``today`` is given. Sources: as in ``privacy_rules``. What contracts say is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from chatward.settings import Settings
from chatward.settings.assurance import Vendor
from chatward.settings.privacy_rules import EEA, profiles
from chatward.settings.rules import Problem, is_loopback, last_day
from chatward.settings.types import Steps, did_you_mean

REASON: Final = "vendor-not-approved"
_REGION: Final = re.compile(r"[A-Z]{2}|EEA")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}")

Lack = tuple[Steps, str]
"""What is missing: a key below the vendor's section, and a sentence."""


def vendor_problems(settings: Settings, today: date) -> list[Problem]:
    """All that is wrong with ``[vendors]`` and ``[assurance]``, and with bots that need a vendor."""
    found = [*_forms(settings)]
    for name, vendor in settings.vendors.items():
        steps: Steps = ("vendors", name)
        found += (Problem((*steps, *key), sentence, REASON) for key, sentence in lacks(settings, vendor, today))
    return [*found, *_without_vendor(settings)]


def _forms(settings: Settings) -> Iterator[Problem]:
    for name in settings.assurance.bots:
        if settings.bots and name not in settings.bots:
            yield Problem(("assurance", "bots", name), f"names no bot{did_you_mean(name, list(settings.bots))}")
    if bool(settings.assurance.release_identity) != bool(settings.assurance.release_issuer):
        yield Problem(("assurance", "release_identity"), "an identity and its issuer (release_issuer) go together")
    taken: dict[str, str] = {}
    for name, vendor in settings.vendors.items():
        steps: Steps = ("vendors", name)
        if not _NAME.fullmatch(name):
            yield Problem(steps, "a name has letters, digits, _ - only, at most 64")
        for index, bot in enumerate(vendor.bots):
            if bot not in settings.bots:
                yield Problem((*steps, "bots", index), f"names no bot{did_you_mean(bot, list(settings.bots))}")
            elif bot in taken:
                yield Problem((*steps, "bots", index), f"is run by `{taken[bot]}` already")
            taken[bot] = name
        for index, region in enumerate(vendor.regions):
            if not _REGION.fullmatch(region):
                yield Problem((*steps, "regions", index), "must be two capital letters (ISO 3166-1), or EEA")
        if vendor.domain and not _DOMAIN.fullmatch(vendor.domain):
            yield Problem((*steps, "domain"), "must be a domain in lower case, such as example.com")
        if vendor.status and not vendor.status.startswith("https://"):
            yield Problem((*steps, "status"), "must begin with https://")
        if vendor.sbom.startswith("http://"):
            yield Problem((*steps, "sbom"), "must begin with https://, or be a file")
        days = {(key,): getattr(vendor, key) for key in ("dpa_until", "baa_until", "review_until")}
        days |= {("certificates", one): until for one, until in vendor.certificates.items()}  # type: ignore[misc]
        for key, until in days.items():
            if until and last_day(until) is None:
                yield Problem((*steps, *key), "must be a day such as 2030-12-31 (ISO 8601)")
        for index, one in enumerate(vendor.required):
            if one not in vendor.certificates:
                yield Problem((*steps, "required", index), "names none of its certificates", REASON)


def _over(until: str, today: date) -> bool:
    day = last_day(until) if until else None
    return day is not None and day < today


def lacks(settings: Settings, vendor: Vendor, today: date) -> Iterator[Lack]:
    """Why messages may not go to a vendor's bots today; empty where they may, or where it has none."""
    if not vendor.bots:
        return
    on = profiles(settings.privacy)
    if _over(vendor.review_until, today):
        yield ("review_until",), "is over: review it anew"
    for one in vendor.required:
        if _over(vendor.certificates.get(one, ""), today):
            yield ("certificates", one), "is over, and required"
    routes = [route for route in settings.routes.values() if route.bot in vendor.bots]
    if "personal" not in vendor.data and any(route.treatments.pii_input == "keep" for route in routes):
        yield ("data",), "does not name `personal`, and a route sends it as written"
    if on and not vendor.owner:
        yield ("owner",), "is missing: a profile needs somebody who answers for it"
    if on and not vendor.review_until:
        yield ("review_until",), "is missing: a profile needs a review with an end"
    if "gdpr" in on:
        if not vendor.dpa or _over(vendor.dpa_until, today):
            yield ("dpa",), "is missing or over (gdpr.12: Article 28)"
        if not vendor.regions or (not EEA.issuperset(vendor.regions) and vendor.transfer is None):
            yield ("regions",), "are missing, or outside the EEA without a `transfer` (gdpr.17: Articles 44-49)"
    purposes = [settings.privacy.purposes.get(route.purpose) for route in routes]
    if "hipaa" in on and any(purpose is None or purpose.phi for purpose in purposes):
        if not vendor.baa or _over(vendor.baa_until, today):
            yield ("baa",), "is missing or over (hipaa.10: 164.308(b))"
        if "health" not in vendor.data:
            yield ("data",), "does not name `health`, and its routes may hold it"


def _without_vendor(settings: Settings) -> Iterator[Problem]:
    """Rule 3, as soon as there is a register at all."""
    if not settings.vendors or not profiles(settings.privacy):
        return
    known = {bot for vendor in settings.vendors.values() for bot in vendor.bots}
    for name, bot in settings.bots.items():
        if name not in known and not is_loopback(urlsplit(bot.upstream).hostname or ""):
            yield Problem(("bots", name), "has no vendor in `[vendors]`, and is not on this machine", REASON)
