"""Settings of links in messages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chatward.settings.base import Seconds, Strict


class Links(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Links in messages, beside what routes say of them."""

    expand: bool = False
    """Whether shorteners are asked where the links of messages lead. They see this machine's address and learn that
    somebody was sent the link; where it leads is not fetched."""
    expand_seconds: Seconds = 3.0
    """Seconds that a message waits for that at most; then its links count as they stand."""
    expand_most: Annotated[int, Meta(ge=1, le=32)] = 4
    """Links of one message that are asked about."""
