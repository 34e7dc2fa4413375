"""Which version comes first, by the rules of each ecosystem.

The rules:

1. PyPI: PEP 440. What is no PEP 440 version comes before all that are, in the order of its parts (as ``packaging`` 21
   had it), so it is rather found in a range than missed.
2. npm, crates.io, Go, and every range of type SEMVER: Semantic Versioning 2.0.0. Missing numbers are zero, a leading
   ``v`` is no part of it, build metadata does not count.
3. Debian and what is made of it: epoch, upstream version, revision (Debian Policy 5.6.12). ``<end-of-life>`` and
   ``<unfixed>``, which stand where a fix would, come after everything.
4. Alpine: as apk-tools compares: numbers, a letter, suffixes (``_rc`` before the version itself, ``_p`` after it),
   ``-rN``; a number with zeros before it is a fraction.
5. Red Hat, Rocky, Alma, openSUSE and what else has packages of rpm: epoch, version, release, as rpm compares
   (``rpmvercmp``): numbers after letters, ``~`` before the end, ``^`` after it.
6. Others have no order here (``order`` gives ``None``): only versions that an advisory lists are compared, and what is
   left is unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

Key = Callable[[str], Any]
"""A version to something that is ordered among its like. Raises ``ValueError``."""

_SEMVER: Final = re.compile(
    r"[vV=]?\s*(\d{1,30})(?:\.(\d{1,30}))?(?:\.(\d{1,30}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_DEBIAN: Final = re.compile(r"(?:(\d{1,9}):)?([0-9A-Za-z.+:~-]*?)(?:-([0-9A-Za-z.+~]*))?", re.ASCII)
_PIECES: Final = re.compile(r"(\D*)(\d*)", re.ASCII)
_APK: Final = re.compile(
    r"(\d{1,30}(?:\.\d{1,30})*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d{0,30})*)(?:-r(\d{1,9}))?", re.ASCII
)
_SUFFIXES: Final = {"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 1, "svn": 2, "git": 3, "hg": 4, "p": 5}
_LEGACY: Final = re.compile(r"(\d+|[a-z]+|\.|-)")
_RPM: Final = re.compile(r"\d+|[A-Za-z]+|[~^]", re.ASCII)
RPM: Final = ("Red Hat", "Rocky Linux", "AlmaLinux", "openSUSE", "SUSE", "Mageia", "openEuler", "Azure Linux")
"""Ecosystems whose packages are rpm's."""
NEVER: Final = frozenset({"<end-of-life>", "<unfixed>"})
"""What Debian's advisories name as the fix where there is none."""
_LONGEST: Final = 500
_BEFORE: Final = {"~": -1}


@lru_cache(maxsize=65_536)
def pypi(version: str) -> Any:
    """PEP 440, with what came before it."""
    if len(version) > _LONGEST:
        raise ValueError("too long for a version")
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - extra `assurance`

    try:
        return (1, Version(version), ())
    except InvalidVersion:
        parts = tuple(part.zfill(30) if part.isdigit() else "*" + part for part in _LEGACY.findall(version.lower()))
        return (0, None, parts)


@lru_cache(maxsize=65_536)
def semver(version: str) -> Any:
    """Semantic Versioning 2.0.0, clause 11."""
    found = _SEMVER.fullmatch(version.strip()) if len(version) <= _LONGEST else None
    if found is None:
        raise ValueError("no semantic version")
    numbers = tuple(int(found[index] or 0) for index in (1, 2, 3))
    if found[4] is None:
        return numbers, 1, ()
    before = tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in found[4].split("."))
    return numbers, 0, before


@lru_cache(maxsize=65_536)
def debian(version: str) -> Any:
    """Debian Policy 5.6.12: letters before all else, ``~`` before the end, digits as numbers."""
    if version in NEVER:
        return math.inf, (), ()
    found = _DEBIAN.fullmatch(version.strip()) if len(version) <= _LONGEST else None
    if found is None:
        raise ValueError("no Debian version")
    return int(found[1] or 0), _debian_part(found[2]), _debian_part(found[3] or "")


def _debian_part(text: str) -> tuple[Any, ...]:
    key: list[Any] = []
    for letters, digits in _PIECES.findall(text):
        if letters or digits:
            key.append((*(_debian_order(one) for one in letters), 0))
            key.append(int(digits or 0))
    return (*key, (0,))


def _debian_order(one: str) -> int:
    return _BEFORE.get(one) or (ord(one) if one.isalpha() else ord(one) + 256)


@lru_cache(maxsize=65_536)
def apk(version: str) -> Any:
    """Alpine's (apk-tools 2, ``apk_version_compare``)."""
    found = _APK.fullmatch(version.strip()) if len(version) <= _LONGEST else None
    if found is None:
        raise ValueError("no Alpine version")
    first, *others = found[1].split(".")
    numbers = [int(first)]
    for one in others:
        digits = one.lstrip("0")
        numbers += [len(digits) - len(one)] if digits != one else []
        numbers += [int(digits)] if digits else []
    suffixes = [(_SUFFIXES[name], int(number or 0)) for name, number in re.findall(r"_([a-z]+)(\d*)", found[3])]
    return tuple(numbers), found[2], (*suffixes, (0, 0)), -1 if found[4] is None else int(found[4])


@lru_cache(maxsize=65_536)
def rpm(version: str) -> Any:
    """``epoch:version-release``; no epoch is 0, no release is before all."""
    if len(version) > _LONGEST:
        raise ValueError("too long for a version")
    epoch, colon, rest = version.strip().rpartition(":")
    upstream, dash, release = rest.partition("-")
    if not upstream:
        raise ValueError("no rpm version")
    return _rpm_part(epoch if colon else "0"), _rpm_part(upstream), _rpm_part(release) if dash else ()


def _rpm_part(text: str) -> tuple[tuple[int, int, str], ...]:
    kinds = {"~": -1, "^": 1}
    found = (
        (kinds[one], 0, "") if one in kinds else (3, int(one), "") if one.isdigit() else (2, 0, one)
        for one in _RPM.findall(text)
    )
    return (*found, (0, 0, ""))


_ORDERS: Final[dict[str, Key]] = {
    "PyPI": pypi,
    "npm": semver,
    "crates.io": semver,
    "Go": semver,
    "Debian": debian,
    "Ubuntu": debian,
    "Alpine": apk,
    **dict.fromkeys(RPM, rpm),
}


def order(ecosystem: str, range_type: str = "ECOSYSTEM") -> Key | None:
    """How versions of an ecosystem are compared; a release (``Debian:12``) does not matter. ``None``: not known."""
    if range_type == "SEMVER":
        return semver
    return _ORDERS.get(ecosystem.partition(":")[0]) if range_type == "ECOSYSTEM" else None


@lru_cache(maxsize=65_536)
def same_name(ecosystem: str, name: str) -> str:
    """The name as it is compared: PyPI's by PEP 503, others as they are."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name
