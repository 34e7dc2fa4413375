"""What vendors publish, what is published of them, and whether their zones are signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.dnssectypes
import dns.exception
import dns.name
import dns.resolver
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from chatward.assurance.domains import Seen
from chatward.assurance.opening import opened_advisories
from chatward.assurance.published import RECENT, Looking, changed, status
from chatward.assurance.resolving import System
from chatward.settings import LedgerSettings, Settings
from chatward.settings.assurance import Assurance, Vendor
from tests.assurance.making import NOW, advisory, write

BILL = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [{"type": "library", "name": "leaky-bot", "version": "2.0.0", "purl": "pkg:pypi/leaky-bot@2.0.0"}],
}
KEV = {
    "dateReleased": "2026-09-20T00:00:00Z",
    "vulnerabilities": [
        {"cveID": "CVE-2026-0001", "vendorProject": "Leaky", "product": "Bot", "dateAdded": "2026-09-01"},
        {"cveID": "CVE-2019-0002", "vendorProject": "Leaky", "product": "Gate", "dateAdded": "2021-01-01"},
    ],
}


def nobody(address: str) -> bytes:
    raise OSError("nobody answers")


def answering(**pages: Any) -> Any:
    return lambda address: json.dumps(pages[address.rpartition("/")[2].partition(".")[0]]).encode()


def incident(day: str, impact: str, *, resolved: bool = True) -> dict[str, Any]:
    return {"created_at": f"{day}T10:00:00.000Z", "resolved_at": f"{day}T11:00:00.000Z" * resolved, "impact": impact}


@pytest.mark.parametrize(
    ("incidents", "state", "said"),
    [
        ([incident("2026-09-01", "minor"), incident("2020-01-01", "critical")], "ok", "1 incidents in 90 days, 0 of"),
        ([incident("2026-09-20", "major", resolved=False)], "failed", "1 of them major or critical; 1 open"),
        ([incident("2026-09-20", "minor", resolved=False)], "ok", "1 open"),
        ([{}], "unknown", "known form"),
    ],
    ids=["history", "open", "small", "form"],
)
def test_a_status_page_tells_its_history(incidents: Any, state: str, said: str) -> None:
    seen = status("https://status.vendor.example/", answering(incidents={"incidents": incidents}), NOW)
    assert (seen.state, said in seen.sentence) == (state, True), seen
    assert status("https://status.vendor.example", nobody, NOW).state == "unknown"
    assert status("https://status.vendor.example", lambda address: b"[" * 100_000, NOW).state == "unknown"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write(tmp_path / "kev.json", KEV)
    made = Settings(
        ledger=LedgerSettings(path=str(tmp_path / "ledger.db")),
        assurance=Assurance(exploited="kev.json"),
    )
    with opened_advisories(made) as advisories:
        advisories.take([write(tmp_path / "one.json", advisory())], now=NOW)
    return made


def seen(settings: Settings, vendor: Vendor, fetch: Any = nobody, now: float = NOW) -> dict[str, str]:
    return {one.name: one.state for one in Looking(settings, now, fetch=fetch).at(vendor)}


def test_a_bill_of_materials_is_read_and_compared_with_what_is_exploited(settings: Settings) -> None:
    vendor = Vendor(sbom="https://vendor.example/bill.json")
    assert seen(settings, vendor, answering(bill=BILL)) == {"sbom": "ok", "exploited": "failed"}
    mended = json.loads(json.dumps(BILL).replace("2.0.0", "2.0.1"))
    assert seen(settings, vendor, answering(bill=mended)) == {"sbom": "ok", "exploited": "ok"}
    assert seen(settings, vendor) == {"sbom": "unknown", "exploited": "unknown"}
    assert seen(settings, vendor, answering(bill={"some": "page"})) == {"sbom": "failed", "exploited": "unknown"}
    late = NOW + 8 * 86_400
    assert seen(settings, vendor, answering(bill=mended), late)["exploited"] == "unknown", "old lists say nothing"


def test_products_on_the_list_lately_are_told(settings: Settings) -> None:
    assert seen(settings, Vendor(products=("Leaky Bot",))) == {"exploited": "failed"}
    assert seen(settings, Vendor(products=("leaky",))) == {"exploited": "failed"}
    assert seen(settings, Vendor(products=("leaky gate", "leak"))) == {"exploited": "ok"}
    assert RECENT < NOW - 1_609_459_200


def test_changes_of_looks() -> None:
    before = [Seen("tls", "ok", ""), Seen("caa", "ok", "")]
    after = [Seen("tls", "failed", ""), Seen("caa", "ok", "other words"), Seen("sbom", "ok", "")]
    assert changed(before, after) == [
        {"name": "tls", "before": "ok", "after": "failed"},
        {"name": "sbom", "before": None, "after": "ok"},
    ]


# --- DNSSEC: a zone signed here, answered by a resolver that knows nothing else ------------------------------


class Zone:
    """``vendor.example`` with one key."""

    def __init__(self, *, ds: str = "right", signed: bool = True) -> None:
        name = dns.name.from_text("vendor.example.")
        private = ed25519.Ed25519PrivateKey.generate()
        key = dns.dnssec.make_dnskey(private.public_key(), dns.dnssectypes.Algorithm.ED25519, flags=257)
        keys = dns.rrset.from_rdata_list(name, 300, [key])
        other = ed25519.Ed25519PrivateKey.generate()
        proof = dns.dnssec.sign(keys, private if signed else other, name, key, lifetime=3600, verify=False)
        digest = dns.dnssec.make_ds(name, key, dns.dnssectypes.DSDigest.SHA256).to_text()
        if ds == "wrong":
            digest = digest[:-2] + ("00" if not digest.endswith("00") else "11")
        self.known = {
            "SOA": dns.rrset.from_text(name, 300, "IN", "SOA", ". . 1 2 3 4 5"),
            "DNSKEY": keys,
            "DS": dns.rrset.from_text(name, 300, "IN", "DS", digest) if ds else None,
        }
        self.proof = dns.rrset.from_rdata_list(name, 300, [proof])
        self.fails = False

    def use_edns(self, *options: Any) -> None:
        return

    def resolve(self, name: str, kind: str, lifetime: float) -> Any:
        if self.fails:
            raise dns.exception.Timeout
        found = self.known.get(kind) if name == "vendor.example" else None
        if found is None:
            raise dns.resolver.NoAnswer(response=dns.message.make_query(name, kind))
        return Answer(found, self.proof)


class Answer(list[Any]):
    def __init__(self, rrset: Any, proof: Any) -> None:
        super().__init__(rrset)
        self.rrset = rrset
        self.response = dns.message.Message()
        self.response.answer = [rrset, proof]
        self.response.index = None  # it was not read from the wire


def test_a_signed_zone_is_one_that_is_vouched_for_above() -> None:
    assert System(Zone()).chained("api.vendor.example")
    assert not System(Zone(ds="wrong")).chained("vendor.example")
    assert not System(Zone(ds="")).chained("vendor.example")
    assert not System(Zone(signed=False)).chained("vendor.example")
    assert not System(Zone()).chained("other.example")
    silent = Zone()
    silent.fails = True
    with pytest.raises(OSError, match="Timeout"):
        System(silent).chained("vendor.example")
