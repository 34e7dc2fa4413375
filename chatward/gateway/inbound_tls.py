"""TLS from callers where Chatward ends it itself, over asyncio: for connections whose certificate must be known.

Why beside granian's: granian verifies a caller's certificate (``ssl_ca``, ``ssl_client_verify``) and tells the
application nothing of it, so a token that is bound to one (RFC 8705) cannot be checked. The price is HTTP/2.

The rules:

1. TLS 1.3, and nothing older.
2. With ``client_ca`` every caller shows a certificate of one of these authorities that is for clients, or there is no
   connection. Without it none is asked for.
3. Files that have changed are taken by the same context: connections that are open go on, new ones get the new
   certificate. A pair that does not fit, or has expired, is refused and the old one stays (``ConfigError``).
4. Authorities are read at the start alone: a context forgets none, so one that is no longer trusted takes a restart.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from chatward.core.errors import ConfigError
from chatward.gateway.certificates import Watch, check


class InboundTls:
    """``context`` is for ``loop.create_server``. Raises ``ConfigError`` (``certificate-invalid``)."""

    def __init__(self, cert: Path, key: Path, client_ca: Path | None = None) -> None:
        self._cert = cert
        self._key = key
        self._watch = Watch(cert, key)
        check(cert, key)
        context = self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["http/1.1"])
        if client_ca is not None:
            try:
                context.load_verify_locations(client_ca)
            except OSError as error:
                said = f"The authorities of callers cannot be read: {client_ca}"
                raise ConfigError(said, key="server.client_ca", reason="certificate-invalid") from error
            context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(cert, key)

    def reload(self) -> bool:
        """Takes the files anew if they have changed; whether they had."""
        if not self._watch.changed():
            return False
        try:
            check(self._cert, self._key)
            self.context.load_cert_chain(self._cert, self._key)
        except ConfigError:
            self._watch.forget()
            raise
        return True


def peer_certificate(connection: ssl.SSLObject | None) -> bytes | None:
    """The caller's verified certificate (DER): of ``transport.get_extra_info("ssl_object")``."""
    return connection.getpeercert(binary_form=True) if connection is not None else None
