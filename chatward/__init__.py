"""Chatward: a self-hosted security platform for chatbots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatward.ward import Ward as Ward

__version__ = "0.1.0"
__all__ = ["Ward", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Ward":  # imported when asked for: it compiles patterns and takes a while
        from chatward.ward import Ward  # noqa: PLC0415

        return Ward
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
