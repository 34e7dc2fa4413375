"""What is stored of a person, copied out for them: as JSON for machines, as HTML for people (GDPR Articles 15 and 20).

The rules:

1. It is what they wrote and were answered, unmasked, since it is theirs. Reading it is put on record as any revealing
   of a conversation is (``stores.conversations``, rule 4), and the export itself too.
2. Every store of Chatward is covered or named as not covered: ``parts`` says how many rows each gave. A turn that
   cannot be opened any more is there, and says so.
3. The HTML needs nothing but the file: no scripts, no styles of others, no links. What people wrote is escaped.
4. Of the ledger the person gets the entries that name them, without those of others.

Waits for the disk: call it on a thread.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from chatward.core.events import Event
from chatward.core.identity import Kind, Principal
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.ledger.reading import Record as Read
from chatward.privacy.notice import notice
from chatward.privacy.requests import Requests
from chatward.privacy.standing import Standings
from chatward.settings import Settings
from chatward.stores.conversations import ConversationStore
from chatward.stores.revealing import AUDITOR
from chatward.stores.turns import ReadTurn
from chatward.stores.vaults import Vaults

FORMAT: Final = "chatward-export/1"
NOT_COVERED: Final = (
    "accounts, API keys and passkeys",
    "numbers about how you usually write, by which what is unusual is noticed",
    "what the bots and their processors keep",
)
_PAGE: Final = 500
_ALL: Final = 10_000_000
_NAMES: Final = ("principal", "subject")


def export(
    settings: Settings,
    tenant: str,
    subject: str,
    *,
    conversations: ConversationStore | None,
    standings: Standings,
    requests: Requests,
    ledger: Iterable[Read],
    record: Record,
    by: str,
    reason: str,
    clock: Callable[[], float],
    vaults: Vaults | None = None,
    beside: Mapping[str, Sequence[Mapping[str, Any]]] = {},
) -> dict[str, Any]:
    """Everything, as plain data. ``conversations``: ``None`` where none are stored. ``reason`` is kept, sealed, with
    every conversation that is opened for it. ``beside``: parts of other stores (``beside.beside``). Raises
    ``StoreError`` and ``ClientError``."""
    operator = Principal(by, Kind.OPERATOR, tenant=tenant, roles=frozenset({AUDITOR}))
    threads = [] if conversations is None else list(_threads(conversations, operator, tenant, subject, reason))
    values = [] if vaults is None else list(_values(vaults, operator, tenant, subject, reason))
    said = [
        {"purpose": one.purpose, "word": one.word.value, "notice": one.notice or None, "at": _time(one.at)}
        for one in standings.statements(tenant, subject)
    ]
    asked = [
        {"id": one.id, "kind": one.kind.value, "received": one.received.isoformat(), "state": one.state.value}
        for one in requests.of(tenant, subject)
    ]
    entries = [
        {"at": _time(one.at / 1e9), "event": one.event, "exchange": one.exchange, "fields": dict(one.fields)}
        for one in ledger
        if any(one.fields.get(name) == subject for name in _NAMES)
    ]
    parts = {"conversations": len(threads), "statements": len(said), "requests": len(asked), "record": len(entries)}
    parts |= {"placeholders": len(values)} if vaults is not None else {}
    parts |= {name: len(rows) for name, rows in beside.items()}
    told = notice(settings)
    fields = {"tenant": tenant, "principal": subject, "by": by, "parts": list(parts), "rows": sum(parts.values())}
    record(Entry(Event.SUBJECT_EXPORTED, "", fields))
    return {
        "format": FORMAT,
        "made": _time(clock()),
        "tenant": tenant,
        "subject": subject,
        "controller": told["controller"],
        "contact": told["contact"],
        "purposes": told["purposes"],  # Article 15(1)(a), (c), (d)
        "transfers": told["transfers"],  # (2)
        "rights": told["rights"],  # (1)(e), (f)
        "parts": parts,
        "not_covered": list(NOT_COVERED),
        "statements": said,
        "requests": asked,
        "conversations": threads,
        "placeholders": values,
        **beside,
        "record": entries,
    }


def as_json(exported: Mapping[str, Any]) -> str:
    """The export for machines."""
    return json.dumps(exported, ensure_ascii=False, indent=1) + "\n"


def as_html(exported: Mapping[str, Any]) -> str:
    """The export for people; one file."""
    lines = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        "<title>What is stored about you</title>",
        "<style>body{font:1rem/1.5 sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}"
        "dt{font-weight:bold}pre{white-space:pre-wrap;overflow-wrap:anywhere}</style></head><body><main>",
        "<h1>What is stored about you</h1>",
        f"<p>Made {_text(exported['made'])} for {_text(exported['subject'])}"
        f" by {_text(exported['controller'] or 'the operator of this service')}.</p>",
        "<h2>What it is used for</h2><dl>",
    ]
    for name, purpose in exported["purposes"].items():
        ground = str(purpose["lawful_basis"] or "not stated").replace("-", " ")
        kept = f"; kept {purpose['retention_days']} days" if purpose["retention_days"] else ""
        told = f"{purpose['summary']} Ground: {ground}{kept}."
        lines.append(f"<dt>{_text(name)}</dt><dd>{_text(told)}</dd>")
    lines.append("</dl><h2>What you said about it</h2><ul>")
    lines += [
        f"<li>{_text(one['at'])}: {_text(one['word'])} ({_text(one['purpose'])})</li>" for one in exported["statements"]
    ]
    lines.append("</ul><h2>Your requests</h2><ul>")
    lines += [
        f"<li>{_text(one['received'])}: {_text(one['kind'])}, {_text(one['state'])}</li>"
        for one in exported["requests"]
    ]
    lines.append("</ul><h2>Your conversations</h2>")
    for thread in exported["conversations"]:
        lines.append(f"<section><h3>{_text(thread['started'])}</h3>")
        for turn in thread["turns"]:
            lines.append(f"<p><strong>{_text(turn['role'] or 'message')}</strong>, {_text(turn['at'])}</p>")
            if turn["unreadable"]:
                lines.append("<p>This cannot be read any more.</p>")
            lines += [f"<pre>{_text(part['text'] or part['kind'])}</pre>" for part in turn["parts"]]
        lines.append("</section>")
    if exported["placeholders"]:
        lines.append("<h2>What bots saw as placeholders</h2><dl>")
        lines += [
            f"<dt>{_text(one['placeholder'])}</dt><dd>{_text(one['value'])}</dd>" for one in exported["placeholders"]
        ]
        lines.append("</dl>")
    if exported.get("alerts"):
        lines.append("<h2>What was unusual</h2><ul>")
        lines += [f"<li>{_time(one['at'])}: {_text(one['signal'])}</li>" for one in exported["alerts"]]
        lines.append("</ul>")
    if exported.get("files"):
        lines.append("<h2>Files that were held back</h2><ul>")
        lines += [
            f"<li>{_time(one['at'])}: {_text(one['kind'])}, {one['bytes']} bytes, SHA-256 {_text(one['digest'])}</li>"
            for one in exported["files"]
        ]
        lines.append("</ul>")
    lines.append(f"<h2>The record</h2><p>{len(exported['record'])} entries name you; they hold no text.</p>")
    lines.append("<h2>Not in this file</h2><ul>")
    lines += [f"<li>{_text(one)}</li>" for one in exported["not_covered"]]
    lines.append("</ul></main></body></html>\n")
    return "\n".join(lines)


def _threads(
    store: ConversationStore, operator: Principal, tenant: str, subject: str, reason: str
) -> Iterator[dict[str, Any]]:
    for listed in sorted(store.listing(tenant, subject, limit=_ALL), key=lambda one: (one.started, one.id)):
        turns: list[ReadTurn] = []
        while page := store.reveal(
            operator, tenant, listed.id, reason, after=turns[-1].number if turns else 0, limit=_PAGE
        ):
            turns += page
            if len(page) < _PAGE:
                break
        yield {
            "id": listed.id,
            "started": _time(listed.started),
            "last": _time(listed.last),
            "turns": [_turn(turn) for turn in turns],
            "read_by": [{"by": by, "at": _time(at)} for by, at, _ in store.reveals(tenant, listed.id)],
        }


def _values(vaults: Vaults, operator: Principal, tenant: str, subject: str, reason: str) -> Iterator[dict[str, object]]:
    for id_, at in vaults.listing(tenant, subject):
        for token, value in vaults.reveal(operator, tenant, id_, reason):
            yield {"used": _time(at), "placeholder": token, "value": _whole(value)}


def _turn(turn: ReadTurn) -> dict[str, Any]:
    return {
        "number": turn.number,
        "at": _time(turn.at),
        "role": turn.role,
        "unreadable": turn.gone or turn.altered,
        "parts": [
            {
                "source": part.source.value,
                "kind": part.kind.value,
                "name": _whole(part.name),
                "text": _whole(part.text),
            }
            for part in turn.parts
        ],
    }


def _whole(text: str) -> str:
    """Text that has a form in UTF-8: a lone surrogate becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text(value: object) -> str:
    return html.escape(str(value))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
