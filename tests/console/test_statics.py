"""The files that pages load: open, kept by browsers, compressed; and what others wrote is what its lock says."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from pathlib import Path

import pytest

from chatward.assurance.inventory import vendored
from chatward.assurance.sbom import cyclonedx
from chatward.console.statics import FILES

VENDOR = Path(__file__).parents[2] / "chatward/console/static/vendor"
LOCK_NAME = "vendored.json"
LOCK = json.loads((VENDOR / LOCK_NAME).read_text("utf-8"))


def test_what_others_wrote_is_what_the_lock_says_with_its_licence() -> None:
    locked = {name: one["sha256"] for package in LOCK["packages"].values() for name, one in package["files"].items()}
    there = {path.name: sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir() if path.name != LOCK_NAME}
    assert there == locked
    for package in LOCK["packages"].values():
        assert any(name.endswith("LICENSE.txt") for name in package["files"])
        assert package["license"] in {"MIT", "0BSD"}
    assert "http" not in (VENDOR / LOCK_NAME).read_text("utf-8"), "no registry's host"


def test_it_is_in_the_bill_of_materials_and_in_the_notice() -> None:
    document = cyclonedx("chatward", vendored().components, at=0.0)
    named = {one["purl"]: one["licenses"][0]["expression"] for one in document["components"]}
    assert set(named.values()) == {"MIT", "0BSD"}
    notice = (VENDOR.parents[3] / "NOTICE").read_text("utf-8")
    for place, package in LOCK["packages"].items():
        assert f"pkg:npm/{place.removeprefix('node_modules/')}@{package['version']}" in named
    assert "htmx (0BSD)" in notice
    assert "uPlot (MIT" in notice


@pytest.mark.parametrize("path", FILES)
async def test_a_file_is_open_compressed_and_asked_for_once(house, path):
    it = house({"ann": ["admin"]})
    browser = it.browser(accept_encoding="identity")
    plain = await browser.get(path)
    assert plain.status_code == 200
    assert plain.headers.get_list("cache-control") == ["no-cache"]
    assert plain.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in plain.headers
    small = await browser.get(path, headers={"accept-encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content
    assert int(small.headers["content-length"]) <= len(gzip.compress(plain.content)) + 20
    again = await browser.get(path, headers={"if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_everything_else_is_kept_by_nobody(house):
    browser = house({"ann": ["admin"]}).browser()
    for path in ("/login", "/console.css/x", "/x.js"):
        assert (await browser.get(path)).headers.get_list("cache-control") == ["no-store"]
