"""``chatward doctor``: does this machine have what the settings need, and is it in order.

Exit status: 0 where all is well or deserves a look (``warning``); 1 where something failed or is unknown, which is
never taken for well. ``--json`` gives one object.
"""

from __future__ import annotations

import sys

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import SettingsError
from chatward.core.errors import ConfigError


def command(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Look at settings, bots, certificates, the record, disk, models, stores, clock and secrets of this machine."""
    from chatward.commands.checkup import Check, examine  # noqa: PLC0415 - loads what it looks at

    try:
        loaded = loaded_settings(config, names=True)
    except ConfigError as error:
        errors = [error, *(error.others if isinstance(error, SettingsError) else ())]
        found = [Check("configuration", "failed", str(one), "Correct it; see: chatward check.") for one in errors]
        found.append(Check("everything-else", "unknown", "it is not looked at without valid settings"))
    else:
        where = str(loaded.path or "the environment")
        found = [Check("configuration", "ok", f"{where} is valid"), *examine(loaded)]
    good = all(one.state in {"ok", "warning"} for one in found)
    if as_json:
        told = [
            {"name": one.name, "state": one.state, "message": one.sentence, "advice": one.advice or None}
            for one in found
        ]
        print_json({"ok": good, "checks": told})
        return 0 if good else 1
    print_table(
        ("state", "what", "found", "what to do"), [(one.state, one.name, one.sentence, one.advice) for one in found]
    )
    bad = sum(one.state in {"failed", "unknown"} for one in found)
    print("All is well." if good else f"{bad} of {len(found)} checks failed or are unknown.", file=sys.stderr)
    return 0 if good else 1
