"""What something is made of: components with name, version and ecosystem, read from what there is.

The rules:

1. Read, never run: a Python environment is read from its ``*.dist-info`` folders, whichever interpreter it belongs to.
2. What cannot be read, has no exact version or no known ecosystem is kept as *unread*, with the reason: it is not known
   to be safe. A source that names nothing at all is an error.
3. Kinds of source are told apart by content: a CycloneDX or SPDX file (JSON), ``package-lock.json`` (npm, versions 1 to
   3), a requirements or lock file of pip, ``uv.lock`` / ``poetry.lock``, the ``status`` file of dpkg, the ``installed``
   file of apk, what rpm lists in the form ``RPM_FORM``, a folder.

Sources: CycloneDX 1.6, SPDX 2.3, package URLs (purl-spec), PEP 503, PEP 508, PEP 751's forerunners, deb-control(5).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from chatward.assurance import systems
from chatward.assurance.versions import same_name
from chatward.core.errors import ConfigError

OWN: Final = "chatward"
"""What this installation is called among the things that are looked through."""
MOST: Final = 256 * 1024 * 1024
"""Bytes of the largest file."""
RPM_FORM: Final = r"%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{SOURCERPM}\n"
"""What ``rpm -qa --queryformat`` is given."""
_TYPES: Final = {"pypi": "PyPI", "npm": "npm", "cargo": "crates.io", "golang": "Go"}
_ECOSYSTEMS: Final = {ecosystem: type_ for type_, ecosystem in _TYPES.items()}
_PURL: Final = re.compile(r"pkg:([a-z0-9.+-]+)/([^@?#]+)(?:@([^?#]+))?(?:\?([^#]*))?")
_PINNED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([A-Za-z0-9.!+_-]+)\s*(?:;.*)?")
_NAMED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SOURCE: Final = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")
_RPM: Final = re.compile(r"^(\S+)\t(\d+:\S+)\t(\S+)$", re.MULTILINE)
_SOURCE_RPM: Final = re.compile(r"(\S+)-[^-]+-[^-]+\.src\.rpm")


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One part. ``ecosystem`` as in OSV (``PyPI``, ``npm``, ``Debian:12``)."""

    ecosystem: str
    name: str
    version: str
    license: str = field(default="", compare=False)

    @property
    def purl(self) -> str:
        """The package URL, without qualifiers but the release of a system and the epoch of rpm."""
        name, version = quote(same_name(self.ecosystem, self.name), safe="/"), self.version
        known = systems.of_ecosystem(self.ecosystem)
        if known is None:
            type_ = _ECOSYSTEMS.get(self.ecosystem, self.ecosystem.lower() or "generic")
            return f"pkg:{type_}/{name}@{quote(version, safe='')}"
        system, release = known
        epoch, _, rest = version.rpartition(":")
        told = []
        if system.type == "rpm" and epoch:
            version = rest
            told += [f"epoch={epoch}"] if epoch != "0" else []
        told += [f"distro={release}"] if release else []
        query = f"?{'&'.join(told)}" if told else ""
        return f"pkg:{system.type}/{system.space}/{name}@{quote(version, safe='')}{query}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """``unread``: what is there and cannot be looked up, and why."""

    components: tuple[Component, ...] = ()
    unread: tuple[str, ...] = ()

    def __or__(self, other: Inventory) -> Inventory:
        parts = sorted(dict.fromkeys((*self.components, *other.components)))
        return Inventory(tuple(parts), tuple(dict.fromkeys((*self.unread, *other.unread))))


def installation() -> Inventory:
    """The Python packages that this process can import, and what Chatward carries in itself."""
    return _distributions(metadata.distributions()) | vendored()


def vendored() -> Inventory:
    """What others wrote for browsers and the wheel has (``scripts/vendor``)."""
    lock = files("chatward.console").joinpath("static", "vendor", "vendored.json")
    return of_document(json.loads(lock.read_text("utf-8")))


def read(path: Path) -> Inventory:
    """One source. Raises ``ConfigError``."""
    try:
        if path.is_dir():
            found = _folder(path)
        else:
            if path.stat().st_size > MOST:
                raise ConfigError(f"{path} is larger than {MOST // 2**20} MiB", reason="inventory-invalid")
            found = _file(path, path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", reason="inventory-invalid") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path} is none of the files that name components", reason="inventory-invalid") from error
    if not found.components and not found.unread:
        raise ConfigError(f"{path} names no component", reason="inventory-invalid")
    return found


def parsed(name: str, data: bytes) -> Inventory:
    """One source that is no file here: an upload, an answer. ``name`` is what it is called. Raises ``ConfigError``."""
    try:
        found = _file(Path(Path(name).name), data.decode("utf-8-sig"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError("It is none of the files that name components.", reason="inventory-invalid") from error
    if not found.components and not found.unread:
        raise ConfigError("It names no component.", reason="inventory-invalid")
    return found


def installed_in(path: Path) -> list[Path]:
    """Where packages are installed in a virtual environment, or in a folder such as ``site-packages``."""
    places = [path, *sorted(path.glob("lib/python*/site-packages")), path / "Lib" / "site-packages"]
    return [place for place in places if place.is_dir() and any(place.glob("*-info"))]


def _folder(path: Path) -> Inventory:
    found = [str(place) for place in installed_in(path)]
    return _distributions(metadata.distributions(path=found)) if found else Inventory()


def _distributions(found: Iterable[metadata.Distribution]) -> Inventory:
    parts, unread = [], []
    for one in found:
        name, version = one.metadata["Name"], one.metadata["Version"]
        if not name or not version:
            unread.append("a package without name or version")
            continue
        parts.append(Component("PyPI", same_name("PyPI", name), version, one.metadata["License-Expression"] or ""))
    return Inventory(tuple(sorted(set(parts))), tuple(unread))


def _file(path: Path, text: str) -> Inventory:
    if text.lstrip().startswith("{"):
        return of_document(json.loads(text))
    if path.suffix == ".lock" or (path.suffix == ".toml" and "[[package" in text):
        return _toml_lock(tomllib.loads(text))
    if re.search(r"^C:Q1", text, re.MULTILINE) and re.search(r"^P:", text, re.MULTILINE):
        return _apk(path, text)
    if re.search(r"^Package: ", text, re.MULTILINE) and re.search(r"^Status: ", text, re.MULTILINE):
        return _dpkg(path, text)
    if _RPM.search(text):
        return _rpm(path, text)
    return _requirements(text)


def of_document(document: Mapping[str, Any]) -> Inventory:
    """A CycloneDX or SPDX document, or an npm lock file. Raises ``ConfigError`` and what odd content raises."""
    if document.get("bomFormat") == "CycloneDX":
        return _cyclonedx(document)
    if str(document.get("spdxVersion", "")).startswith("SPDX-2"):
        return _spdx(document)
    if "lockfileVersion" in document:
        return _npm(document)
    raise ConfigError("It is neither CycloneDX, SPDX 2 nor an npm lock file.", reason="inventory-invalid")


def _collected(found: Iterable[Component | str]) -> Inventory:
    parts, unread = [], []
    for one in found:
        if isinstance(one, Component):
            parts.append(one)
        else:
            unread.append(one)
    return Inventory(tuple(sorted(set(parts))), tuple(dict.fromkeys(unread)))


def component_of(purl: str) -> Component | None:
    """The component that a package URL names; ``None`` without a version, or in an ecosystem that is not known."""
    found = _PURL.fullmatch(purl)
    if found is None or found[3] is None or found[1] not in _TYPES.keys() | systems.TYPES:
        return None
    ecosystem, name, version = _TYPES.get(found[1], ""), unquote(found[2]), unquote(found[3])
    if not ecosystem:
        space, _, name = name.partition("/")
        told = dict(pair.partition("=")[::2] for pair in (found[4] or "").split("&"))
        known = systems.of_url(found[1], space, unquote(told.get("distro", "")))
        if known is None:
            return None
        system, ecosystem = known
        source = unquote(told.get("upstream", "")) if system.source else ""  # syft's way to name the source package
        if found[1] == "rpm":
            version = f"{told.get('epoch') or 0}:{version}"
            made_of = _SOURCE_RPM.fullmatch(source)
            name = made_of[1] if made_of else name
        elif source:
            name, _, other = source.partition("@")
            version = other or version
    return Component(ecosystem, same_name(ecosystem, name), version)


def _cyclonedx(document: Mapping[str, Any]) -> Inventory:
    return _collected(_cyclonedx_parts(document.get("components") or ()))


def _cyclonedx_parts(components: Iterable[Mapping[str, Any]]) -> Iterator[Component | str]:
    for one in components:
        purl = str(one.get("purl") or "")
        found = component_of(purl) if purl else None
        if found is not None:
            yield found
        elif one.get("type") not in {"file", "machine-learning-model", "data"}:
            yield purl or f"{one.get('name', '?')} {one.get('version', '')}".strip()
        yield from _cyclonedx_parts(one.get("components") or ())


def _spdx(document: Mapping[str, Any]) -> Inventory:
    def parts() -> Iterator[Component | str]:
        for one in document.get("packages") or ():
            purls = [
                ref.get("referenceLocator", "")
                for ref in one.get("externalRefs") or ()
                if ref.get("referenceType") == "purl"
            ]
            found = next((made for made in map(component_of, purls) if made is not None), None)
            yield found or (purls[0] if purls else f"{one.get('name', '?')} {one.get('versionInfo', '')}".strip())

    return _collected(parts())


def _npm(document: Mapping[str, Any]) -> Inventory:
    def parts() -> Iterator[Component | str]:
        packages = document.get("packages")
        if packages is None:
            yield from nested(document.get("dependencies") or {})
            return
        for place, one in packages.items():
            if not place or one.get("link"):
                continue
            name = one.get("name") or place.rpartition("node_modules/")[2]
            license = one.get("license")
            known = license if isinstance(license, str) else ""
            yield Component("npm", name, one["version"], known) if one.get("version") else name

    def nested(dependencies: Mapping[str, Any]) -> Iterator[Component | str]:
        for name, one in dependencies.items():
            version = str(one.get("version", ""))
            yield Component("npm", name, version) if version[:1].isdigit() else f"{name} {version}"
            yield from nested(one.get("dependencies") or {})

    return _collected(parts())


def _toml_lock(document: Mapping[str, Any]) -> Inventory:
    """``uv.lock``, ``poetry.lock``, ``pylock.toml``."""
    packages = document.get("package") or document.get("packages") or ()

    def parts() -> Iterator[Component | str]:
        for one in packages:
            source = one.get("source")
            if isinstance(source, dict) and source.keys() & {"virtual", "editable", "directory"}:
                continue
            yield (
                Component("PyPI", same_name("PyPI", one["name"]), one["version"]) if one.get("version") else one["name"]
            )

    return _collected(parts())


def _requirements(text: str) -> Inventory:
    def parts() -> Iterator[Component | str]:
        for line in re.sub(r"\\\r?\n", " ", text).splitlines():
            wanted = re.split(r"(?:^|\s)#|\s--hash", line)[0].strip()
            if not wanted or wanted.startswith("-"):
                if wanted.startswith(("-r", "--requirement", "-e", "--editable", "-c")):
                    yield wanted
                continue
            pinned = _PINNED.fullmatch(wanted)
            if pinned is None or "*" in wanted:
                if not _NAMED.match(wanted):
                    raise ValueError("no requirement")
                yield wanted
            else:
                yield Component("PyPI", same_name("PyPI", pinned[1]), pinned[2])

    return _collected(parts())


def _dpkg(path: Path, text: str) -> Inventory:
    system = systems.of_file(path, "deb")

    def parts() -> Iterator[Component | str]:
        for paragraph in text.split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", paragraph, re.MULTILINE))
            if "Package" not in fields or not fields.get("Status", "").endswith(" installed"):
                continue
            source = _SOURCE.fullmatch(fields.get("Source", "").strip())
            name = source[1] if source else fields["Package"]
            version = (source[2] if source and source[2] else fields.get("Version", "")).strip()
            if not version or not system:
                yield f"{name} {version} (no release of Debian is known)"
            else:
                yield Component(system, name, version)

    return _collected(parts())


def _apk(path: Path, text: str) -> Inventory:
    """``lib/apk/db/installed``; packages by their origin, as Alpine's advisories name them."""
    system = systems.of_file(path, "apk")

    def parts() -> Iterator[Component | str]:
        for paragraph in text.split("\n\n"):
            fields = dict(re.findall(r"^([PVo]):(.+)$", paragraph, re.MULTILINE))
            name = fields.get("o") or fields.get("P", "")
            if name and system and "V" in fields:
                yield Component(system, name, fields["V"])
            elif name:
                yield f"{name} {fields.get('V', '')} (no release of Alpine is known)"

    return _collected(parts())


def _rpm(path: Path, text: str) -> Inventory:
    """What rpm lists; packages by their own name and by their source's, since distributions name either. The file may
    begin with the ``os-release`` of where it was made."""
    system = systems.of_text(text, "rpm") or systems.of_file(path, "rpm")

    def parts() -> Iterator[Component | str]:
        for name, version, source in _RPM.findall(text):
            if name == "gpg-pubkey":  # a key, which rpm keeps as if it were a package
                continue
            if not system:
                yield f"{name} {version} (no release that OSV knows)"
                continue
            made_of = _SOURCE_RPM.fullmatch(source)
            yield from (
                Component(system, one, version) for one in dict.fromkeys((name, made_of[1] if made_of else name))
            )

    return _collected(parts())
