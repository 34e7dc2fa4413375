"""The bots of ``[channels]`` and ``[mcp]``, made ready."""

from __future__ import annotations

from chatward.channels.rasa import Rasa
from chatward.channels.wire import Wire
from chatward.settings import Settings


def wires(settings: Settings) -> tuple[Wire, ...]:
    """One for each bot that is met by name."""
    depth, parts = settings.server.max_depth, settings.server.max_parts
    made: list[Wire] = [
        Rasa(name, one.bot or name, depth, parts) for name, one in settings.channels.items() if one.kind == "rasa"
    ]
    return tuple(made)
