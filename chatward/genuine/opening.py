"""Signing, opened as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chatward.genuine.keyring import Keyring
from chatward.genuine.manifest import Facts
from chatward.genuine.replies import Proving
from chatward.settings import Settings
from chatward.settings.rules import is_loopback


def keys_file(settings: Settings) -> Path:
    """The file of ``[genuine]``."""
    return Path(settings.genuine.path or Path(settings.ledger.path).with_name("chatward-signing.json"))


def facts(settings: Settings, origin: str) -> Facts:
    """What the manifest says, for the site ``origin``."""
    genuine = settings.genuine
    return Facts(
        genuine.origin or origin,
        genuine.name or settings.chat.title,
        genuine.owner,
        genuine.contact,
        genuine.channels,
        genuine.domains,
    )


def opened(settings: Settings, origin: Callable[[], str]) -> Proving | None:
    """What signs replies; ``None`` where nothing is signed. ``origin`` tells the address that the gateway listens at,
    which counts where no other machine can reach it. Raises ``ConfigError``."""
    if not settings.genuine.sign or not (settings.genuine.origin or is_loopback(settings.server.host)):
        return None
    return Proving(Keyring(keys_file(settings)), lambda: facts(settings, origin()))
