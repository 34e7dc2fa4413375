"""What vendors publish of themselves: a status page, a bill of materials; and what is published of their products.

The rules:

1. As in ``domains``: ``ok``, ``failed`` or ``unknown``; what could not be asked, or is out of date, is unknown.
2. *Status*: a page of Statuspage's form (``/api/v2/incidents.json``). It fails while an incident of weight is open; the
   sentence has the history of ``RECENT``.
3. *Bill of materials*: it names components that can be read. *Exploited*: none of them has a vulnerability of CISA's
   list in the advisories that were imported, and none of the vendor's ``products`` came on that list within ``RECENT``.
4. Only ``https`` is asked; redirects are not followed.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chatward.assurance.domains import FAILED, OK, UNKNOWN, Resolver, Seen, get, look
from chatward.assurance.inventory import Inventory, parsed
from chatward.assurance.opening import advisories_file, beside_ledger, opened_advisories
from chatward.assurance.ranking import read_exploited
from chatward.assurance.scanning import Lists, scan
from chatward.assurance.tasks import DAY
from chatward.core.errors import ConfigError
from chatward.settings import Settings
from chatward.settings.assurance import Vendor

LARGEST: Final = 32 * 1024 * 1024
RECENT: Final = 90 * DAY
_HEAVY: Final = frozenset({"major", "critical"})

Fetch = Callable[[str], bytes]
"""The body at an address. Raises ``OSError`` where there is none."""


def fetching(context: ssl.SSLContext | None = None) -> Fetch:
    """Asks by ``https``. ``context``: whom to trust, in place of the usual."""
    trusting = context or ssl.create_default_context()

    def fetch(address: str) -> bytes:
        parts = urlsplit(address)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        host = parts.hostname or ""
        try:
            status, _, body = get(host, host, parts.port or 443, trusting, path, LARGEST + 1)
        except http.client.HTTPException as error:
            raise OSError(type(error).__name__) from error
        if status != 200 or len(body) > LARGEST:
            raise OSError(f"answered with {status}" if status != 200 else "too large")
        return body

    return fetch


@dataclass(frozen=True, slots=True)
class Looking:
    """With what vendors are looked at. ``now``: seconds since 1970. ``resolver``: ``None``: DNS is not asked."""

    settings: Settings
    now: float
    resolver: Resolver | None = None
    fetch: Fetch | None = None
    domain: Callable[..., list[Seen]] = look

    def at(self, vendor: Vendor) -> list[Seen]:
        """Everything that the settings of a vendor let a machine see. Raises ``StoreError``."""
        fetch = self.fetch or fetching()
        found = self.domain(vendor.domain, resolver=self.resolver) if vendor.domain else []
        if vendor.status:
            found.append(status(vendor.status, fetch, self.now))
        parts = Inventory()
        if vendor.sbom:
            seen, parts = _bill(self.settings, vendor.sbom, fetch)
            found.append(seen)
        if vendor.sbom or vendor.products:
            found.append(self._exploited(vendor, parts))
        return found

    def _exploited(self, vendor: Vendor, parts: Inventory) -> Seen:
        name, wanted = "exploited", self.settings.assurance
        try:
            known = read_exploited(beside_ledger(self.settings, wanted.exploited)) if wanted.exploited else None
        except ConfigError:
            known = None
        if known is None or self.now - known.as_of > wanted.stale_after:
            return Seen(name, UNKNOWN, "there is no list of exploited vulnerabilities here, or an old one")
        listed = [one for product in vendor.products for one in known.of(product)]
        if vendor.sbom:
            if not parts.components or not advisories_file(self.settings).exists():
                return Seen(name, UNKNOWN, "its parts, or advisories to compare them with, are missing")
            with opened_advisories(self.settings) as advisories:
                by = Lists(exploited=known)
                made = scan("", parts, advisories, by, now=self.now, stale_after=wanted.stale_after)
            affected = [finding.id for finding in made.findings if finding.exploited]
            if affected:
                return Seen(name, FAILED, f"in its parts: {', '.join(affected[:5])}")
            if made.unknown:
                return Seen(name, UNKNOWN, f"of its parts: {made.unknown[0]}")
        new = [cve for cve, at in listed if self.now - at <= RECENT]
        if new:
            return Seen(name, FAILED, f"in its products, on the list since less than 90 days: {', '.join(new[:5])}")
        return Seen(name, OK, f"none lately; {len(listed)} of its products ever")


def status(address: str, fetch: Fetch, now: float) -> Seen:
    """What a status page says (rule 2)."""
    try:
        incidents = json.loads(fetch(f"{address.rstrip('/')}/api/v2/incidents.json"))["incidents"]
        open_ = [str(one["impact"]) for one in incidents if not one["resolved_at"]]
        since = [str(one["impact"]) for one in incidents if now - _moment(one["created_at"]) <= RECENT]
    except OSError as error:
        return Seen("status", UNKNOWN, f"not reached: {error}")
    except (ValueError, KeyError, TypeError, RecursionError):
        return Seen("status", UNKNOWN, "it is no status page of a known form")
    heavy = sum(impact in _HEAVY for impact in since)
    said = f"{len(since)} incidents in 90 days, {heavy} of them major or critical; {len(open_)} open"
    return Seen("status", FAILED if not _HEAVY.isdisjoint(open_) else OK, said)


def _bill(settings: Settings, where: str, fetch: Fetch) -> tuple[Seen, Inventory]:
    try:
        data = fetch(where) if where.startswith("https://") else beside_ledger(settings, where).read_bytes()
        found = parsed(Path(urlsplit(where).path).name or "sbom.json", data)
    except OSError as error:
        return Seen("sbom", UNKNOWN, f"not reached: {error.strerror or error}"), Inventory()
    except ConfigError as error:
        return Seen("sbom", FAILED, error.public), Inventory()
    unread = f", {len(found.unread)} that cannot be looked up" if found.unread else ""
    return Seen("sbom", OK, f"{len(found.components)} components{unread}"), found


def _moment(text: Any) -> float:
    at = datetime.fromisoformat(str(text))
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def changed(before: Sequence[Seen], after: Sequence[Seen]) -> list[Mapping[str, str | None]]:
    """What looks otherwise than the last time."""
    old, new = ({one.name: one.state for one in seen} for seen in (before, after))
    return [
        {"name": name, "before": old.get(name), "after": new.get(name)}
        for name in dict.fromkeys((*new, *old))
        if old.get(name) != new.get(name)
    ]
