"""A process that ends with the one that started it."""

from __future__ import annotations

import os
import stat
import threading


def until_closed(stop: threading.Event) -> None:
    """Sets ``stop`` once standard input is closed, if it is a pipe."""
    try:
        if not stat.S_ISFIFO(os.fstat(0).st_mode):
            return
    except OSError:
        return

    def wait() -> None:
        while os.read(0, 4096):
            pass
        stop.set()

    threading.Thread(target=wait, daemon=True, name="parent").start()
