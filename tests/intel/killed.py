"""A process that imports and is killed: ``python killed.py FOLDER BLOCK``. Says ``going`` when it begins."""

from __future__ import annotations

import sys
from pathlib import Path

from chatward.intel import store
from chatward.intel.lifecycle import Lifecycle
from chatward.settings import Intel, IntelSource

LIST = "list"


def settings() -> Intel:
    return Intel(sources=(IntelSource(name="own", location=LIST),))


def lifecycle(folder: Path) -> Lifecycle:
    return Lifecycle(folder / "kept", settings(), base=folder)


if __name__ == "__main__":
    store.BLOCK = int(sys.argv[2])
    print("going", flush=True)
    lifecycle(Path(sys.argv[1])).update()
    print("done", flush=True)
