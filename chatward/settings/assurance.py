"""The settings of assurance: what bots are made of, and who runs what."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from chatward.settings.base import Seconds, Strict

Days = Annotated[int, Meta(ge=0)]
DataClass = Literal["public", "personal", "health", "payment", "secret"]


class Due(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days from the scan that first found a vulnerability to the one on which it is past due, by severity."""

    critical: Days = 7
    """Also what is known to be exploited, however bad it is."""
    high: Days = 30
    """Also what nobody has rated."""
    medium: Days = 90
    """CVSS from 4.0."""
    low: Days = 180
    """CVSS below that."""


class Drills(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days for which a drill counts (`chatward drill`). 0: none is asked for."""

    erasure: Days = 365
    """Erasing a person's data, and verifying the receipt."""
    restore: Days = 182
    """Putting a backup back."""
    incident: Days = 365
    """Going through a breach."""
    redteam: Days = 90
    """Attacking one's own bots."""


class AssuredBot(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bot is made of. The section's name is the bot's."""

    inventory: tuple[str, ...] = ()
    """Files or folders that say it: CycloneDX or SPDX (JSON), a Python environment, a requirements or lock file,
    `package-lock.json`, the `status` of dpkg, the `installed` of apk, a list of rpm's. Relative to the folder of the
    ledger."""
    code: tuple[str, ...] = ()
    """Files and folders of its own Python code, by which `chatward patches` tells what of its environment it imports.
    Relative to the folder of the ledger."""
    owner: str = ""
    """Who answers for what is found in it."""


class Assurance(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Known vulnerabilities, what is due about them, and where the evidence of vendors is kept (docs/patches.md)."""

    path: str = ""
    """The SQLite file with tasks, assessments and evidence. Empty: `chatward-assurance.db` beside the ledger."""
    advisories: str = ""
    """The SQLite file with imported advisories. Empty: `chatward-advisories.db` beside the ledger."""
    scan_every: Annotated[float, Meta(ge=0)] = 86_400.0
    """Seconds from one scan by the running gateway to the next; sooner where advisories, lists or inventories are
    newer. Only where there are advisories. 0: none."""
    stale_after: Seconds = 604_800.0
    """Seconds after which advisories and lists say nothing any more: what they do not name is unknown."""
    exploited: str = ""
    """CISA's list of known exploited vulnerabilities (JSON or CSV)."""
    likely: str = ""
    """EPSS scores (CSV, packed or not)."""
    ends: str = ""
    """Last days of support by product, as endoflife.date has them (JSON)."""
    releases: str = ""
    """The project's signed list of releases, for `chatward upgrade --check`: a file, or an `https://` URL. Empty:
    nothing is asked."""
    release_key: str = ""
    """The public key that signs it (`name+id+base64`), or a file with it."""
    release_identity: str = ""
    """Who signs releases by Sigstore: an e-mail address, or the address of a workflow with its branch or tag. With it
    the list needs a bundle beside it (`.sigstore.json`). Needs the extra `release`."""
    release_issuer: str = ""
    """The OpenID issuer that vouches for this identity (`https://accounts.google.com`)."""
    release_root: str = ""
    """Sigstore's trusted root (JSON), relative to the folder of the ledger. Empty: that of its public instance, as the
    installed package `sigstore` carries it."""
    vex: tuple[str, ...] = ()
    """Documents of makers that say what does not affect their products (OpenVEX, CycloneDX)."""
    owner: str = ""
    """Who answers for what is found in Chatward itself, and in bots without an owner."""
    quarantine: bool = False
    """Whether a bot with a critical finding past due is asked nothing (`bot-quarantined`)."""
    due: Due = field(default_factory=Due)
    """Days by severity."""
    drills: Drills = field(default_factory=Drills)
    """How often what is practised."""
    bots: dict[str, AssuredBot] = field(default_factory=dict)
    """What bots are made of."""


class Vendor(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A third party that messages, or what protects them, depend on (docs/vendors.md)."""

    name: str = ""
    """Its legal name."""
    kind: Literal["model", "platform", "channel", "feed", "hosting", "other"] = "model"
    """What it provides."""
    bots: tuple[str, ...] = ()
    """The bots that it runs: without its approval they are asked nothing."""
    domain: str = ""
    """Its domain, for what a machine can check."""
    status: str = ""
    """Where its status page is (`https://`), if it is one of Statuspage's form."""
    sbom: str = ""
    """Where its bill of materials is (CycloneDX or SPDX, JSON): `https://`, or a file beside the ledger."""
    products: tuple[str, ...] = ()
    """What CISA calls it in the list of exploited vulnerabilities: a vendor (`acme`), or one product of it."""
    owner: str = ""
    """Who answers for it here."""
    data: tuple[DataClass, ...] = ("public",)
    """What it may receive."""
    regions: tuple[str, ...] = ()
    """Where it processes: two letters of a country (ISO 3166-1), `EU` or `EEA`."""
    transfer: Literal["adequacy", "standard-clauses", "binding-rules", "derogation"] | None = None
    """On what ground data leave the EEA (GDPR Articles 45, 46, 47, 49)."""
    subprocessors: tuple[str, ...] = ()
    """Whom it uses itself."""
    dpa: str = ""
    """Where the processing contract (GDPR Article 28) is on file."""
    dpa_until: str = ""
    """Its last day (YYYY-MM-DD, UTC), if it ends."""
    baa: str = ""
    """Where the business-associate agreement (45 CFR 164.314) is on file."""
    baa_until: str = ""
    """Its last day."""
    certificates: dict[str, str] = field(default_factory=dict)
    """Last days of its certificates by name: `iso27001 = "2027-03-31"`."""
    required: tuple[str, ...] = ()
    """Those of them that it must have."""
    review_until: str = ""
    """The day until which its last review counts. Profiles of `[privacy]` demand one."""
    least_score: Annotated[int, Meta(ge=0, le=100)] = 0
    """The score that its assessment must have; 0: none is needed."""
    assessed_days: Annotated[int, Meta(ge=1)] = 365
    """Days for which an assessment counts."""
