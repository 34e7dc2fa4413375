"""Signing, opened as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatward.core import base64url
from chatward.core.errors import ConfigError
from chatward.genuine import agent_card
from chatward.genuine.keyring import Keyring
from chatward.genuine.manifest import Facts
from chatward.genuine.proof import ProofError
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


def opened_card(settings: Settings) -> dict[str, Any] | None:
    """The A2A agent card to serve, verified where somebody else signed it; ``None`` where there is none. Raises
    ``ConfigError``."""
    genuine = settings.genuine
    if not genuine.agent_card:
        return None
    keys: dict[str, Any] = {"keys": []}
    try:
        if genuine.agent_card_keys:
            keys = base64url.json_object(_bytes("agent_card_keys", genuine.agent_card_keys))
        card = agent_card.read(_bytes("agent_card", genuine.agent_card))
        if genuine.agent_card_keys or "signatures" in card:
            agent_card.verify(card, keys)
    except (ProofError, ValueError) as error:
        reason = error.reason if isinstance(error, ProofError) else "card-malformed"
        raise ConfigError(f"the agent card is not served: {error}", key="genuine.agent_card", reason=reason) from error
    return card


def _bytes(key: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read", key=f"genuine.{key}", reason="card-malformed") from error
