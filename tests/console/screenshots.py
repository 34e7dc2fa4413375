"""Pictures of every page, in both themes, for the documentation: ``make screenshots``.

They are made of an ordinary day of a made-up installation (``picturing``), so they are the same wherever they are made,
but for fonts. Run as a program it writes ``docs/screenshots``.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from PIL import Image

from chatward.assurance.reports import as_html
from tests import browsing
from tests.console.conftest import GOOD
from tests.console.picturing import OF_PEOPLE, PAGES, SIGNED_OUT, chatting, served

FOLDER: Final = Path(__file__).parents[2] / "docs/screenshots"
SIZE: Final = {"width": 1120, "height": 720}
COLOURS: Final = 64
PRINTED: Final = "report-html.png"


def take(folder: Path) -> list[Path]:
    """Writes the pictures; their files."""
    from playwright.sync_api import sync_playwright

    taken = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        served(Path(scratch)) as (it, url),
        chatting(Path(scratch) / "people") as people,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=str(browsing.CHROMIUM), args=browsing._FLAGS)
        for scheme in ("light", "dark"):
            page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
            me = it.access.operators.named("ann").id
            token = it.access.invitations.invite(["analyst"], by=me).token
            for name, path in SIGNED_OUT.items():
                page.goto(url + path.format(token=token))
                taken.append(_picture(page, folder / f"{name}-{scheme}.png"))
            page.goto(f"{url}/login")
            page.get_by_label("User name").fill("ann")
            page.get_by_label("Password").fill(GOOD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{url}/")
            for name, path in PAGES.items():
                page.goto(url + path)
                if name == "live":
                    page.locator("#live tbody tr").first.wait_for()
                taken.append(_picture(page, folder / f"{name}-{scheme}.png"))
            for name, path in OF_PEOPLE.items():
                page.goto(people + path)
                if name == "chat":
                    page.get_by_label("Your message").fill("My card is 4242 4242 4242 4242. Where is my parcel?")
                    page.keyboard.press("Enter")
                    page.locator("li.bot strong").wait_for()
                if name == "lessons":
                    page.get_by_role("group").first.wait_for()
                taken.append(_picture(page, folder / f"{name}-{scheme}.png"))
        printed = Path(scratch) / "report.html"
        printed.write_text(as_html(it.desks.assuring.reports.one(1)[1]), "utf-8")
        page = browser.new_context(viewport=SIZE).new_page()
        page.goto(printed.as_uri())
        taken.append(_picture(page, folder / PRINTED))
        browser.close()
    return taken


def _picture(page: Any, file: Path) -> Path:
    file.write_bytes(smaller(page.screenshot(animations="disabled", caret="hide")))
    return file


def smaller(png: bytes) -> bytes:
    """The same picture in a palette of ``COLOURS``: a quarter of the bytes, and pages have few."""
    packed = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        packed, "PNG", optimize=True
    )
    return packed.getvalue()


def shown(page: str) -> set[str]:
    """The pictures that a page of the documentation names."""
    return set(re.findall(r"screenshots/([\w-]+\.png)", page))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    files = take(FOLDER)
    print(f"{len(files)} pictures, {sum(file.stat().st_size for file in files) // 1024} KB", file=sys.stderr)
