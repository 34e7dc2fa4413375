"""``[intel]``: sources of threat intelligence."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from chatward.settings.base import Fraction, Seconds, Size, Strict


class IntelSource(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source of threat intelligence: a file, or something that is asked over HTTPS."""

    name: str
    """What findings call it: `links.intel/NAME`. Lower-case letters, digits and hyphens."""
    format: Literal[
        "list", "hosts", "cidr", "csv", "json", "urlhaus", "threatfox", "phishtank", "openphish", "stix", "taxii",
        "misp", "misp-warninglist", "crowdsec", "yara"
    ] = "list"  # fmt: skip
    """How it is written."""
    location: str
    """A file or folder, relative to the folder of the ledger, or a URL (https, or loopback)."""
    type: Literal[
        "phishing", "scam", "malware", "command-and-control", "spam", "scanner", "anonymiser", "compromised",
        "malicious"
    ] = "malicious"  # fmt: skip
    """What its entries stand for where they do not say it themselves."""
    confidence: Fraction = 0.8
    """How sure its entries are where they do not say it themselves."""
    tlp: Literal["clear", "green", "amber", "amber+strict", "red"] = "amber"
    """To whom its entries may be passed on, where they do not say it themselves."""
    context: str = ""
    """Makes it a warninglist: its entries are no threats, they are `shared-hosting`, `public-resolver`, `vpn`, ..."""
    refresh: Annotated[float, Meta(ge=1)] = 3_600.0
    """Seconds between two fetches over the network. Files are looked at twice a second."""
    stale_after: Seconds = 259_200.0
    """Seconds without a successful fetch after which it is out of date: what it does not list is unknown then."""
    forgets: Literal["auto", "at-once", "with-age"] = "auto"
    """When what it no longer lists stops to count: at once, or with age. `auto`: at once for a file, with age for a
    server, whose list often has the newest only."""
    on_stale: Literal["note", "unavailable"] = "note"
    """What being out of date means: it is shown, or the guard counts as one that could not run."""
    key: str | None = None
    """Reference to the key that the source asks for."""
    key_header: str = "authorization"
    """The header in which the key is sent (CrowdSec: `x-api-key`); for `authorization`, `Bearer` stands before it."""
    sha256: str = ""
    """A URL or file with the SHA-256 of what is fetched, or the digest itself; without a match nothing is taken."""
    signed_by: str = ""
    """The verification key (`name+id+base64`) that must have signed the list (a signed note)."""
    columns: dict[str, str] = field(default_factory=dict)
    """`csv`, `json`: names or numbers of columns for `value`, `kind`, `type`, `first`, `last`, `confidence`."""
    max_size: Size = 1024 * 1024 * 1024
    """Bytes of the largest answer, unpacked."""


class Intel(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Threat intelligence: what is listed as harmful, by whom, and for how long that counts."""

    path: str = ""
    """The folder with what was fetched. Empty: `chatward-intel` beside the ledger."""
    sources: tuple[IntelSource, ...] = ()
    """Where it comes from."""
    lifetimes: dict[str, float] = field(default_factory=dict)
    """Days after the last sighting from which an entry counts for nothing, by type: `phishing = 60`."""
    keep: Annotated[float, Meta(ge=1)] = 730.0
    """Days after the last sighting from which an entry is deleted."""
