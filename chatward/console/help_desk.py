"""Help: the documentation that is part of this package, as pages of the console.

The rules:

1. Nothing is asked of elsewhere: pages are rendered from the package's own Markdown (``console/help``, which are the
   files of ``docs``), pictures are left out, and links that lead out of it are told as addresses, not linked.
2. Markup inside Markdown is text (``html`` is off), so a page holds what Markdown can say and nothing else.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from chatward.console.access import caller_of
from chatward.console.access_pages import Pages
from chatward.core.errors import ClientError

INDEX: Final = "index"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,60}", re.ASCII)
_INSIDE: Final = re.compile(r"([a-z][a-z0-9-]*)\.md(#[\w-]+)?", re.ASCII)
_FOLDER: Final = files("chatward.console").joinpath("help")


def help_routes(router: APIRouter, pages: Pages) -> None:
    """Adds ``/help`` and ``/help/{topic}``."""

    async def page(request: Request, topic: str) -> Response:
        found = await asyncio.to_thread(rendered, topic)
        if found is None:
            raise ClientError("There is no such page of help.", reason="not-found", status=404)
        title, body = found
        known: dict[str, Any] = {"here": "/help", "wide": True, "title": title, "body": Markup(body)}  # noqa: S704 - ours
        return pages.render(caller_of(request), "help.html", inside=topic != INDEX, **known)

    @router.get("/help", include_in_schema=False)
    async def index(request: Request) -> Response:
        return await page(request, INDEX)

    @router.get("/help/{topic}", include_in_schema=False)
    async def one(request: Request, topic: str) -> Response:
        return await page(request, topic)


@lru_cache(64)
def rendered(topic: str) -> tuple[str, str] | None:
    """Title and HTML of a page of the documentation; ``None`` where there is none."""
    file = _FOLDER.joinpath(f"{topic}.md")
    if not _NAME.fullmatch(topic) or not file.is_file():
        return None
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(file.read_text("utf-8"))
    title = topic
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        title, tokens = tokens[1].content, tokens[3:]
    _anchored(tokens)
    for token in tokens:
        token.children = _inside(token.children) if token.children else token.children
    body: str = markdown.renderer.render(tokens, markdown.options, {})
    return title, _reachable(body, title)


def _anchored(tokens: list[Token]) -> None:
    """Headings by the names that links inside the documentation have for them."""
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            words = re.sub(r"[^\w\s-]", "", tokens[at + 1].content.casefold().replace("`", ""))
            token.attrSet("id", re.sub(r"\s", "-", words.strip()))


def _inside(children: list[Token]) -> list[Token]:
    """Links stay where they lead to another page of help; a picture is its description."""
    found: list[Token] = []
    outside: list[str] = []
    for token in children:
        if token.type == "image":
            found.append(Token("text", "", 0, content=token.content))
        elif token.type == "link_open":
            address = str(token.attrGet("href") or "")
            inner = _INSIDE.fullmatch(address)
            if inner is not None and _FOLDER.joinpath(f"{inner[1]}.md").is_file():
                token.attrSet("href", f"/help/{inner[1]}{inner[2] or ''}")
                outside.append("")
            elif re.fullmatch(r"#[\w-]+", address):
                outside.append("")
            else:
                outside.append(address)
                continue
            found.append(token)
        elif token.type == "link_close" and outside and (address := outside.pop()):
            found += [Token("text", "", 0, content=" ("), Token("code_inline", "code", 0, content=address)]
            found.append(Token("text", "", 0, content=")"))
        else:
            found.append(token)
    return found


def _reachable(body: str, title: str) -> str:
    """What scrolls is reached by keyboard (WCAG 2.2, 2.1.1), headings of columns say that they are, and where columns
    stand is said by a class: the page's policy allows no ``style`` of an element."""
    label = str(Markup.escape(title))
    number = iter(range(1, 10_000))
    opened = '<div class="wide" role="group" aria-label="{} {}" tabindex="0"><table>'
    body = re.sub("<table>", lambda _: opened.format(label, next(number)), body)
    body = re.sub(r"<th\b", '<th scope="col"', body.replace("</table>", "</table></div>"))
    body = re.sub(r' style="text-align:(\w+)"', lambda found: ' class="n"' if found[1] == "right" else "", body)
    return body.replace("<pre>", '<pre tabindex="0">')
