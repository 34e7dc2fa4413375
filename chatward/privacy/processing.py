"""The record of processing activities, made from the routes that are in force (GDPR Article 30(1)).

The rule: nothing in it is written by hand, so it says what is done. A route without a purpose is in it too, named as
what it is. What a program cannot know (how special the data are, who else gets them) is for the controller to add.
"""

from __future__ import annotations

from typing import Any, Final

from chatward.settings import Processor, Route, Settings
from chatward.settings.privacy_rules import EEA
from chatward.settings.rules import NONE

UNSTATED: Final = ""
"""The purpose of a route that has none."""


def processing(settings: Settings) -> list[dict[str, Any]]:
    """An entry for each purpose that a route has; letters in brackets are those of Article 30(1)."""
    privacy = settings.privacy
    routes: dict[str, dict[str, Route]] = {}
    for name, route in settings.routes.items():
        routes.setdefault(route.purpose, {})[name] = route
    runs = {bot: processor for processor in privacy.processors.values() for bot in processor.bots}
    made = []
    for purpose, own in routes.items():
        told = privacy.purposes.get(purpose)
        bots = sorted({route.bot for route in own.values()})
        made.append(
            {
                "controller": privacy.controller or None,  # (a)
                "contact": privacy.contact or None,
                "officer": privacy.officer or None,
                "purpose": purpose or None,  # (b)
                "summary": None if told is None else told.summary or None,
                "lawful_basis": None if told is None else told.lawful_basis,
                "subjects": "people who write to the bots, and whom they write about",  # (c)
                "data": "messages, replies, tool calls and their metadata",
                "routes": sorted(own),
                "recipients": [_recipient(bot, runs.get(bot)) for bot in bots],  # (d), (e)
                "retention_days": None if told is None else told.retention_days,  # (f)
                "stored": settings.conversations.store,
                "security": {  # (g), Article 32(1)
                    "guards": {name: list(route.guards) for name, route in sorted(own.items())},
                    "unguarded": sorted(name for name, route in own.items() if route.guards == (NONE,)),
                    "personal_data_to_bots": {
                        name: route.treatments.pii_input for name, route in sorted(own.items())
                    },
                    "record": settings.ledger.enabled,
                    "encrypted_at_rest": settings.conversations.store,
                },
            }
        )  # fmt: skip
    return made


def _recipient(bot: str, processor: Processor | None) -> dict[str, Any]:
    if processor is None:
        return {"bot": bot, "processor": None, "region": None, "transfer": None, "contract": None}
    abroad = bool(processor.region) and processor.region not in EEA
    return {
        "bot": bot,
        "processor": None if processor.own else processor.name or "unnamed",
        "region": processor.region or None,
        "transfer": processor.transfer if abroad else None,
        "contract": processor.contract or None,
    }
