"""``chatward demo``: a guarded chatbot on this machine, to try.

The rule: everything that it starts ends with it. The model server is a child that cannot outlive this process
(``chatward.demo.model``); the gateway runs in this process; the ledger lives in a folder that is removed.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from chatward.configuration import Loaded, load
from chatward.core.errors import ConfigError
from chatward.demo.model import MODEL_NAME, start_model
from chatward.demo.tour import welcome

HOST: Final = "127.0.0.1"
GATEWAY_PORT: Final = 8787
ADMIN_PORT: Final = 8788
_PORTS_TRIED: Final = 50


def run(port: int | None = None, admin_port: int | None = None, *, as_json: bool = False) -> int:
    """Runs the demonstration until it is told to stop; returns the exit status.

    Ports come from the arguments, else from ``CHATWARD_DEMO_PORT`` and ``CHATWARD_DEMO_ADMIN_PORT``. One that is
    not given is the default one, or the next that is free; one that is given and taken is a ``ConfigError``
    (``port-taken``). With ``as_json`` the addresses come as one JSON object, without the tour.
    """
    port = choose_port(_wish(port, "CHATWARD_DEMO_PORT"), GATEWAY_PORT)
    admin_port = choose_port(_wish(admin_port, "CHATWARD_DEMO_ADMIN_PORT"), ADMIN_PORT, not_these={port})
    # Imported here: it brings the whole gateway along, and `chatward --help` does without.
    from chatward.assembly import serve  # noqa: PLC0415
    from chatward.demo import day  # noqa: PLC0415

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    base_url, admin_url = f"http://{HOST}:{port}/v1", f"http://{HOST}:{admin_port}"
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatward-demo-")))
            _say("[1/3] Loading a small language model, SmolLM2 with 135 million parameters ...")
            started = time.monotonic()
            model = start_model()
            stack.callback(model.stop)
            _say(f"      It answers, after {time.monotonic() - started:.1f} s.")
            _say("[2/3] Starting the gateway in front of it, with all guards ...")
            day.write(folder / "ledger.db", time.time())  # so that the console has something to show
            stopped = threading.Event()
            stack.callback(stopped.set)
            text = _addresses(base_url, admin_url) if as_json else welcome(base_url, admin_url)
            threading.Thread(target=_announce, args=(port, text, stopped), daemon=True).start()
            loaded = demo_settings(model.base_url, port, admin_port, folder / "ledger.db")
            serve(loaded, announce=lambda line: None)  # the tour says it all
    except KeyboardInterrupt:
        pass
    finally:
        _say("Stopped. Nothing of the demonstration is left running.")
    return 0


def demo_settings(upstream: str, port: int, admin_port: int, ledger: Path) -> Loaded:
    """The settings that the demonstration runs with: the defaults, in front of ``upstream``.

    No file and no environment: it is the same demonstration everywhere.
    """
    given = {
        "upstream": upstream,
        "server.host": HOST,
        "server.port": port,
        "server.admin_host": HOST,
        "server.admin_port": admin_port,
        "server.log_level": "warning",  # the terminal belongs to the tour
        "ledger.path": str(ledger),
        "chat.title": "Chatward demonstration",
        "chat.model": MODEL_NAME,
    }
    return load(None, {}, given)


def choose_port(wanted: int | None, default: int, *, not_these: frozenset[int] | set[int] = frozenset()) -> int:
    """``wanted`` if it is free; without a wish ``default`` or the next free one. 0 takes any free one."""
    if wanted is not None:
        free = _bound(wanted)
        if free is None or free in not_these:
            raise ConfigError(f"port {wanted} is taken on {HOST}: choose another", reason="port-taken")
        return free
    for candidate in range(default, default + _PORTS_TRIED):
        if candidate not in not_these and _bound(candidate) is not None:
            return candidate
    raise ConfigError(f"no port from {default} to {default + _PORTS_TRIED - 1} is free", reason="port-taken")


def _wish(given: int | None, variable: str) -> int | None:
    """The port that was asked for, on the command line or in the environment."""
    text = os.environ.get(variable, "")
    if given is not None or not text:
        return given
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ConfigError(f"{variable} is no port: a number up to 65535", key=variable, reason="port-invalid")
    return int(text)


def _bound(port: int) -> int | None:
    """The port that could be bound on loopback, or ``None``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is not taken
        try:
            probe.bind((HOST, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _announce(port: int, text: str, stopped: threading.Event) -> None:
    """Prints ``text`` once the gateway says that it is ready."""
    while not stopped.wait(0.1):
        connection = http.client.HTTPConnection(HOST, port, timeout=2)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.client.OK:
                _say("[3/3] The gateway answers.")
                print(text, flush=True)
                return
        connection.close()


def _addresses(base_url: str, admin_url: str) -> str:
    root = base_url.removesuffix("/v1")
    addresses = {"base_url": base_url, "chat": f"{root}/chat", "console": f"{admin_url}/", "model": MODEL_NAME}
    return json.dumps(addresses)


def _say(text: str) -> None:
    """Progress goes to stderr, so that a program reads the addresses alone from stdout."""
    print(text, file=sys.stderr, flush=True)


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt
