"""The guards there are, in the order in which they look. A new guard is its file, its test and one line here."""

from __future__ import annotations

from collections.abc import Sequence

from chatward.core.ports import Guard, RuleGuard, StreamGuard
from chatward.guards.links.exfiltration import ExfiltrationGuard
from chatward.guards.session.limits import LimitsGuard
from chatward.guards.text.hidden import HiddenTextGuard
from chatward.guards.text.injection import InjectionGuard
from chatward.guards.text.leak import LeakGuard
from chatward.guards.text.pii import PiiGuard
from chatward.guards.text.secrets import SecretsGuard

IDS: tuple[str, ...] = (
    "text.injection",
    "text.pii",
    "text.secrets",
    "text.hidden",
    "text.leak",
    "links.exfiltration",
    "session.limits",
)


def catalog(canaries: Sequence[str] = ()) -> tuple[Guard | RuleGuard | StreamGuard, ...]:
    """One of each guard. ``canaries`` are strings that must never appear in a reply."""
    return (
        InjectionGuard(),
        PiiGuard(),
        SecretsGuard(),
        HiddenTextGuard(),
        LeakGuard(canaries),
        ExfiltrationGuard(),
        LimitsGuard(),
    )
