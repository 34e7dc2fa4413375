"""``[server]`` and ``[bots]``: where Chatward listens, and the bots behind it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chatward.settings.base import Seconds, Size, Strict

Port = Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 takes a free one")]


class Server(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Chatward listens. Other addresses than loopback need TLS (or ``behind_tls_proxy``); there every caller must
    be known: by ``keys``, issued keys (``identity.anonymous = false``), an identity provider or a certificate."""

    host: str = "127.0.0.1"
    """Address of the gateway."""
    port: Port = 8787
    """Port of the gateway."""
    admin_host: str = "127.0.0.1"
    """Address of the admin plane."""
    admin_port: Port = 8788
    """Port of the admin plane."""
    tls_cert: str | None = None
    """File with the certificate chain (PEM)."""
    tls_key: str | None = None
    """File with its private key (PEM)."""
    client_ca: str | None = None
    """Authorities (PEM) that the certificates of all callers of the gateway must come from. Who shows nothing else is
    known by their SPIFFE ID or name; tokens may be bound to certificates (RFC 8705). HTTP/1.1 only."""
    behind_tls_proxy: bool = False
    """Says that a proxy in front ends TLS, so plain HTTP is spoken on other addresses than loopback."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies that are believed about who the caller is (`x-forwarded-*`, `client-cert`)."""
    cors_origins: tuple[str, ...] = ()
    """Other origins whose pages may ask what stands below `/v1` and `/channels`, as browsers write them
    (`https://shop.example`). All others are refused. A widget's pages are listed in `widget.origins`."""
    cors_credentials: bool = False
    """Whether those pages may send what the browser keeps for this address, such as client certificates."""
    keys: tuple[str, ...] = ()
    """References to API keys (``env:``/``file:``) that callers must present as bearer or ``x-api-key``."""
    max_body: Size = 10 * 1024 * 1024
    """Bytes of the largest request."""
    max_depth: Size = 64
    """Levels of the deepest JSON."""
    max_parts: Size = 20_000
    """Texts of the longest request."""
    body_timeout: Seconds = 30.0
    """Seconds that a caller may take to send a request."""
    max_concurrent: Size = 1024
    """Requests served at once; more are refused."""
    log_level: Literal["info", "warning", "error"] = "info"
    """The least that is written to standard error: `info` is a line for each request, `warning` for those that could
    not be served (5xx)."""


class Bot(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One guarded bot. ``upstream`` is its base URL, with or without the trailing ``/v1``."""

    upstream: str
    """Its base URL."""
    api_key: str | None = None
    """Reference to the key sent upstream; without it the caller's own credential is passed on."""
    connect_timeout: Seconds = 10.0
    """Seconds to reach the bot, waiting for a free connection included."""
    read_timeout: Seconds = 300.0
    """Seconds of silence after which the bot counts as gone."""
    max_connections: Size = 256
    """Connections to the bot at once."""
    max_reply: Size = 32 * 1024 * 1024
    """Bytes of the largest reply."""
    ca_file: str | None = None
    """Authorities (PEM) to trust in place of the system's."""
    client_cert: str | None = None
    """File with the certificate (PEM) that Chatward shows the bot; read again when it changes."""
    client_key: str | None = None
    """File with its private key (PEM)."""
    spiffe_id: str | None = None
    """The SPIFFE ID that the bot's certificate must have, in place of its name. Needs `ca_file`."""
    sign: bool = False
    """Whether requests to it are signed with the keys of `[genuine]` (RFC 9421, Web Bot Auth)."""
