"""Words for people, a folder of them for each purpose and a file for each language: ``texts/fr.json``."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def languages(folder: str) -> tuple[str, ...]:
    """The languages that a folder has words in."""
    there = files("chatward.education").joinpath(folder).iterdir()
    return tuple(sorted(one.name.removesuffix(".json") for one in there if one.name.endswith(".json")))


@cache
def words(folder: str, language: str) -> Any:
    """What a folder has in one of ``languages``. Callers leave it as it is."""
    return json.loads(files("chatward.education").joinpath(folder, f"{language}.json").read_text("utf-8"))
