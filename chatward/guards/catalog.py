"""The guards there are, in the order in which they look. A new guard is its file, its test and one line here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chatward.core.indicators import NO_INDICATORS, Indicators
from chatward.core.ports import AnyGuard
from chatward.guards.files.guard import file_guards
from chatward.guards.files.looking import IDS as FILES
from chatward.guards.links.exfiltration import ExfiltrationGuard
from chatward.guards.links.intel import IntelGuard
from chatward.guards.links.model import LinkModelGuard
from chatward.guards.links.owned import OwnedGuard
from chatward.guards.links.urls import UrlGuard
from chatward.guards.session.escalation import EscalationGuard
from chatward.guards.session.limits import LimitsGuard
from chatward.guards.text.abuse import AbuseGuard, AbuseRules
from chatward.guards.text.custom import CustomGuard
from chatward.guards.text.hidden import HiddenTextGuard
from chatward.guards.text.injection import InjectionGuard, InjectionRules
from chatward.guards.text.leak import LeakGuard
from chatward.guards.text.pii import PiiGuard, PiiRules
from chatward.guards.text.secrets import SecretsGuard
from chatward.guards.text.social_engineering import SocialEngineeringGuard
from chatward.models.shipped import shipped, small, well_known
from chatward.settings import DetectionName, Recogniser

IDS: tuple[str, ...] = (
    "text.injection",
    "text.abuse",
    "text.pii",
    "text.secrets",
    "text.custom",
    "text.hidden",
    "text.leak",
    "links.exfiltration",
    "links.url",
    "links.model",
    "links.owned",
    "links.intel",
    "text.social_engineering",
    "session.limits",
    "session.escalation",
    *FILES,
)

KNOWN: tuple[str, ...] = (*IDS, "text.judge")
"""What rules' settings may name: all guards, and the judge that is asked after them."""


def catalog(
    canaries: Sequence[str] = (),
    recognisers: Sequence[Recogniser] = (),
    indicators: Indicators = NO_INDICATORS,
    owned: Sequence[str] = (),
    brands: Sequence[str] = (),
    detection: DetectionName = "full",
) -> tuple[AnyGuard, ...]:
    """One of each guard. ``canaries`` are strings that must never appear in a reply, ``recognisers`` the operator's
    own, ``indicators`` what threat intelligence lists, ``owned`` the bot's own pages, ``brands`` domains to protect.
    ``detection`` says which models look; guards that are nothing without them are left out."""
    models = shipped if detection == "full" else small
    found: tuple[AnyGuard, ...] = (
        InjectionGuard(models),
        AbuseGuard(models),
        PiiGuard(models),
        SecretsGuard(),
        CustomGuard(recognisers),
        HiddenTextGuard(),
        LeakGuard(canaries),
        ExfiltrationGuard(),
        UrlGuard((*brands, *owned), well_known),
        LinkModelGuard((*brands, *owned)),
        OwnedGuard(owned),
        IntelGuard(indicators),
        SocialEngineeringGuard(models),
        LimitsGuard(),
        EscalationGuard(models),
        *file_guards(),
    )
    if detection != "rules":
        return found
    by_rules: dict[str, AnyGuard] = {
        guard.spec.id: guard for guard in (InjectionRules(), AbuseRules(), PiiRules(), SocialEngineeringGuard(None))
    }
    return tuple(by_rules.get(guard.spec.id, guard) for guard in found if guard.spec.id not in _MODELS_ALONE)


_MODELS_ALONE: Final = frozenset({"links.model", "session.escalation"})
