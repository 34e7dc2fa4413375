"""How commands come to their settings, and what those settings need of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from chatward.configuration import DEFAULT, Loaded, load, locate, resolve
from chatward.core.errors import ConfigError


def loaded_settings(path: str | None, overrides: Mapping[str, object] | None = None, *, names: bool = False) -> Loaded:
    """The settings that a command runs with. ``names``: names of guards are checked, which takes a second, since
    every guard is imported. Raises ``ConfigError``."""
    if not names:
        return load(locate(path), overrides=overrides)
    from chatward.guards.catalog import KNOWN  # noqa: PLC0415

    return load(locate(path), overrides=overrides, guards=KNOWN)


def assignments(texts: Sequence[str]) -> dict[str, object]:
    """``["server.port=9000"]`` as overrides. Raises ``ConfigError``."""
    found: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError("--set takes KEY=VALUE, such as --set server.port=9000", reason="usage")
        found[key.strip()] = value
    return found


def missing(loaded: Loaded) -> list[ConfigError]:
    """What the settings point at and this machine does not have: secrets, certificates, folders."""
    settings = loaded.settings
    found: list[ConfigError] = []
    references = {f"server.keys[{index}]": key for index, key in enumerate(settings.server.keys)}
    references |= {f"bots.{name}.api_key": bot.api_key for name, bot in settings.bots.items() if bot.api_key}
    for name, route in settings.routes.items():
        references |= {f"routes.{name}.canaries[{index}]": canary for index, canary in enumerate(route.canaries)}
    for key, reference in references.items():
        try:
            resolve(reference)
        except ConfigError as error:
            found.append(_at(loaded, key, error.public, error.reason))
    files = {"server.tls_cert": settings.server.tls_cert, "server.tls_key": settings.server.tls_key}
    files |= {f"bots.{name}.ca_file": bot.ca_file for name, bot in settings.bots.items()}
    for key, file in files.items():
        if file is not None and not os.access(file, os.R_OK):
            found.append(_at(loaded, key, f"{file} cannot be read", "file-missing"))
    folder = Path(settings.ledger.path).absolute().parent
    if settings.ledger.enabled and not os.access(folder, os.W_OK):
        found.append(_at(loaded, "ledger.path", f"the folder {folder} cannot be written to", "file-missing"))
    return found


def _at(loaded: Loaded, key: str, sentence: str, reason: str) -> ConfigError:
    origin = loaded.origins.get(key, loaded.origins.get(key.partition("[")[0], DEFAULT))
    file = origin.where if origin.kind == "file" else None
    return ConfigError(f"{key}: {sentence}", key=key, line=origin.line, file=file, reason=reason)
