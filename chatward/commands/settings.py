"""How commands come to their settings, and what those settings need of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatward.configuration import DEFAULT, Loaded, load, locate, resolve
from chatward.core.errors import ConfigError
from chatward.settings.base import REFERENCE
from chatward.settings.types import Steps, dotted, values

if TYPE_CHECKING:
    from chatward.identity.cedar import CedarAuthorizer


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


def one_file(argument: str | None, option: str | None) -> str | None:
    """The configuration that a command was given, as its argument or by ``--config``. Raises ``ConfigError``."""
    if argument is not None and option is not None:
        raise ConfigError("give the configuration once: as FILE or by --config", reason="usage")
    return argument if option is None else option


def policies(loaded: Loaded) -> CedarAuthorizer:
    """The policies that the settings name. Raises ``ConfigError`` for those that do not hold."""
    from chatward.identity.cedar import CedarAuthorizer  # noqa: PLC0415 - loads Cedar
    from chatward.identity.cedar_policies import load as load_policies  # noqa: PLC0415

    folder = loaded.path.parent if loaded.path is not None else None
    return CedarAuthorizer(load_policies(loaded.settings.authorization, folder))


def missing(loaded: Loaded) -> list[ConfigError]:
    """What the settings point at and this machine does not have: secrets, certificates, folders."""
    settings = loaded.settings
    found: list[ConfigError] = []
    for steps, value in values(settings):
        listed = isinstance(value, tuple)
        for index, reference in enumerate(value if listed else (value,)):
            if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
                continue
            try:
                resolve(reference)
            except ConfigError as error:
                at = (*steps, index) if listed else steps
                found.append(_at(loaded, at, error.public, error.reason))
    server = settings.server
    files: dict[Steps, str | None] = {
        ("server", name): getattr(server, name) for name in ("tls_cert", "tls_key", "client_ca")
    }
    for bot_name, bot in settings.bots.items():
        files |= {("bots", bot_name, name): getattr(bot, name) for name in ("ca_file", "client_cert", "client_key")}
    for steps, file in files.items():
        if file is not None and not os.access(file, os.R_OK):
            found.append(_at(loaded, steps, f"{file} cannot be read", "file-missing"))
    folder = Path(settings.ledger.path).absolute().parent
    if settings.ledger.enabled and not os.access(folder, os.W_OK):
        found.append(_at(loaded, ("ledger", "path"), f"the folder {folder} cannot be written to", "file-missing"))
    return found


def _at(loaded: Loaded, steps: Steps, sentence: str, reason: str) -> ConfigError:
    key = dotted(steps)
    origin = loaded.origins.get(key, loaded.origins.get(dotted(steps[:-1]), DEFAULT))  # of a list, all at one place
    file = origin.where if origin.kind == "file" else None
    return ConfigError(f"{key}: {sentence}", key=key, line=origin.line, file=file, reason=reason)
