"""The real gateway as a process of its own, with guards besides that cannot run.

``RunningGateway`` starts ``python -m tests.simulators.gateway``, which takes settings on standard input and serves
until its standard input ends, so that it never outlives the tests. Everything it logs, down to DEBUG, goes to a file.

The guards ``test.down-input``, ``test.down-output`` and ``test.down-tool`` fail when they are asked to look; a route
has them when its ``guards`` names them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from chatward.core.ports import GuardSpec, Item, StreamInspector
from chatward.core.values import Exchange, Finding, Moment, PartKind
from chatward.ledger.reading import Record, tail
from chatward.settings import Settings

START_SECONDS: Final = 90.0
GUARDS: Final = ("text.*", "links.*", "session.*")
"""All guards of the catalog. ``*`` would take those that cannot run too."""
DOWN: Final = {"input": Moment.INPUT, "output": Moment.OUTPUT, "tool": Moment.TOOL_CALL}


class RunningGateway:
    """A gateway that answers. Its files (ledger, key, logs) lie in ``folder``."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        debug: bool = False,
    ) -> None:
        """``debug`` switches Python's development mode on, with all that asyncio then logs."""
        self.folder = folder
        self.log = folder / "gateway.log"
        self.ledger = folder / settings.ledger.path
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *(("-X", "dev") if debug else ()), "-m", "tests.simulators.gateway"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": _path(), **(environment or {})},
            )
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(settings) + b"\n")
        self.process.stdin.flush()
        self.url, self.admin_url = self._addresses()

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def records(self, exchange: str = "") -> list[Record]:
        """The ledger's entries in order, of one exchange if it is named."""
        return [
            record for record in tail(self.ledger, 500 if exchange else 100_000) if exchange in {"", record.exchange}
        ]

    def stop(self) -> int:
        """Ends it as an operator would; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            assert self.process.stdin is not None
            self.process.stdin.close()

    def _addresses(self) -> tuple[str, str]:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            told = self.log.read_text(errors="replace")
            gateway = re.search(r"gateway +(https?://\S+)/v1\n", told)
            console = re.search(r"console +(https?://\S+)\n", told)
            if gateway and console:
                return gateway[1], console[1]
            time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"the gateway did not start:\n{self.log.read_text(errors='replace')[-4000:]}")


def _path() -> str:
    root = str(Path(__file__).parents[2])
    before = os.environ.get("PYTHONPATH")
    return f"{root}{os.pathsep}{before}" if before else root


# --- guards that cannot run --------------------------------------------------------------------------


class DownOnInput:
    """Raises when it is to look at a request."""

    spec = GuardSpec("test.down-input", "Cannot run", frozenset({Moment.INPUT}))

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        raise RuntimeError(items[0].reading.text if items else "nothing to look at")


class _Failing:
    settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        raise RuntimeError(piece)


class DownOnReply:
    """Raises when it is to look at a reply's text, or at the arguments of its tool calls."""

    def __init__(self, name: str, moment: Moment) -> None:
        self.spec = GuardSpec(f"test.down-{name}", "Cannot run", frozenset({moment}))

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector:
        return _Failing()


# --- the process itself ------------------------------------------------------------------------------


def main() -> None:
    import logging

    from chatward import assembly, routing
    from chatward.guards import catalog

    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings)
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    logging.debug("down to this level")
    real = catalog.catalog
    routing.catalog = lambda *given: (  # type: ignore[attr-defined]
        *real(*given),
        DownOnInput(),
        DownOnReply("output", Moment.OUTPUT),
        DownOnReply("tool", Moment.TOOL_CALL),
    )

    def end_with_input() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_input, daemon=True).start()
    assembly.serve(settings)


if __name__ == "__main__":
    main()
