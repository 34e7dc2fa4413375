"""Every format, from small files of this project's own, through the whole life of a source."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from chatward.core.indicators import Sighting
from chatward.intel.rules import current
from chatward.intel.store import HOPELESS
from tests.intel.conftest import DAY, Desk

URLHAUS = """################
# abuse.ch URLhaus Database Dump (CSV)
# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter
"1","2027-01-10 10:00:00","http://files.example.net/a.exe","online","2027-01-14 00:00:00","malware_download",\
"exe","https://x.example/1/","ann"
"2","2027-01-01 10:00:00","http://files.example.net/b.exe","offline","","malware_download","",\
"https://x.example/2/","ann"
"""
# Columns as their publishers have them.
THREATFOX = """# first_seen_utc,ioc_id,ioc_value,ioc_type,threat_type,fk_malware,malware_alias,\
malware_printable,last_seen_utc,confidence_level,reference,tags,anonymous,reporter
"2027-01-10 10:00:00", "7", "203.0.113.9:8080", "ip:port", "botnet_cc", "win.x", "", "X", "", "75", "", "", "0", "ann"
"2027-01-10 10:00:00", "8", "c2.example.net", "domain", "botnet_cc", "win.x", "", "X", \
"2027-01-12 10:00:00", "50", "", "", "0", "ann"
"2027-01-10 10:00:00", "9", "ann@example.com", "email", "payload", "win.x", "", "X", "", "50", "", "", "0", "ann"
"""
THREATFOX_JSON = {
    "7": [{"ioc_value": "203.0.113.9:8080", "ioc_type": "ip:port", "threat_type": "botnet_cc", "confidence_level": 75}],
    "8": [{"ioc_value": "c2.example.net", "ioc_type": "domain", "threat_type": "botnet_cc", "confidence_level": 50}],
}
PHISHTANK = """phish_id,url,phish_detail_url,submission_time,verified,verification_time,online,target
1,"https://bank.example.net/login?a=1,2",http://x.example/1,2027-01-10T10:00:00+00:00,yes,\
2027-01-10T11:00:00+00:00,yes,Other
"""
STIX = {
    "type": "bundle",
    "objects": [
        {
            "type": "indicator",
            "pattern_type": "stix",
            "pattern": "[url:value = 'http://bank.example.net/login'] OR [domain-name:value = 'evil.example.net']",
            "indicator_types": ["phishing"],
            "valid_from": "2027-01-10T00:00:00Z",
            "valid_until": "2027-02-10T00:00:00Z",
            "confidence": 60,
            "object_marking_refs": ["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"],
        },
        {"type": "indicator", "pattern_type": "stix", "pattern": "[url:value LIKE 'http%']"},
        {"type": "indicator", "pattern_type": "yara", "pattern": "rule x { condition: true }"},
        {"type": "malware", "name": "x"},
    ],
}
WARNINGLIST = {"name": "resolvers", "type": "cidr", "list": ["203.0.113.0/24", "2001:db8::/32"]}


def one(desk: Desk, kind: str, *values: str) -> Sighting:
    (found,) = desk.look_up(kind, *values)
    return found


def test_an_indicator_counts_from_the_day_on_that_it_names(desk: Desk) -> None:
    def indicator(number: int, **times: str) -> dict[str, str]:
        pattern = f"[domain-name:value = 'evil{number}.example.net']"
        return {"type": "indicator", "pattern_type": "stix", "pattern": pattern, **times}

    objects = [
        indicator(1, valid_from="2027-03-01T00:00:00Z"),
        indicator(2, valid_from="2027-03-01T00:00:00Z", valid_until="9999-12-31T23:59:59Z"),
    ]
    desk.source("own", json.dumps(objects), format="stix")
    assert desk.update()["own"].rows == 2
    assert not desk.look_up("domain", "evil1.example.net", "evil2.example.net")
    desk.now = datetime(2027, 3, 1, 0, 0, 1, tzinfo=UTC).timestamp()
    assert len(desk.look_up("domain", "evil1.example.net", "evil2.example.net")) == 2


def test_plain_lists(desk: Desk) -> None:
    text = (
        "# head\n; note\n// note\n\nevil.example.net\thits 3\nhxxp://bad[.]example.net/x y\n203.0.113.9,\nnot a value\n"
    )
    desk.source("own", text, type="scam", confidence=0.7, tlp="green")
    assert desk.update()["own"].rows == 3
    found = one(desk, "domain", "evil.example.net")
    assert (found.source, found.type, found.tlp, found.confidence, found.score) == ("own", "scam", "green", 0.7, 0.7)
    assert desk.look_up("url", "bad.example.net/x")
    assert desk.look_up("ip", "203.0.113.9")
    assert desk.index().status.sources["own"].skipped == 1


def test_hosts_files(desk: Desk) -> None:
    text = "127.0.0.1 localhost\n0.0.0.0 evil.example.net bad.example.net # both\n||ads.example.net^$third-party\n"
    desk.source("own", text, format="hosts")
    assert desk.update()["own"].rows == 3
    assert len(desk.look_up("domain", "evil.example.net", "bad.example.net", "ads.example.net")) == 3


def test_networks_and_ranges(desk: Desk) -> None:
    desk.source("own", "203.0.113.0/24\n198.51.100.4-198.51.100.9\n2001:db8::/48\n0.0.0.0/0\n9-1\n", format="cidr")
    done = desk.update()["own"]
    assert (done.outcome, done.skipped) == ("imported", 2)
    inside = ("203.0.113.77", "198.51.100.4", "198.51.100.9", "2001:db8::7")
    assert {found.index for found in desk.look_up("ip", *inside)} == {0, 1, 2, 3}
    assert not desk.look_up("ip", "198.51.100.3", "198.51.100.10", "2001:db8:1::", "203.0.114.0")


def test_urlhaus(desk: Desk) -> None:
    desk.source("haus", URLHAUS, format="urlhaus", type="malware")
    assert desk.update()["haus"].rows == 2
    first, second = desk.look_up("url", "files.example.net/a.exe", "files.example.net/b.exe")
    assert first.type == second.type == "malware"
    assert first.last - first.first == pytest.approx(3.583 * DAY, rel=0.01)
    assert second.last == second.first


@pytest.mark.parametrize("text", [THREATFOX, json.dumps(THREATFOX_JSON)], ids=["csv", "json"])
def test_threatfox(desk: Desk, text: str) -> None:
    desk.source("fox", text, format="threatfox")
    assert desk.update()["fox"].rows == 2
    assert one(desk, "ip", "203.0.113.9").confidence == 0.75
    found = one(desk, "domain", "c2.example.net")
    assert (found.type, found.confidence) == ("command-and-control", 0.5)


PHISHTANK_JSON = [{"url": "https://bank.example.net/login?a=1,2", "verification_time": "2027-01-10T11:00:00+00:00"}]


@pytest.mark.parametrize("text", [PHISHTANK, json.dumps(PHISHTANK_JSON)], ids=["csv", "json"])
def test_phishtank(desk: Desk, text: str) -> None:
    desk.source("tank", text, format="phishtank")
    assert desk.update()["tank"].rows == 1
    assert one(desk, "url", "bank.example.net/login?a=1,2").type == "phishing"


def test_openphish(desk: Desk) -> None:
    desk.source("open", "https://bank.example.net/a\nhttps://bank.example.net/b\n", format="openphish")
    assert desk.update()["open"].rows == 2
    assert one(desk, "url", "bank.example.net/b").type == "phishing"


TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "csv, by name": (
        "when,Host\n2027-01-02,evil.example.net\n",
        {"format": "csv", "columns": {"value": "host", "first": "when"}},
    ),
    "csv, by number": ("2027-01-02,evil.example.net\n", {"format": "csv", "columns": {"value": "1", "first": "0"}}),
    "json": (
        '[{"v": "evil.example.net", "w": "2027-01-02"}]',
        {"format": "json", "columns": {"value": "v", "first": "w"}},
    ),
    "json lines": (
        '{"v": "evil.example.net", "w": "2027-01-02"}\n\n{"v": "other.example.net"}\n',
        {"format": "json", "columns": {"value": "v", "first": "w"}},
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(desk: Desk, name: str) -> None:
    text, more = TABLES[name]
    desk.source("own", text, **more)
    assert desk.update()["own"].outcome == "imported"
    assert one(desk, "domain", "evil.example.net").first == 1_798_848_000.0


def test_stix(desk: Desk) -> None:
    desk.source("stix", json.dumps(STIX), format="stix")
    assert desk.update()["stix"].skipped == 2
    found = one(desk, "domain", "evil.example.net")
    assert (found.type, found.confidence, found.tlp) == ("phishing", 0.6, "amber")
    assert found.expires == 1_802_217_600.0
    assert desk.look_up("url", "bank.example.net/login")
    desk.now = found.expires
    assert not desk.look_up("domain", "evil.example.net")


def test_a_revoked_indicator_takes_its_values_back(desk: Desk) -> None:
    desk.source("stix", json.dumps(STIX), format="stix")
    desk.update()
    gone = {"objects": [{**STIX["objects"][0], "revoked": True}]}  # type: ignore[dict-item]
    desk.source("stix", json.dumps(gone), format="stix")
    desk.update()
    assert not desk.look_up("domain", "evil.example.net")


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_an_indicator_the_newest_version_counts(desk: Desk, newest_first: bool) -> None:
    made = {**STIX["objects"][0], "id": "indicator--1", "modified": "2027-01-10T00:00:00Z"}  # type: ignore[dict-item]
    gone = {**made, "modified": "2027-01-10T00:00:00.5Z", "revoked": True}
    other = {**made, "id": "indicator--2", "pattern": "[domain-name:value = 'other.example.net']"}
    versions = [gone, made] if newest_first else [made, gone]
    desk.source("stix", json.dumps({"objects": [*versions, other]}), format="stix")
    desk.update()
    assert not desk.look_up("domain", "evil.example.net")
    assert desk.look_up("domain", "other.example.net")


def test_warninglists_give_contexts_and_nothing_else(desk: Desk) -> None:
    desk.source("resolvers", json.dumps(WARNINGLIST), format="misp-warninglist", context="public-resolver")
    desk.update()
    assert not desk.look_up("ip", "203.0.113.9")
    desk.source("own", "203.0.113.9\n")
    desk.update()
    assert one(desk, "ip", "203.0.113.9").contexts == ("public-resolver",)


@pytest.mark.parametrize("type_", ["regex", "substring"])
def test_warninglists_that_cannot_be_looked_up_are_refused(desk: Desk, type_: str) -> None:
    desk.source("list", json.dumps({"type": type_, "list": ["a"]}), format="misp-warninglist", context="cdn")
    assert desk.update()["list"].error == "intel-format"


def test_hosting_that_millions_share_is_known_without_a_list(desk: Desk) -> None:
    desk.source("own", "github.io\nco.uk\nme.github.io\nhttps://sites.google.com/view/x\n")
    desk.update()
    assert one(desk, "domain", "github.io").contexts == ("shared-hosting",)
    assert one(desk, "domain", "co.uk").contexts == ("public-suffix",)
    assert one(desk, "domain", "me.github.io").contexts == ()
    assert one(desk, "url", "sites.google.com/view/x").contexts == ("shared-hosting",)


def test_yara_bundles_are_kept_by_version(desk: Desk) -> None:
    desk.source("rules", "rule a { condition: true }", format="yara")
    desk.update()
    first = current(desk.folder / "kept", "rules")
    assert first is not None
    assert first.read_text() == "rule a { condition: true }"
    for number in range(4):
        desk.source("rules", f"rule b{number} {{ condition: true }}", format="yara")
        desk.update()
    newest = current(desk.folder / "kept", "rules")
    assert newest is not None
    assert newest.read_text() == "rule b3 { condition: true }"
    assert len(list(newest.parent.glob("*.yar"))) == 3


def test_a_yara_bundle_that_does_not_compile_leaves_the_one_before(desk: Desk) -> None:
    pytest.importorskip("yara_x", reason="without YARA-X bundles are kept as they come")
    desk.source("rules", "rule a { condition: true }", format="yara")
    desk.update()
    desk.source("rules", "rule b { strin", format="yara")
    done = desk.update()["rules"]
    assert (done.outcome, done.error) == ("failed", "intel-format")
    newest = current(desk.folder / "kept", "rules")
    assert newest is not None
    assert newest.read_text() == "rule a { condition: true }"


def packed(name: str, data: bytes) -> bytes:
    if name == "gzip":
        return gzip.compress(data)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list.txt", data)
    return out.getvalue()


@pytest.mark.parametrize("name", ["gzip", "zip"])
def test_packed_files(desk: Desk, name: str) -> None:
    desk.source("own", packed(name, b"evil.example.net\n"))
    assert desk.update()["own"].rows == 1


@pytest.mark.parametrize("name", ["gzip", "zip"])
def test_what_unpacks_to_too_much_is_refused(desk: Desk, name: str) -> None:
    desk.source("own", packed(name, b"evil.example.net\n" * 100_000), max_size=100_000)
    assert desk.update()["own"].error == "intel-too-large"


def encrypted(data: bytes) -> bytes:
    """A zip that says that it is encrypted (APPNOTE 4.4.4, bit 0), in both of its headers."""
    made = bytearray(packed("zip", data))
    made[made.index(b"PK\x03\x04") + 6] |= 1
    made[made.index(b"PK\x01\x02") + 8] |= 1
    return bytes(made)


PAGE = b"<!DOCTYPE html>\n<title>Sign in</title>\nevil.example.org\n"
BROKEN = {
    "a portal's page": ("list", PAGE, "intel-format"),
    "a portal's page for addresses": ("cidr", b"\xef\xbb\xbf\n " + PAGE, "intel-format"),
    "a list in UTF-16": ("list", "evil.example.org\n".encode("utf-16"), "intel-format"),
    "words": ("list", b"Too many requests\nTry again later\n", "intel-format"),
    "one endless line": ("list", b"x" * 100_000, "intel-format"),
    "a table of something else": ("json", b'[{"name": "evil.example.org"}]', "intel-format"),
    "zip with a password": ("list", encrypted(b"evil.example.org\n"), "intel-archive"),
    "gzip cut short": ("list", gzip.compress(b"evil.example.net\n" * 1000)[:-9], "intel-archive"),
    "zip that is none": ("list", b"PK\x03\x04broken", "intel-archive"),
    "csv without the column": ("csv", b"a,b\n1,2\n", "intel-columns"),
    "json that is none": ("json", b'{"a": ', "intel-format"),
    "stix that is none": ("stix", b"[1, 2", "intel-format"),
    "stix without objects": ("stix", b'{"objects": 1}', "intel-format"),
    "a file that is missing": ("list", None, "intel-unreadable"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_changes_nothing(desk: Desk, name: str) -> None:
    form, data, reason = BROKEN[name]
    desk.source("own", b"evil.example.net\n", format="list")
    desk.update()
    (desk.folder / "own").unlink()
    desk.source("own", data, format=form)
    assert (desk.update()["own"].outcome, desk.update()["own"].error) == ("failed", reason)
    assert desk.look_up("domain", "evil.example.net")
    assert desk.index().status.sources["own"].error == reason


def test_a_file_that_says_nothing_is_not_read_to_its_end(desk: Desk) -> None:
    desk.source("own", packed("gzip", b"0\n" * (HOPELESS + 1) + b"evil.example.net\n"))
    assert desk.update()["own"].error == "intel-format"
    assert not desk.look_up("domain", "evil.example.net")


def test_an_empty_list_is_a_list(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n")
    desk.update()
    desk.source("own", "# nothing at the moment\n")
    assert desk.update()["own"].outcome == "imported"
    assert not desk.look_up("domain", "evil.example.net")
