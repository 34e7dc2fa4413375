"""Every page has its picture in both themes: the list is made from the routes."""

from __future__ import annotations

import re

from tests.console.picturing import OF_PEOPLE, PAGES, SIGNED_OUT
from tests.console.screenshots import FOLDER, PRINTED
from tests.console.test_guarding import routes

NO_PAGES = {
    "/healthz", "/metrics", "/live/feed", "/redteam/{seq}/cases", "/reports/{seq}/{form}",
    "/vendors/{id}/evidence/{seq}",
}  # fmt: skip
"""What answers with something else than a page; with the API, and names that end as files do."""


def test_every_page_has_a_picture(house, watch):
    it = house({"ann": ["admin"]}, watching=watch())
    found = {path for method, path in routes(it) if method == "GET" and not re.search(r"^/api/|\.\w+$", path)}
    paths = {*SIGNED_OUT.values(), *(path.partition("?")[0] for path in PAGES.values())}
    for route in found - NO_PAGES - paths:
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", route))
        assert any(pattern.fullmatch(path) for path in paths), f"{route} is in no picture: see picturing.PAGES"


def test_every_picture_is_there_in_both_themes_and_small():
    names = {*PAGES, *SIGNED_OUT, *OF_PEOPLE}
    wanted = {f"{name}-{theme}.png" for name in names for theme in ("light", "dark")} | {PRINTED}
    files = {file.name: file.stat().st_size for file in FOLDER.iterdir()}
    assert files.keys() == wanted, "run `make screenshots`"
    assert sum(files.values()) < 4_000_000
