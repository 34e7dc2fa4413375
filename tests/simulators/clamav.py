"""ClamAV's daemon, real where there is one (``scripts/install-clamav``), with a signature of the project's own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

from chatward.guards.files.signatures import EICAR

SIGNED: Final = b"chatward-clamav-test-signature"
"""What the signature of our own fits, anywhere in a file."""
LARGEST: Final = 1024 * 1024
_TOOLS: Final = Path(__file__).parents[2] / ".cache" / "clamav"


def daemon() -> Path | None:
    """The program, or ``None``."""
    found = [shutil.which("clamd"), "/usr/sbin/clamd", str(_TOOLS / "usr/sbin/clamd")]
    return next((Path(one) for one in found if one and os.access(one, os.X_OK)), None)


class RunningClamd:
    """A daemon of its own in ``folder``, listening on ``address``."""

    def __init__(self, folder: Path) -> None:
        program = daemon()
        assert program is not None
        database = folder / "db"
        database.mkdir()
        (database / "own.ndb").write_text(f"Chatward.Test:0:*:{SIGNED.hex()}\n")
        digest = hashlib.md5(EICAR).hexdigest()  # noqa: S324 - the format of ClamAV's hash signatures
        (database / "own.hdb").write_text(f"{digest}:{len(EICAR)}:Eicar\n")
        socket = folder / "s"
        lines = [
            f"LocalSocket {socket}",
            f"DatabaseDirectory {database}",
            "Foreground yes",
            f"StreamMaxLength {LARGEST}",
        ]
        if os.getuid() == 0:
            lines.append("User root")
        (folder / "clamd.conf").write_text("\n".join(lines) + "\n")
        libraries = ":".join(str(one) for one in _TOOLS.glob("usr/lib/*-linux-gnu"))
        self.address = f"unix:{socket}"
        self._process = subprocess.Popen(
            [program, "-c", folder / "clamd.conf"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
        )
        deadline = time.monotonic() + 30
        while not socket.exists():
            assert self._process.poll() is None, "clamd ended"
            assert time.monotonic() < deadline, "clamd does not listen"
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
