"""A file for what processes of one installation tell each other and may lose: proofs that were used, points of risk.

It is ``Database`` but for one thing: what is committed is with the operating system and not yet on the disk. So writing
costs some twenty microseconds and may happen on an event loop; other processes see it at once, and it survives a killed
process. A power cut may take the last of it. What must last has no place here, and no backup has this file.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from chatward.stores.database import Database

_BUSY: Final = 1000
"""Milliseconds to wait for another process, which writes for less than one."""


class Fleeting(Database):
    """Rules and errors as those of ``Database``."""

    @staticmethod
    def _connect(path: Path | None) -> sqlite3.Connection:
        connection = Database._connect(path)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(f"PRAGMA busy_timeout={_BUSY}")
        return connection
