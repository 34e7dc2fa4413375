"""pip-audit beside ours: the same advisories, the same versions, its answers and ours.

pip-audit asks a service in OSV's form. Here that is one on loopback, which answers by OSV's own evaluation, written
after its text and apart from ours: https://ossf.github.io/osv-schema/ (Evaluation). By hand, over a folder of
advisories::

    python -m tests.assurance.pip_audited FOLDER [VERSIONS OF EACH PACKAGE]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from chatward.assurance.inventory import Component, Inventory
from chatward.assurance.osv import Advisories
from chatward.assurance.scanning import Lists, scan
from tests.assurance.making import NOW

Document = dict[str, Any]
Pair = tuple[str, str]
"""A package and a version."""
Found = tuple[frozenset[str], frozenset[str]]
"""All names of one vulnerability, and the versions named as fixed."""


@dataclass(frozen=True)
class Difference:
    """What one says and the other does not."""

    pair: Pair
    names: tuple[str, ...]
    what: str


def vulnerable(version: str, document: Document, name: str) -> bool:
    """OSV's evaluation of one advisory."""
    asked = Version(version)
    for affected in document.get("affected", ()):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI" or canonicalize_name(package["name"]) != name:
            continue
        if any(_same(one, asked) for one in affected.get("versions", ())):
            return True
        if any(_within(asked, one) for one in affected.get("ranges", ()) if one["type"] in {"ECOSYSTEM", "SEMVER"}):
            return True
    return False


def _same(listed: str, asked: Version) -> bool:
    try:
        return Version(listed) == asked
    except InvalidVersion:
        return False


def _within(asked: Version, range_: Document) -> bool:
    limits = [event["limit"] for event in range_["events"] if "limit" in event]
    if limits and "*" not in limits and not any(asked < Version(one) for one in limits):
        return False
    found = False
    for event in sorted((one for one in range_["events"] if "limit" not in one), key=_place):
        kind, at = next(iter(event.items()))
        if kind == "introduced" and (at == "0" or asked >= Version(at)):
            found = True
        elif (kind == "fixed" and asked >= Version(at)) or (kind == "last_affected" and asked > Version(at)):
            found = False
    return found


def _place(event: Document) -> tuple[bool, Version, bool]:
    at = next(iter(event.values()))
    return at != "0", Version(at), "introduced" in event


@contextmanager
def service(documents: Sequence[Document]) -> Iterator[str]:
    """The address to ask (POST, ``/v1/query``)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            name = asked["package"]["name"]
            found = [one for one in of.get(name, ()) if vulnerable(asked["version"], one, name)]
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    of: dict[str, list[Document]] = {}
    for document in documents:
        for name in {canonicalize_name(one["package"]["name"]) for one in document.get("affected", ())}:
            of.setdefault(name, []).append(document)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def theirs(pairs: Sequence[Pair], url: str) -> dict[Pair, list[Found]]:
    """What pip-audit says. It takes one version of a package at a time."""
    found: dict[Pair, list[Found]] = {}
    rounds: list[dict[str, str]] = []
    for name, version in pairs:
        row = next((one for one in rounds if name not in one), None)
        if row is None:
            row = {}
            rounds.append(row)
        row[name] = version
    program = str(Path(sys.executable).with_name("pip-audit"))
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "requirements.txt")
        options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
        command = [program, "-r", str(wanted), "-s", "osv", "--osv-url", url, "--cache-dir", folder, *options]
        for row in rounds:
            wanted.write_text("".join(f"{name}=={version}\n" for name, version in row.items()), "utf-8")
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode not in {0, 1} or not done.stdout:
                raise RuntimeError(done.stderr)
            for one in json.loads(done.stdout)["dependencies"]:
                vulns = [
                    (frozenset({each["id"], *each["aliases"]}), frozenset(each["fix_versions"]))
                    for each in one["vulns"]
                ]
                found[one["name"], row[one["name"]]] = vulns
    return found


def ours(pairs: Sequence[Pair], documents: Sequence[Document]) -> dict[Pair, list[Found]]:
    """What a scan says."""
    found: dict[Pair, list[Found]] = {pair: [] for pair in pairs}
    with tempfile.TemporaryDirectory() as folder:
        for number, document in enumerate(documents):
            Path(folder, f"{number}.json").write_text(json.dumps(document), "utf-8")
        advisories = Advisories(None)
        advisories.take([Path(folder)], now=NOW, as_of=NOW)
        parts = tuple(Component("PyPI", name, version) for name, version in pairs)
        made = scan("a bot", Inventory(parts), advisories, Lists(), now=NOW, stale_after=1.0)
        advisories.close()
    assert not made.unknown, made.unknown
    for one in made.findings:
        fixed = frozenset({one.fixed} if one.fixed else ())
        found[one.component.name, one.component.version].append((frozenset(one.ids), fixed))
    return found


def differences(pairs: Sequence[Pair], documents: Sequence[Document]) -> tuple[int, list[Difference]]:
    """How many vulnerabilities pip-audit found, and where ours says something else."""
    with service(documents) as url:
        told = theirs(pairs, url)
    own = ours(pairs, documents)
    count, found = 0, list[Difference]()
    for pair in pairs:
        rest = list(own[pair])
        for names, fixes in told[pair]:
            count += 1
            same = next((one for one in rest if not one[0].isdisjoint(names)), None)
            if same is None:
                found.append(Difference(pair, tuple(sorted(names)), "missed"))
                continue
            rest.remove(same)
            if same[0] != names:
                found.append(Difference(pair, tuple(sorted(names ^ same[0])), "other names"))
            later = {Version(one) for one in fixes if Version(one) > Version(pair[1])}
            if {Version(one) for one in same[1]} != ({min(later)} if later else set()):
                found.append(Difference(pair, tuple(sorted(names)), f"fixed in {set(same[1])}, not {set(fixes)}"))
        found += (Difference(pair, tuple(sorted(names)), "false") for names, _ in rest)
    return count, found


def chosen(documents: Sequence[Document], most: int) -> list[Pair]:
    """Of each package versions that are listed or named in ranges, evenly, and one beside each end of a range."""
    named: dict[str, set[Version]] = {}
    for document in documents:
        for affected in document.get("affected", ()):
            events = [at for one in affected.get("ranges", ()) if one["type"] != "GIT" for at in _ends(one)]
            versions = named.setdefault(canonicalize_name(affected["package"]["name"]), set())
            for text in (*affected.get("versions", ()), *events, *(f"{at}.post1" for at in events)):
                try:
                    versions.add(Version(text))
                except InvalidVersion:
                    continue
    pairs = []
    for name, known in sorted(named.items()):
        ordered = sorted(known)
        step = max(1, len(ordered) / most)
        pairs += [(name, str(ordered[int(at * step)])) for at in range(min(most, len(ordered)))]
    return pairs


def _ends(range_: Document) -> Iterator[str]:
    return (at for event in range_["events"] for at in event.values() if at not in {"0", "*"})


def main() -> None:
    documents = [json.loads(path.read_text("utf-8")) for path in sorted(Path(sys.argv[1]).glob("*.json"))]
    pairs = chosen(documents, int(sys.argv[2]) if len(sys.argv) > 2 else 8)
    count, found = differences(pairs, documents)
    print(f"{len(documents)} advisories, {len(pairs)} versions, {count} vulnerabilities by pip-audit")
    for one in found:
        print(f"{one.pair[0]} {one.pair[1]}: {one.what}: {', '.join(one.names)}")


if __name__ == "__main__":
    main()
