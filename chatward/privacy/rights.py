"""A draft of a fundamental-rights impact assessment (Regulation (EU) 2024/1689, Article 27), and drafts as pages.

The rules are those of ``assessing``: what settings say stands in it, what they cannot say is asked. Whether one is due
is for the deployer to say: settings do not know who runs a bot (bodies of public law, private providers of public
services) nor whether it is a high-risk system (Annex III). Not legal advice.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from chatward.privacy.assessing import assessed
from chatward.privacy.processing import processing
from chatward.settings import Settings

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:46rem;margin:2rem auto;"
    "padding:0 1rem}.ask{font-weight:600}@page{size:A4;margin:18mm}@media print{body{margin:0}h2{break-after:avoid}}"
)


def rights_draft(settings: Settings, purpose: str) -> str:
    """An assessment of one purpose, in Markdown, to be completed. Raises ``KeyError`` for one that no route has."""
    one = {each.purpose: each for each in assessed(settings)}[purpose]
    (record,) = [entry for entry in processing(settings) if entry["purpose"] == purpose]
    privacy, told = settings.privacy, settings.privacy.purposes[purpose]
    security = record["security"]
    minors = bool(privacy.minor_role) and told.minors == "allow"
    lines = [
        f"# Fundamental-rights impact assessment: {purpose}",
        "",
        "A draft made from the settings of Chatward; lines that begin with `?` are for people. Not legal advice.",
        "",
        "- ? Is it due: a high-risk system (Annex III, but not its point 2) of a body governed by public law or of a"
        " private provider of public services, or one for credit or for life and health insurance (point 5(b), (c))?",
        f"- The data protection assessment that it adds to (Article 27(4)): {one.on_file or '? none is on file'}",
        "",
        "## 1. The processes in which it is used (Article 27(1)(a))",
        "",
        f"- Deployer: {record['controller'] or '?'}",
        f"- Purpose: {record['summary'] or '?'}; on the routes {', '.join(record['routes'])}",
        f"- Decisions with legal or like effects rest on it: {'yes' if told.decides else 'not by what settings say'}",
        "- ? Is that what its provider says it is for?",
        "",
        "## 2. How long and how often (Article 27(1)(b))",
        "",
        "- ? From when to when is it to be used, how often, on how many people?",
        "",
        "## 3. Who is affected (Article 27(1)(c))",
        "",
        f"- {record['subjects'].capitalize()}",
        *(["- Minors: they are served"] if minors else []),
        *([f"- People of whom it processes {', '.join(told.special)}"] if told.special else []),
        "- ? Which groups besides, who are affected without writing to it?",
        "",
        "## 4. Risks of harm to them (Article 27(1)(d))",
        "",
        "- ? What does the provider say about accuracy, known limits and misuse (Article 13)?",
        "- ? Some people are answered or treated worse than others (non-discrimination).",
        "- ? What people confide is read, kept or passed on (private life, data protection).",
        "- ? A wrong reply keeps somebody from what they are entitled to.",
        *(["- ? A decision cannot be understood or contested (effective remedy)."] if told.decides else []),
        *(["- ? The best interests of a child."] if minors else []),
        "",
        "## 5. Human oversight (Article 27(1)(e))",
        "",
        *([f"- A human decides anew: {told.human_route or '?'}"] if told.decides else []),
        f"- Every message is on record for who oversees it: {'yes' if security['record'] else 'no'}",
        "- ? Who oversees it, with what training and authority (Article 26(2))?",
        "",
        "## 6. If a risk comes true (Article 27(1)(f))",
        "",
        *(f"- Route {route}: guards {', '.join(guards)}" for route, guards in security["guards"].items()),
        f"- Complaints go to: {privacy.contact or '?'}",
        "- ? Who stops it, who decides about complaints, and how is that governed?",
        "- ? The market surveillance authority was told the results, on its template (Article 27(3), (5)).",
    ]
    return "\n".join(lines) + "\n"


def as_page(draft: str) -> str:
    """A draft as a page that loads nothing and runs nothing. Of Markdown it knows what drafts have: titles, lists,
    paragraphs, code; all else is text."""
    blocks = [line for line in draft.splitlines() if line]
    title = html.escape(blocks[0].removeprefix("# "))
    body = "\n".join(_blocks(blocks))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _blocks(lines: list[str]) -> Iterator[str]:
    for listed, group in groupby(lines, lambda line: line.startswith("- ")):
        if listed:
            yield "<ul>"
            for line in group:
                asked = ' class="ask"' if line.startswith("- ?") else ""
                yield f"<li{asked}>{_text(line[2:])}</li>"
            yield "</ul>"
            continue
        for line in group:
            marks, _, rest = line.partition(" ")
            name = {"#": "h1", "##": "h2"}.get(marks)
            yield f"<{name}>{_text(rest)}</{name}>" if name else f"<p>{_text(line)}</p>"


def _text(line: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(line))
