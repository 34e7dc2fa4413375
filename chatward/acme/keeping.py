"""Keeps the certificate: asks for one at the start where there is none, and renews it in time.

The rules:

1. Without a certificate the gateway does not start; with one it starts, whatever the authority says.
2. It is renewed ``renew_days`` before its end, or once two thirds of its time are over, whichever is later; and at
   once where it lacks a name of the settings. A failure is told, and tried again after an hour, then after twice as
   long, up to a day: authorities limit how often they are asked.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from chatward.acme.answering import Answering
from chatward.core.errors import ChatwardError, ConfigError
from chatward.settings import Settings
from chatward.settings.rules import acme_folder

CERT: Final = "cert.pem"
KEY: Final = "key.pem"
EVERY: Final = 6 * 3600.0
"""Seconds between two looks at how long the certificate lasts."""
_FIRST_PAUSE: Final = 3600.0
_LONGEST_PAUSE: Final = 86_400.0
_THIRD: Final = 3


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom to ask, and as whom. ``eab``: account and key (base64url) that the authority gave out."""

    directory: str
    email: str = ""
    ca_file: str | None = None
    eab: tuple[str, str] | None = None


Order = Callable[[Authority, tuple[str, ...], Path, MutableMapping[str, str]], None]
"""``ordering.order``."""


@dataclass(slots=True)
class Keeping:
    """The certificate of ``settings``. ``order`` gets one (on a thread); ``say`` gets a line when one was
    renewed, or could not be."""

    authority: Authority
    domains: tuple[str, ...]
    folder: Path
    answering: Answering
    renew_days: int
    order: Order
    say: Callable[[str], None]

    def due(self, now: datetime) -> bool:
        """Whether a certificate has to be asked for. Files that cannot be read count as none."""
        try:
            (self.folder / KEY).stat()
            found = x509.load_pem_x509_certificate((self.folder / CERT).read_bytes())
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (OSError, ValueError, x509.ExtensionNotFound):
            return True
        if not set(self.domains) <= {name.lower() for name in names.get_values_for_type(x509.DNSName)}:
            return True
        third = (found.not_valid_after_utc - found.not_valid_before_utc) / _THIRD
        return found.not_valid_after_utc - now < min(timedelta(days=self.renew_days), third)

    async def ready(self) -> None:
        """There is a certificate afterwards. Raises ``UpstreamError`` where there is none to be had."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.due(datetime.now(UTC)):
            return
        try:
            await self._order()
        except (ChatwardError, OSError) as error:
            if not (self.folder / CERT).exists():
                raise
            self.say(f"Certificate not renewed: {error}")

    async def run(self) -> None:
        """Looks again and again, until cancelled."""
        pause, failed = EVERY, 0
        while True:
            await asyncio.sleep(pause * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load, hides nothing
            pause = EVERY
            if not self.due(datetime.now(UTC)):
                continue
            try:
                await self._order()
                failed = 0
            except (ChatwardError, OSError) as error:
                pause = min(_FIRST_PAUSE * 2**failed, _LONGEST_PAUSE)
                failed += 1
                self.say(f"Certificate not renewed: {error}")

    async def _order(self) -> None:
        await asyncio.to_thread(self.order, self.authority, self.domains, self.folder, self.answering.answers)
        self.say(f"A certificate for {', '.join(self.domains)} was issued.")


def kept(settings: Settings, resolve: Callable[[str], str], say: Callable[[str], None]) -> Keeping | None:
    """What keeps it, or ``None`` where no authority is asked. Raises ``ConfigError``."""
    acme = settings.acme
    if not acme.domains:
        return None
    try:
        from chatward.acme.ordering import order  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError(
            "acme.domains: certificates by ACME need more packages: pip install 'chatward[acme]'",
            key="acme.domains",
            reason="extra-missing",
        ) from None
    eab = (acme.eab_kid, resolve(acme.eab_key)) if acme.eab_kid and acme.eab_key is not None else None
    if bool(acme.eab_kid) != (acme.eab_key is not None):
        raise ConfigError("acme.eab_kid and acme.eab_key belong together.", key="acme.eab_kid")
    authority = Authority(acme.directory, acme.email, acme.ca_file, eab)
    domains = tuple(dict.fromkeys(domain.lower() for domain in acme.domains))
    answering = Answering(domains, port=settings.server.port)
    return Keeping(authority, domains, acme_folder(settings), answering, acme.renew_days, order, say)
