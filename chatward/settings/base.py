"""What every section of the settings is made of. Sections that have a module of their own take it from here."""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import Meta, Struct

REFERENCE: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+")
"""How a secret is named: it never stands in the settings itself."""
NO_LITERAL: Final = "must be a reference, env:NAME or file:/absolute/path, not the secret itself"

Seconds = Annotated[float, Meta(gt=0)]
Size = Annotated[int, Meta(gt=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all settings: frozen, by keyword, nothing unknown."""
