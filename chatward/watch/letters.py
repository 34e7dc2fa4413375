"""Drafts of letters that ask for a copy to be taken down. Nothing is sent. Whom to write to is
looked up only where somebody asks for it (``rdap``).

The rules: a letter says what the evidence says, with times and digests, and nothing else. Addresses of the copy are
written so that no program follows them (``hxxps``, ``[.]``). Words of others are one printable line each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from chatward.core.addresses import unicode_host
from chatward.core.hosts import split
from chatward.watch.cases import Case, Evidence
from chatward.watch.rdap import Contact, of_address, of_domain
from chatward.watch.transparency import Fetch

To = Literal["registrar", "host", "authority"]
TO: Final[tuple[To, ...]] = ("registrar", "host", "authority")

_TEMPLATE: Final = """\
To: {{ {"registrar": "the registrar of", "host": "the provider that hosts", "authority": "the authority that certified"}[to] }} {{ host }}{% for one in contacts %}
    {{ one.email }} (as {{ one.source }} says)
{%- endfor %}
From: {{ owner or "[your name]" }}{% if contact %} <{{ contact }}>{% endif %}

Subject: Abuse: {{ host }} imitates {{ name or origin or "our service" }}

Dear abuse team,

{{ owner or "[your name]" }} runs {{ name or "a chat service" }}{% if origin %} at {{ origin }}{% endif %}{% if domains %}; our domains are {{ domains | join(", ") }}{% endif %}.
{{ host }}{% if shown != host %} (shown as {{ shown }}){% endif %} is not ours{% if of %} and imitates {{ of }}{% endif %}. We saw it first on {{ opened }}.

What was seen (times are UTC):
{% for line in lines %}
- {{ line }}
{%- endfor %}

{% if to == "registrar" -%}
Please suspend the domain {{ registered }} and tell us what was done.
{%- elif to == "host" -%}
Please take down what is served under {{ host }}, keep your records of it, and tell us what was done.
{%- else -%}
Please look at the certificates above for {{ host }} and revoke those that your rules do not allow.
{%- endif %}
{% if manifest %}
Whether a service is ours can be checked: {{ manifest }} is signed with our keys.
{% endif %}
Our reference: case {{ case }}. Evidence is named by its SHA-256; we can give it to you in full.

{{ owner or "[your name]" }}
"""  # noqa: E501 - lines of the letter


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: as in the manifest (``genuine``)."""

    owner: str = ""
    contact: str = ""
    name: str = ""
    origin: str = ""
    domains: tuple[str, ...] = ()


async def addressees(case: Case, evidence: Sequence[Evidence], to: To, fetch: Fetch) -> tuple[Contact, ...]:
    """Whom to write to, as registries say; nobody where they say nothing of such an addressee. Raises
    ``UpstreamError``."""
    if to == "registrar":
        return await of_domain(case.host, fetch)
    served = [one.data["address"] for one in evidence if one.kind == "page" and one.data.get("address")]
    return await of_address(served[-1], fetch) if to == "host" and served else ()


def letter(case: Case, evidence: Sequence[Evidence], sender: Sender, to: To, contacts: Sequence[Contact] = ()) -> str:
    """The draft. It may need words of a lawyer or of a trademark; it holds none."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - slow to import

    template = Environment(undefined=StrictUndefined, autoescape=False).from_string(_TEMPLATE)  # noqa: S701 - plain text
    return template.render(
        to=to,
        contacts=contacts,
        host=defanged(case.host),
        shown=defanged(unicode_host(case.host)),
        registered=defanged(split(case.host).registered or case.host),
        of=case.of,
        case=case.id,
        opened=_when(case.opened),
        lines=[line for one in evidence for line in _lines(one)],
        owner=_line(sender.owner),
        contact=_line(sender.contact),
        name=_line(sender.name),
        origin=_line(sender.origin),
        domains=sender.domains,
        manifest=f"{sender.origin}/.well-known/chatward.json" if sender.origin else "",
    )


def defanged(text: str) -> str:
    """An address that no program follows."""
    return _line(text).replace("http", "hxxp", 1).replace(".", "[.]")


def _lines(one: Evidence) -> list[str]:
    data, times = one.data, f"{_when(one.first)} to {_when(one.last)}"
    digest = f"evidence {one.sha256[:16]}"
    if one.kind == "dns":
        records = "; ".join(f"{kind.upper()} {defanged(' '.join(data[kind]))}" for kind in data if data[kind])
        return [f"{times}: DNS records: {records} ({digest})"]
    if one.kind == "certificate":
        what = "precertificate" if data.get("precertificate") else "certificate"
        return [
            f"{_when(data['logged'])}: {what} by {_line(data['issuer'])}, serial {data['serial']}, SHA-256"
            f" {data['sha256']}, entry {data['index']} of the log {_line(data['log'])} ({digest})"
        ]
    like = data["likeness"]
    parts = ", ".join(f"{name} {round(100 * value)} %" for name, value in like["parts"].items())
    asked = "".join(f"; it asks for a {form['asks']}, sent to {defanged(form['to'])}" for form in data["forms"])
    return [
        f"{times}: page at {defanged(data['url'])}, served from {data['address']}, SHA-256 {data['sha256']};"
        f" like our own page {_line(like['of'])}: {parts or 'by its scripts'}{asked} ({digest})"
    ]


def _line(text: Any) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())[:300]


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
