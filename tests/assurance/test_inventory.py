"""What something is made of, from every kind of file that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatward.assurance import vex
from chatward.assurance.inventory import Component, Inventory, component_of, installation, read
from chatward.assurance.sbom import cyclonedx
from chatward.assurance.scanning import Finding, Scan
from chatward.core.errors import ConfigError
from chatward.models.store import ModelFiles
from tests.assurance.making import NOW, environment, write

NPM3 = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "bot", "version": "1.0.0"},
        "node_modules/@a/b": {"version": "1.2.3"},
        "node_modules/@a/b/node_modules/c": {"version": "0.1.0"},
        "node_modules/linked": {"link": True, "resolved": "packages/linked"},
        "node_modules/odd": {},
    },
}
NPM1 = {
    "lockfileVersion": 1,
    "dependencies": {
        "c": {"version": "2.0.0", "dependencies": {"d": {"version": "3.0.0"}}},
        "g": {"version": "git+ssh://git@host/x.git#1"},
    },
}
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {
            "name": "x",
            "versionInfo": "1",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/X_y@1.0"}],
        },
        {"name": "mystery", "versionInfo": "7"},
    ],
}
INNER = {"type": "library", "name": "b", "purl": "pkg:cargo/b@2.0.0"}
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "components": [
        {"type": "library", "name": "a", "purl": "pkg:npm/%40s/a@1.0.0", "components": [INNER]},
        {"type": "library", "name": "java", "version": "1", "purl": "pkg:maven/g/java@1"},
        {"type": "machine-learning-model", "name": "m"},
    ],
}  # fmt: skip
REQUIREMENTS = """# pinned
Leaky_Bot==2.0.0 \\
    --hash=sha256:00
other[extra]==1.0 ; python_version > "3"
loose>=1
-r more.txt
--index-url https://example.invalid/
"""
UV = """
[[package]]
name = "leaky-bot"
version = "2.0.0"
[[package]]
name = "me"
version = "0.1"
source = { editable = "." }
"""
DPKG = """Package: libssl3
Status: install ok installed
Source: openssl (3.0.11-1~deb12u1)
Version: 3.0.11-1~deb12u1+b1

Package: gone
Status: deinstall ok config-files
Version: 1

Package: zlib1g
Status: install ok installed
Version: 1:1.2.13
"""
APK = """C:Q1aaaaaaaaaaaaaaaaaaaaaaaaaaa=
P:libcrypto3
V:3.1.4-r5
o:openssl
F:lib
R:libcrypto.so.3

C:Q1bbbbbbbbbbbbbbbbbbbbbbbbbbb=
P:libssl3
V:3.1.4-r5
o:openssl

C:Q1ccccccccccccccccccccccccccc=
P:musl
V:1.2.4_git20230717-r4
o:musl
"""


def told(found: Inventory) -> tuple[list[str], list[str]]:
    return [f"{one.ecosystem} {one.name} {one.version}" for one in found.components], list(found.unread)


@pytest.mark.parametrize(
    ("name", "content", "parts", "unread"),
    [
        ("package-lock.json", NPM3, ["npm @a/b 1.2.3", "npm c 0.1.0"], ["odd"]),
        ("package-lock.json", NPM1, ["npm c 2.0.0", "npm d 3.0.0"], ["g git+ssh://git@host/x.git#1"]),
        ("x.spdx.json", SPDX, ["PyPI x-y 1.0"], ["mystery 7"]),
        ("bom.json", CYCLONEDX, ["crates.io b 2.0.0", "npm @s/a 1.0.0"], ["pkg:maven/g/java@1"]),
        ("requirements.txt", REQUIREMENTS, ["PyPI leaky-bot 2.0.0", "PyPI other 1.0"], ["loose>=1", "-r more.txt"]),
        ("uv.lock", UV, ["PyPI leaky-bot 2.0.0"], []),
        ("rootfs/var/lib/dpkg/status", DPKG, ["Debian:12 openssl 3.0.11-1~deb12u1", "Debian:12 zlib1g 1:1.2.13"], []),
    ],
    ids=["npm-3", "npm-1", "spdx", "cyclonedx", "requirements", "uv", "dpkg"],
)  # fmt: skip
def test_files(name: str, content: object, parts: list[str], unread: list[str], tmp_path: Path) -> None:
    write(tmp_path / "rootfs/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    assert told(read(write(tmp_path / name, content))) == (parts, unread)


def test_alpine_goes_by_origins_and_needs_a_release(tmp_path: Path) -> None:
    file = write(tmp_path / "rootfs/lib/apk/db/installed", APK)
    assert told(read(file))[1][0] == "openssl 3.1.4-r5 (no release of Alpine is known)"
    write(tmp_path / "rootfs/etc/os-release", "ID=alpine\nVERSION_ID=3.19.1\n")
    assert told(read(file)) == (["Alpine:v3.19 musl 1.2.4_git20230717-r4", "Alpine:v3.19 openssl 3.1.4-r5"], [])
    purl = "pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&upstream=openssl&distro=alpine-3.19.1"
    assert component_of(purl) == Component("Alpine:v3.19", "openssl", "3.1.4-r5")


RPM = (
    "openssl-libs\t1:3.0.7-27.el9\topenssl-3.0.7-27.el9.src.rpm\n"
    "tzdata\t0:2024a-1.el9\ttzdata-2024a-1.el9.src.rpm\n"
    "gpg-pubkey\t0:fd431d51-4ae0493b\t(none)\n"
)
OPENSSL, ZONES = "1:3.0.7-27.el9", "0:2024a-1.el9"


def test_rpm_lists_packages_under_their_names_and_their_sources(tmp_path: Path) -> None:
    file = write(tmp_path / "rootfs/var/lib/rpm/list.txt", RPM)
    assert told(read(file)) == (
        [],
        [f"openssl-libs {OPENSSL} (no release that OSV knows)", f"tzdata {ZONES} (no release that OSV knows)"],
    )
    for system, ecosystem in {
        "ID=rocky\nVERSION_ID=9.4\n": "Rocky Linux:9",
        'ID="almalinux"\nVERSION_ID="9.4"\n': "AlmaLinux:9",
        'ID="rhel"\nVERSION_ID="9.5"\n': "Red Hat:enterprise_linux:9",
        'ID="opensuse-leap"\nVERSION_ID="15.6"\n': "openSUSE:Leap 15.6",
    }.items():
        wanted = [
            f"{ecosystem} openssl {OPENSSL}",
            f"{ecosystem} openssl-libs {OPENSSL}",
            f"{ecosystem} tzdata {ZONES}",
        ]
        assert told(read(write(tmp_path / "list.txt", system + RPM))) == (wanted, [])
        write(tmp_path / "rootfs/etc/os-release", system)
        assert told(read(file)) == (wanted, [])
    assert told(read(write(tmp_path / "list.txt", "ID=fedora\nVERSION_ID=41\n" + RPM)))[0] == []


def test_syft_names_source_packages_of_rocky_and_not_of_those_that_name_packages() -> None:
    more = "?arch=x86_64&epoch=1&upstream=openssl-3.0.7-27.el9.src.rpm&distro"
    rocky = component_of(f"pkg:rpm/rocky/openssl-libs@3.0.7-27.el9{more}=rocky-9.4")
    assert rocky == Component("Rocky Linux:9", "openssl", OPENSSL)
    red_hat = component_of(f"pkg:rpm/redhat/openssl-libs@3.0.7-27.el9{more}=rhel-9.4")
    assert red_hat == Component("Red Hat:enterprise_linux:9", "openssl-libs", OPENSSL)
    assert component_of(f"pkg:rpm/opensuse/openssl@3.0.7-27{more}=opensuse-tumbleweed-20240101") is None


def test_debian_without_a_release_is_unread(tmp_path: Path) -> None:
    found = read(write(tmp_path / "status", DPKG))
    assert not found.components
    assert len(found.unread) == 2


def test_an_environment_is_read_not_run(tmp_path: Path) -> None:
    folder = environment(tmp_path / "venv", Leaky_Bot="2.0.0", other="1.0")
    write(folder / "lib/python3.11/site-packages/leaky_bot/__init__.py", "raise SystemExit('it was run')")
    assert told(read(folder)) == (["PyPI leaky-bot 2.0.0", "PyPI other 1.0"], [])


@pytest.mark.parametrize(
    "content", ["", "{}", "{", '{"bomFormat": "CycloneDX"}', '{"lockfileVersion": 3, "packages": []}', "<html>"]
)
def test_what_names_nothing_is_an_error(content: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(write(tmp_path / "what.txt", content))
    assert caught.value.reason == "inventory-invalid"


@pytest.mark.parametrize(
    "part",
    [
        Component("PyPI", "leaky-bot", "2.0.0+local"),
        Component("npm", "@a/b", "1.2.3-rc.1"),
        Component("Debian:12", "zlib", "1:1.2.13.dfsg-1"),
        Component("Go", "github.com/a/b", "v1.0.0"),
        Component("Alpine:v3.19", "musl", "1.2.4_git20230717-r4"),
        Component("Rocky Linux:9", "openssl", "1:3.0.7-27.el9"),
        Component("AlmaLinux:10", "apr-util-devel", "0:1.6.3-23.el10_2.1"),
        Component("Red Hat:enterprise_linux:9", "sudo", "0:1.9.5p2-10.el9_6.1"),
        Component("openSUSE:Leap 15.6", "go1.20", "0:1.20.1-150000.1.1"),
    ],
    ids=lambda part: part.ecosystem,
)
def test_package_urls_round(part: Component) -> None:
    assert component_of(part.purl) == part


def test_syft_names_source_packages_of_debian() -> None:
    purl = "pkg:deb/debian/libssl3@3.0.11-1%2Bb1?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-1"
    assert component_of(purl) == Component("Debian:12", "openssl", "3.0.11-1")
    assert component_of("pkg:deb/debian/libssl3@3.0.11-1") is None


def test_the_bill_of_this_installation_names_what_is_imported_and_the_models_by_digest() -> None:
    parts = installation().components
    document = cyclonedx("chatward", parts, at=NOW, models=True)
    named = {one["name"] for one in document["components"]}
    assert {"msgspec", "cryptography", "chatward", "tier1.npz", "encoder.onnx", "urls.npz"} <= named
    models = [one for one in document["components"] if one["type"] == "machine-learning-model"]
    assert {one["hashes"][0]["content"] for one in models} <= set(ModelFiles().digests.values())
    again = cyclonedx("chatward", reversed(parts), at=NOW, models=True)
    assert json.dumps(again) == json.dumps(document)
    assert cyclonedx("chatward", parts[1:], at=NOW)["serialNumber"] != document["serialNumber"]


def test_a_bill_is_read_as_it_was_written(tmp_path: Path) -> None:
    parts = (Component("Debian:12", "zlib", "1:1.2"), Component("PyPI", "x", "1.0"), Component("npm", "@a/b", "1.0.0"))
    file = write(tmp_path / "bom.json", cyclonedx("bot", parts, at=NOW))
    assert read(file).components == tuple(sorted(parts))


def test_bills_and_findings_by_the_validator_of_cyclonedx(tmp_path: Path) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.V1_6)
    parts = (Component("Debian:12", "zlib", "1:1.2"), Component("PyPI", "leaky-bot", "2.0.0"))
    found = [
        Finding(parts[1], ("CVE-2026-0001", "OWN-1"), "critical", 9.8, True, 0.5, "2.0.1"),
        Finding(parts[1], ("CVE-2026-0002",), "unknown", None, False, None, None, "not_affected: never called"),
        Finding(parts[1], ("OWN-3",), "low", 1.0, False, None, None, "fixed"),
    ]
    made = Scan("bot", 2, tuple(found), (), frozenset())
    for document in (
        cyclonedx("chatward", installation().components, at=NOW, models=True),
        cyclonedx("bot", parts, at=NOW, scan=made),
    ):
        assert validator.validate_str(json.dumps(document)) is None
    statements = vex.read(write(tmp_path / "vex.json", document))
    assert [bool(vex.verdict(statements, one.ids, one.component)) for one in found] == [False, True, True]
