"""For whom passkeys are made, as the settings say it and as browsers will accept it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from chatward.core.errors import ConfigError
from chatward.settings import Settings, StepUp
from chatward.settings.rules import is_loopback


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """What passkeys are made for: a domain (RP ID), a name that people see, and the origins of the pages."""

    id: str
    name: str
    origins: tuple[str, ...]

    @classmethod
    def of(cls, settings: StepUp, port: int = 443) -> RelyingParty:
        """From the settings; ``port`` is the gateway's, for ``localhost``. Raises ``ConfigError`` for what no browser
        would accept (WebAuthn 5.1.3, step 8): an address as RP ID, an origin beside it, plain HTTP elsewhere."""
        domain = settings.rp_id
        if not domain or domain != domain.lower().strip(".") or ":" in domain or _is_address(domain):
            raise ConfigError("The RP ID is a domain in lower case, not an address or URL.", key="step_up.rp_id")
        local = domain == "localhost"
        origins = settings.origins or (f"http://localhost:{port}" if local else f"https://{domain}",)
        for origin in origins:
            parts = urlsplit(origin)
            host = parts.hostname or ""
            if f"{parts.scheme}://{parts.netloc}" != origin or parts.username is not None:
                raise ConfigError("An origin is scheme, host and port, nothing else.", key="step_up.origins")
            if parts.scheme != "https" and not (parts.scheme == "http" and host == "localhost"):
                raise ConfigError("An origin is https, or http on localhost.", key="step_up.origins")
            if host != domain and not host.endswith("." + domain):
                raise ConfigError("An origin's host is the RP ID or below it.", key="step_up.origins")
        return cls(domain, settings.rp_name, tuple(origins))


def console_party(settings: Settings, *, secure: bool) -> RelyingParty | None:
    """For whom operators' passkeys are made: the console's own origin (``operators.url``), or this machine's
    ``localhost`` where nobody else reaches it. ``None``: its name is none that browsers make passkeys for."""
    name, url = settings.step_up.rp_name, settings.operators.url.rstrip("/")
    if url:
        parts = urlsplit(url)
        host = parts.hostname or ""
        good = host and not _is_address(host) and (parts.scheme == "https" or host == "localhost")
        return RelyingParty(host, name, (url,)) if good else None
    if not is_loopback(settings.server.admin_host):
        return None
    scheme = "https" if secure else "http"
    return RelyingParty("localhost", name, (f"{scheme}://localhost:{settings.server.admin_port}",))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
