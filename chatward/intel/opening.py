"""Threat intelligence of one configuration: where it is, made ready, asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chatward.core.indicators import NO_INDICATORS, Indicators
from chatward.settings import Settings

if TYPE_CHECKING:
    from chatward.intel.fetching import Download
    from chatward.intel.lifecycle import Lifecycle


def folder_of(settings: Settings) -> Path:
    """The folder of ``[intel]``."""
    return Path(settings.intel.path or Path(settings.ledger.path).with_name("chatward-intel"))


def lifecycle(
    settings: Settings, *, download: Download | None = None, secret: Callable[[str], str] | None = None
) -> Lifecycle:
    """What keeps the sources of the settings up to date. ``secret`` resolves references to keys."""
    from chatward.intel.lifecycle import Lifecycle  # noqa: PLC0415 - readers of all formats, where there are sources

    base = Path(settings.ledger.path).parent
    return Lifecycle(folder_of(settings), settings.intel, base=base, download=download, secret=secret)


def indicators(settings: Settings) -> Indicators:
    """What is listed. It follows the snapshot, whoever makes it."""
    if not settings.intel.sources:
        return NO_INDICATORS
    from chatward.intel.index import Index  # noqa: PLC0415 - numpy, where there are sources

    return Index(folder_of(settings), settings.intel)


def take_files(settings: Settings) -> None:
    """Imports files of the settings that changed, so that a list that stands there holds from the first message on.
    Servers are not asked. Who may not write to the folder leaves it to others. Raises ``StoreError``; a file that
    cannot be read makes its source stale."""
    folder = folder_of(settings)
    if any("://" not in source.location for source in settings.intel.sources):
        if folder.exists() and not os.access(folder, os.W_OK):
            return
        lifecycle(settings).update()
