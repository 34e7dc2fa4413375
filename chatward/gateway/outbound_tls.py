"""TLS to a guarded bot: whom it trusts, what it shows, and who must be there.

The rules:

1. The certificate is always verified, by the system's authorities or those of ``ca_file``.
2. It must be for the host that was asked for; or, with ``spiffe_id``, have exactly that SPIFFE ID as its one URI and be
   no authority itself (X509-SVID sections 2, 4.1 and 5.2). Then the name does not count, so the authorities must be
   those of the trust domain: ``ca_file`` is required.
3. A certificate and key to show are read again once their files change, as SVIDs do every hour. Files that do not fit
   together, as in the middle of a change, leave what was there before in use.
4. TLS 1.2 at least: bots are other people's.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from chatward.core.errors import ConfigError
from chatward.gateway.certificates import Watch
from chatward.identity.certificates import SPIFFE_ID, spiffe_id_of

_MAX_ID: Final = 2048


class OutboundTls:
    """Raises ``ConfigError`` for files and an id that cannot be used."""

    def __init__(
        self, ca_file: str | None, client_cert: str | None, client_key: str | None, spiffe_id: str | None
    ) -> None:
        if (client_cert is None) != (client_key is None):
            raise ConfigError("A client certificate needs its key, and a key its certificate.", key="client_cert")
        if spiffe_id is not None and (SPIFFE_ID.fullmatch(spiffe_id) is None or len(spiffe_id) > _MAX_ID):
            raise ConfigError("It must be a SPIFFE ID such as spiffe://example.org/bot.", key="spiffe_id")
        if spiffe_id is not None and ca_file is None:
            raise ConfigError("A SPIFFE ID needs the authorities of its trust domain (`ca_file`).", key="spiffe_id")
        self._ca_file = ca_file
        self._cert = client_cert
        self._key = client_key
        self._spiffe_id = spiffe_id
        self._watch = Watch(*(Path(name) for name in (ca_file, client_cert, client_key) if name is not None))
        self._context = self._made()

    def context(self) -> ssl.SSLContext:
        """For the next connection. Looks at the files' times, and reads them where they have changed."""
        if self._watch.changed():
            try:
                self._context = self._made()
            except ConfigError:
                self._watch.forget()  # They may fit the next time.
        return self._context

    def is_expected(self, connection: ssl.SSLObject | ssl.SSLSocket | None) -> bool:
        """Whether the right one answered, where a name does not tell."""
        if self._spiffe_id is None:
            return True
        der = connection.getpeercert(binary_form=True) if connection is not None else None
        return der is not None and spiffe_id_of(der) == self._spiffe_id

    def _made(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise ConfigError(f"The file of authorities cannot be read: {self._ca_file}", key="ca_file") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.check_hostname = self._spiffe_id is None
        if self._cert is not None:
            try:
                context.load_cert_chain(self._cert, self._key, lambda: "")
            except (OSError, ValueError) as error:
                said = f"The client certificate and its key cannot be used: {self._cert}"
                raise ConfigError(said, key="client_cert") from error
        return context
