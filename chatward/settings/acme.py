"""``[acme]``: the gateway's certificate from an ACME authority (RFC 8555), renewed by itself (``chatward.acme``)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chatward.settings.base import Strict


class Acme(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate for these names from an authority such as Let's Encrypt, in place of `server.tls_cert`."""

    domains: tuple[str, ...] = ()
    """Host names that lead here (`chat.example.com`). Empty: no authority is asked for anything."""
    agree: bool = False
    """That you agree to the authority's terms. Without it nothing is asked for."""
    email: str = ""
    """Where the authority may write to; empty: nowhere."""
    directory: str = "https://acme-v02.api.letsencrypt.org/directory"
    """The authority's directory."""
    ca_file: str | None = None
    """Who vouches for the directory's own certificate, where that is a private authority."""
    eab_kid: str = ""
    """The account that the authority gave you, where it wants one (external account binding)."""
    eab_key: str | None = None
    """A reference to its key (`env:NAME`, `file:PATH`), base64url."""
    http_host: str = ""
    """Where the authority's question is answered (HTTP-01); empty: all addresses of this machine."""
    http_port: Annotated[int, Meta(ge=0, le=65535)] = 80
    """Its port. The authority always asks on 80: a firewall may lead from there to here."""
    folder: str = ""
    """Where account, key and certificate are. Empty: `chatward-acme` beside the ledger."""
    renew_days: Annotated[int, Meta(ge=1)] = 30
    """Days before its end at which a certificate is renewed; a short-lived one at a third of its time."""
