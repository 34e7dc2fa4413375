"""Peers are found, installed once, or missing with a reason."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatward.bench import peers
from chatward.bench.processes import Cores, free_ports, start


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "chatward" / "bench"


def test_the_cache_is_the_users(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert peers.cache_folder() == cache
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert peers.cache_folder() == Path.home() / ".cache" / "chatward" / "bench"


@pytest.mark.parametrize("find", [peers.litellm, peers.presidio])
def test_offline_nothing_is_installed(find: object, cache: Path) -> None:
    assert callable(find)
    found = find(offline=True)
    assert isinstance(found, peers.Missing)
    assert "not installed" in found.reason
    assert not cache.exists()


def test_nginx_of_the_path_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nginx"
    program.write_text("#!/bin/sh\necho 'nginx version: nginx/9.8.7' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert peers.nginx(offline=True) == peers.Program("nginx", "9.8.7", (str(program),))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert isinstance(peers.nginx(offline=True), peers.Missing)


def installer(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A ``uv`` that notes how it was called."""
    log = folder / "calls"
    program = folder / "tools" / "uv"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return log


def test_an_environment_is_made_once(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = f'if [ "$1" = venv ]; then mkdir -p "$5/bin" && ln -s {sys.executable} "$5/bin/python"; fi'
    log = installer(tmp_path, monkeypatch, link)
    for _ in range(2):
        assert peers.environment("one", ("alpha", "beta"), offline=False) == cache / "one" / "bin" / "python"
    calls = log.read_text().splitlines()
    assert len(calls) == 2
    assert calls[1].endswith("alpha beta")
    peers.environment("one", ("alpha",), offline=False)
    assert len(log.read_text().splitlines()) == 4


def test_a_failed_installation_is_a_reason_and_tried_again(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = installer(tmp_path, monkeypatch, "exit 1")
    for count in (1, 2):
        found = peers.environment("one", ("alpha",), offline=False)
        assert found == peers.Missing("one", "it cannot be installed (CalledProcessError)")
        assert len(log.read_text().splitlines()) == count


def test_an_installation_that_takes_too_long_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer(tmp_path, monkeypatch, "exec sleep 30")
    monkeypatch.setattr(peers, "INSTALL_SECONDS", 0.2)
    found = peers.environment("one", ("alpha",), offline=False)
    assert isinstance(found, peers.Missing)
    assert "longer" in found.reason


@pytest.mark.skipif(
    shutil.which("nginx") is None, reason="no nginx on the PATH; finding and installing peers is tested with a stand-in"
)
def test_nginx_passes_answers_on(tmp_path: Path) -> None:
    program = peers.nginx(offline=True)
    assert isinstance(program, peers.Program)
    up, port = free_ports(2)
    cores = Cores.of_machine()
    (tmp_path / "healthz").write_text("it is me")
    with ExitStack() as stack:
        site = [sys.executable, "-m", "http.server", str(up), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
        start(stack, "site", site, port=up, cores=cores.driver, folder=tmp_path)
        server = peers.start_nginx(stack, program, port=port, upstream=up, cores=cores.proxy, folder=tmp_path)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.read() == b"it is me"
        # The master listens before it has a worker; whoever answered is one.
        assert len(server.pids) == 2
    subprocess.run(["/bin/sh", "-c", f"test ! -e {tmp_path}/nginx.pid"], check=True)
