"""What a fresh clone promises: exact versions by hash, no index host, a small core, free licences, light imports."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
# 200 MB is the aim. ONNX Runtime alone is 76 MB, and nothing else that reads the encoder is as fast; the models are 36.
LIMIT = 230_000_000

PERMISSIVE = ("MIT", "BSD", "ISC", "Apache", "PSF")
COPYLEFT = ("GPL", "MPL", "EPL", "CDDL", "EUPL")

HEAVY = {"fastapi", "granian", "hyperscan", "jinja2", "numpy", "onnxruntime", "phonenumbers", "pydantic", "rich"}
HEAVY |= {"sqlite3", "stdnum"}
IMPURE = {"asyncio", "datetime", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "subprocess", "threading"}
IMPURE |= {"time", "urllib", "http", "ssl", "multiprocessing", "concurrent", "tempfile", "shutil", "uuid"}


def locked(name: str) -> dict[str, Requirement]:
    """Name -> requirement of one lock file, whatever its marker."""
    text = (ROOT / "locks" / f"{name}.txt").read_text("utf-8")
    lines = re.findall(r"^([A-Za-z0-9].*?)\s*\\$", text, re.MULTILINE)
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def here(name: str) -> list[str]:
    """The names of a lock file that hold on this machine."""
    return [key for key, one in locked(name).items() if one.marker is None or one.marker.evaluate()]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_one_version_and_hashes(path):
    entries = re.split(r"\n(?=[A-Za-z0-9])", path.read_text("utf-8").strip())
    for entry in entries:
        assert re.match(r"[A-Za-z0-9_.-]+==[^\s;*]+( ; [^\\\n]+)? \\\n", entry), entry[:80]
        assert entry.count("--hash=sha256:") >= 1, entry[:80]
    assert {"core.txt", "demo.txt", "test.txt", "train.txt", "uv.txt", "weights.txt"} == {path.name for path in LOCKS}


def test_no_lock_names_an_index_host():
    for path in [*LOCKS, *(ROOT / "locks").glob("*.in")]:
        assert not re.search(r"https?:|file:|--(extra-)?index|--find-links", path.read_text("utf-8")), path
    node = json.loads((ROOT / "tests/node/package-lock.json").read_text("utf-8"))
    for name, package in node["packages"].items():
        assert "resolved" not in package, name
        assert name == "" or "integrity" in package, name


def test_node_clients_have_exact_versions():
    package = json.loads((ROOT / "tests/node/package.json").read_text("utf-8"))
    for name, version in package["devDependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name


def test_the_locks_agree_and_hold_what_the_project_asks_for():
    core, demo, test = locked("core"), locked("demo"), locked("test")
    for smaller, larger in ((core, demo), (demo, test)):
        for name, requirement in smaller.items():
            assert larger[name].specifier == requirement.specifier, name
    extras = PROJECT["optional-dependencies"]
    for asked, lock in ((PROJECT["dependencies"], core), (extras["demo"], demo), (extras["test"], test)):
        for line in asked:
            requirement = Requirement(line)
            pinned = str(lock[canonicalize_name(requirement.name)].specifier).removeprefix("==")
            assert requirement.specifier.contains(pinned), line


def test_training_adds_to_the_core_what_it_needs_but_pytorch():
    train, core = locked("train"), locked("core")
    assert not train.keys() & core.keys(), "one environment holds both: what the core has is not locked twice"
    for line in PROJECT["optional-dependencies"]["train"]:
        requirement = Requirement(line)
        if requirement.name != "torch":
            pinned = str(train[canonicalize_name(requirement.name)].specifier).removeprefix("==")
            assert requirement.specifier.contains(pinned), line


def test_the_build_backend_is_the_locked_uvs_own():
    [backend] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert Requirement(backend).specifier.contains(str(locked("uv")["uv"].specifier).removeprefix("=="))


def test_the_core_is_small():
    """Everything that locks/core.txt installs, and Chatward itself with its models; not what Python compiles of it."""
    sizes = {}
    for name in here("core"):
        files = [Path(str(file.locate())) for file in metadata.distribution(name).files or ()]
        sizes[name] = sum(file.stat().st_size for file in files if file.is_file())
    own = (file for file in (ROOT / "chatward").rglob("*") if "__pycache__" not in file.parts)
    sizes["chatward"] = sum(file.stat().st_size for file in own if file.is_file())
    assert len(sizes) > 20
    assert sum(sizes.values()) < LIMIT, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_what_is_not_permissive_in_the_core_is_named_in_the_notice():
    notice = (ROOT / "NOTICE").read_text("utf-8")
    for name in here("core"):
        about = metadata.metadata(name)
        licence = " ".join(
            [about.get("License-Expression") or (about.get("License") or "")[:80]]
            + [line for line in about.get_all("Classifier") or () if line.startswith("License")]
        )
        permissive = any(word in licence for word in PERMISSIVE) and not any(word in licence for word in COPYLEFT)
        assert permissive or name in notice, (name, licence)


def test_the_licence_is_apache():
    assert PROJECT["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_importing_chatward_brings_nothing_heavy():
    program = "import sys, chatward; print(*sys.modules)"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it imports things too
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=bare)
    assert not HEAVY & set(run.stdout.split())


def test_the_list_of_commands_brings_nothing_heavy():
    program = "import sys; from chatward.cli import main; main(['--help']); print(*sys.modules)"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=bare)
    assert "Commands:" in run.stdout
    assert not (HEAVY | {"typer"}) & set(run.stdout.splitlines()[-1].split())


BESIDE = {("addresses.py", "can_ada")}
"""What core takes from elsewhere. Whoever decides about a URL must read it as browsers do, and all of them stand above
core; the parser computes and does nothing else."""


@pytest.mark.parametrize("package", ["core", "policy"])
def test_core_and_policy_are_pure(package):
    """Standard library only (and ``BESIDE``), and of it neither I/O, clock nor chance."""
    files = sorted((ROOT / "chatward" / package).glob("*.py"))
    assert len(files) > 1
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file.name}: a relative import"
                modules = [node.module or ""]
            else:
                continue
            for module in modules:
                top = module.partition(".")[0]
                known = top == "chatward" or top in sys.stdlib_module_names or (file.name, top) in BESIDE
                assert known, f"{file.name} imports {module}"
                allowed = {"datetime"} if package == "policy" else set()  # dates as values: exceptions expire
                assert top not in IMPURE - allowed, f"{file.name} imports {module}"


def run_script(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_a_python_that_does_is_found():
    assert run_script("find-python", PYTHON=sys.executable).stdout.strip()
    found = run_script("find-python", PYTHON=f"/no/such/python false {sys.executable}")
    assert found.returncode == 0


def test_where_no_python_does_it_is_said():
    found = run_script("find-python", PYTHON="/no/such/python false")
    assert found.returncode == 1
    assert found.stdout == ""
    assert "Python 3.11 or newer" in found.stderr


def test_scripts_are_executable_and_ci_stops_at_the_first_failure():
    for path in [*(ROOT / "scripts").iterdir(), ROOT / ".ci/run"]:
        assert os.access(path, os.X_OK), path
    assert "set -euo pipefail" in (ROOT / ".ci/run").read_text("utf-8")


@pytest.mark.skipif(not (ROOT / ".tools/uv").exists(), reason="no .tools/uv: make setup")
def test_the_wheel_holds_the_pages_the_types_and_the_licence(tmp_path):
    build = [str(ROOT / ".tools/uv"), "build", "--wheel", "--offline", "--quiet", "-o", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True)
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "chatward").rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name and not name.endswith(".pyc")}
    assert files <= names, sorted(files - names)
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert not any(name.startswith(("tests/", "locks/")) for name in names)
