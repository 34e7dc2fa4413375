"""What is stored of a person beside conversations: alerts of behaviour, and files in quarantine (GDPR Article 15).

Of a file the person gets what is known of it and not its content, which was held back because it may do harm. Waits for
the disk: call it on a thread.
"""

from __future__ import annotations

from typing import Any, Final

from chatward.behaviour.opening import stored
from chatward.files.quarantine import held_of
from chatward.settings import Settings

_ALL: Final = 1_000_000


def beside(settings: Settings, tenant: str, subject: str) -> dict[str, list[dict[str, Any]]]:
    """Parts of an export (``exporting.export``). Raises ``StoreError``."""
    with stored(settings) as store:
        alerts = [] if store is None else store.alerts(tenant=tenant, entity=subject, limit=_ALL)
    files = [
        {"digest": one.digest, "kind": one.kind, "bytes": one.size, "rules": list(one.rules), "exchange": one.exchange}
        | {"at": one.at, "until": one.until}
        for one in held_of(settings, tenant, subject)
    ]
    told = ("at", "signal", "points", "deviations")
    return {"alerts": [{name: one[name] for name in told} for one in alerts], "files": files}
