"""Links that are listed, and names that very many people visit: by the data that ``CHATWARD_DATA`` names."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from chatward.core.hosts import shared
from chatward.core.normalise import read
from chatward.core.ports import Item
from chatward.core.values import Exchange, Finding, Moment, Part, PartKind, Severity, Source
from chatward.guards.links.intel import IntelGuard
from chatward.guards.links.model import LinkModelGuard
from chatward.guards.links.urls import UrlGuard
from chatward.intel.index import Index
from chatward.intel.lifecycle import Lifecycle
from chatward.models.shipped import well_known
from chatward.models.training.urls import LATER, address_of, lists
from chatward.settings import Intel, IntelSource

pytestmark = pytest.mark.skipif(
    "CHATWARD_DATA" not in os.environ,
    reason="CHATWARD_DATA names no data: test_bypasses.py and test_model.py run on made links",
)


def acts(found: list[Finding]) -> bool:
    return any(finding.confidence >= 0.5 and finding.severity is not Severity.INFO for finding in found)


def test_listed_pages_on_shared_hosts_are_caught_and_no_popular_name_is_blocked(tmp_path: Path) -> None:
    """Issue 6: 0.99 of what is listed on hosts that strangers share, by URL, and none of the 10,000 most popular roots
    while that list is in force."""
    data = Path(os.environ["CHATWARD_DATA"])
    listed = [row["url"] for row in lists(data, LATER)]
    (tmp_path / "list").write_text("\n".join(listed), encoding="utf-8")
    settings = Intel(sources=(IntelSource(name="feed", location="list", type="phishing"),))
    Lifecycle(tmp_path / "kept", settings, base=tmp_path).update()
    intel, signs, letters = IntelGuard(Index(tmp_path / "kept", settings)), UrlGuard((), well_known), LinkModelGuard()

    def told(text: str) -> tuple[list[Finding], list[Finding]]:
        exchange = Exchange("test", (Part(text, Source.USER),))
        items = [Item(0, Source.USER, PartKind.TEXT, read(text, deep=False))]
        found = list(intel.inspect(exchange, Moment.INPUT, items))
        return found, [*found, *signs.inspect(exchange, Moment.INPUT, items), *letters.weigh(items[0]).findings]

    on_shared = [url for url in listed if (at := address_of(url)) and shared(at.host.removeprefix("www."))][::10]
    caught = sum(acts(told(f"see {url} now")[0]) for url in on_shared)
    assert len(on_shared) > 1000
    assert caught >= 0.99 * len(on_shared)
    with tarfile.open(data / "intel" / "misp_warninglists.tar.gz") as archive:
        member = next(one for one in archive if one.name.endswith("cloudflare-top10k/list.json"))
        file = archive.extractfile(member)
        assert file is not None
        popular: list[str] = json.load(file)["list"]
    assert len(popular) >= 10_000
    assert [name for name in popular if acts(told(f"https://{name}/")[1])] == []
