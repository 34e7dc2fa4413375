"""Systems whose packages are looked up: what OSV calls their releases, and what package URLs and they themselves do.

A system tells its id and release in ``os-release`` (os-release(5)). OSV has advisories by release: Debian and Alpine
by the source of a package, Red Hat and AlmaLinux by the package, Rocky by the source (OSV schema, "Defined
ecosystems"; purl-spec, types deb, apk, rpm).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class System:
    """``id``: in os-release. ``type`` and ``space``: of package URLs. ``name``: in OSV, before the release. ``source``:
    whether its advisories name the source of a package."""

    id: str
    type: str
    space: str
    name: str
    source: bool = True


SYSTEMS: Final = (
    System("debian", "deb", "debian", "Debian"),
    System("alpine", "apk", "alpine", "Alpine"),
    System("rocky", "rpm", "rocky", "Rocky Linux"),
    System("almalinux", "rpm", "almalinux", "AlmaLinux", source=False),
    System("rhel", "rpm", "redhat", "Red Hat", source=False),
    System("opensuse-leap", "rpm", "opensuse", "openSUSE"),
)
TYPES: Final = frozenset(one.type for one in SYSTEMS)
_NUMBER: Final = re.compile(r"(\d[\d.]*)$")
_TOLD: Final = re.compile(r'^([A-Z_]+)="?([^"\n]*)"?$', re.MULTILINE)


def ecosystem(system: System, release: str) -> str:
    """How OSV calls a release: ``Debian:12``, ``Alpine:v3.20``, ``Red Hat:enterprise_linux:9``."""
    first, *others = release.split(".")
    told = {
        "Alpine": f"v{'.'.join((first, *others[:1]))}",
        "Red Hat": f"enterprise_linux:{first}",
        "openSUSE": f"Leap {release}",
    }.get(system.name, first)
    return f"{system.name}:{told}"


def of_ecosystem(ecosystem: str) -> tuple[System, str] | None:
    """The system of an ecosystem, and its release as package URLs have it (``debian-12``), if there is one."""
    base, _, told = ecosystem.partition(":")
    system = next((one for one in SYSTEMS if one.name == base), None)
    release = _NUMBER.search(told)
    return None if system is None else (system, f"{system.id}-{release[1]}" if release else "")


def of_url(type_: str, space: str, distro: str) -> tuple[System, str] | None:
    """The system of a package URL, and its ecosystem; ``None`` where its release is not known."""
    system = next((one for one in SYSTEMS if (one.type, one.space) == (type_, space)), None)
    release = _NUMBER.search(distro)
    if system is None or release is None or (system.name == "openSUSE" and "leap" not in distro):
        return None
    return system, ecosystem(system, release[1])


def of_file(path: Path, type_: str) -> str:
    """The ecosystem of a list of packages: by the ``os-release`` of the tree in which it stands
    (``/var/lib/dpkg/status``, ``/lib/apk/db/installed``), else beside it. Empty: it is not known."""
    root = path.absolute()
    for place in (root.parent, *(list(root.parents)[3:4])):
        for name in ("os-release", "etc/os-release", "usr/lib/os-release"):
            file = place / name
            if file.is_file():
                return of_text(file.read_text("utf-8"), type_)
    return ""


def of_text(text: str, type_: str) -> str:
    """The ecosystem that an ``os-release`` tells of, if its packages are of this type; else empty."""
    told = dict(_TOLD.findall(text))
    release = told.get("VERSION_ID", "")
    system = next((one for one in SYSTEMS if (one.id, one.type) == (told.get("ID"), type_)), None)
    return ecosystem(system, release) if system is not None and release else ""
