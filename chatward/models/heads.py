"""What the shipped text models answer: one probability a head.

``attack`` is the union of all that steers a bot by text from its user; ``direct``, ``extraction`` and ``jailbreak`` say
which kind. ``indirect`` is about text from tools and documents. ``toxic`` is the union of harassment and hate.
"""

from __future__ import annotations

from typing import Final

HEADS: Final = (
    "attack",
    "direct",
    "extraction",
    "jailbreak",
    "indirect",
    "toxic",
    "hate",
    "sexual",
    "self-harm",
    "violence",
    "illegal",
    "scam",
)
INDEX: Final = {name: place for place, name in enumerate(HEADS)}

ENTITIES: Final = ("PERSON", "ADDRESS", "LOCATION", "ORG", "HEALTH", "DATE", "AGE")
TAGS: Final = ("O", *(f"{mark}-{entity}" for entity in ENTITIES for mark in "BI"))
"""Token labels of the entity head: outside, begins, inside."""
