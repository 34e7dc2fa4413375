"""References to people that can be made worthless: what stands in the ledger in place of a subject.

The rules:

1. A ``subject_ref`` is HMAC-SHA-256 over the subject's id, keyed with a *salt* of that subject (32 random bytes or
   more), which is kept outside the ledger. It is not plain hashing: ids can be guessed, salts cannot.
2. With the salt, who has the right can find every entry of a subject. Once the salt is destroyed, nobody can tell whose
   entries those are, nor make the reference again for any guess; the entries, and every proof over them, stay as they
   are. So erasure takes nothing out of the record.
3. A salt is never used for anything else, and a subject that comes back after erasure gets a new one.

The salts are the business of a store with erasure (``seal``): this module asks for them through a callable.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from typing import Final

from chatward.core.errors import StoreError

Salts = Callable[[str, str], bytes | None]
"""The salt of a subject of a tenant; ``None`` once it was destroyed. Raises ``StoreError`` when that is not known."""

FORM: Final = re.compile(r"s1:[A-Za-z0-9_-]{43}")
"""What a ``subject_ref`` looks like. ``events.encode`` refuses a field of that name that does not."""
_LEAST: Final = 32


def reference(salts: Salts, tenant: str, subject: str) -> str | None:
    """The subject's reference; ``None``: its salt was destroyed, and with it the reference. Raises ``StoreError``."""
    salt = salts(tenant, subject)
    if salt is None:
        return None
    if len(salt) < _LEAST:
        raise StoreError("A subject's salt is too short.", reason="salt-invalid")
    text = f"chatward subject 1\n{len(tenant)}\n{tenant}{subject}".encode()
    return "s1:" + base64.urlsafe_b64encode(hmac.digest(salt, text, "sha256")).decode().rstrip("=")
