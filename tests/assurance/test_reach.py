"""What an application imports of its environment: chains that are there, and what may not be said."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.assurance.reach import reached
from tests.assurance.making import write


def installed(site: Path, name: str, files: dict[str, str], *, plugins: str = "", requires: str = "") -> None:
    """A distribution as pip leaves it."""
    for path, text in files.items():
        write(site / path, text or "\n")
    info = site / f"{name}-1.0.dist-info"
    needed = f"Requires-Dist: {requires}\n" if requires else ""
    write(info / "METADATA", f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{needed}")
    write(info / "entry_points.txt", plugins)
    write(info / "RECORD", "".join(f"{path},,\n" for path in files))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "lib/python3.11/site-packages"


def test_a_chain_goes_from_file_to_file_as_python_finds_modules(tmp_path: Path, site: Path) -> None:
    installed(site, "front", {"front/__init__.py": "from . import deep\n", "front/deep.py": "import back\n"})
    installed(site, "back", {"back.py": "", "unused.py": "import other\n"})
    installed(site, "other", {"other.py": ""})
    app = write(
        tmp_path / "app/main.py", "def later():\n    if True: from front import (  # why\n        thing,\n    )\n"
    )
    found = reached([app.parent], [site])
    assert found.of("front") == ("app/main.py", "front")
    assert found.of("back") == ("app/main.py", "front", "back")
    assert found.of("other") == (), "a module of the same distribution that nobody imports brings nothing"
    assert found.of("never-installed") == ()


@pytest.mark.parametrize(
    ("line", "way"),
    [
        ("import target", True),
        ("import os, target.part as t", True),
        ("import os; import target", True),
        ("try: import target\nexcept ImportError: pass", True),
        ("from target import \\\n    part", True),
        ("import_module('target')", True),
        ("__import__(name='target')", True),
        ("importlib.import_module(f'target.{name}')", True),
        ("import targets", False),
        ("target = 1", False),
        ("# import target", False),
        ("from .target import x", False),
        ("importlib.import_module(name)", None),
        ("importlib.import_module(f'{name}')", None),
    ],
)
def test_what_counts_as_an_import(line: str, way: bool | None, tmp_path: Path, site: Path) -> None:
    installed(site, "target", {"target/__init__.py": "", "target/part.py": ""})
    found = reached([write(tmp_path / "main.py", line + "\n")], [site]).of("target")
    assert (None if found is None else bool(found)) is way


def test_what_imports_by_an_expression_brings_all_of_its_own(tmp_path: Path, site: Path) -> None:
    installed(site, "lazy", {"lazy/__init__.py": "importlib.import_module(name)\n", "lazy/one.py": "import back\n"})
    installed(site, "built", {"built.cpython-311.so": ""}, requires="back>=1 ; extra == 'x'")
    installed(site, "back", {"back.py": ""})
    for name, module in (("lazy", "lazy"), ("built", "built")):
        found = reached([write(tmp_path / f"{name}.py", f"import {module}\n")], [site])
        assert found.of("back") == (f"{name}.py", name, "back")


def test_plugins_come_with_who_asks_for_them(tmp_path: Path, site: Path) -> None:
    installed(site, "host", {"host.py": "entry_points(group='host.plugins')\n"})
    installed(
        site, "plugin", {"plugin.py": ""}, plugins="[host.plugins]\nx = plugin:run\n[console_scripts]\ny = tool:main\n"
    )
    installed(site, "tool", {"tool.py": ""}, plugins="[console_scripts]\ny = tool:main\n[others]\nz = tool\n")
    found = reached([write(tmp_path / "main.py", "import host\n")], [site])
    assert found.of("plugin") == ("main.py", "host", "plugin")
    assert found.of("tool") == ()


def test_of_what_lists_no_files_nothing_is_said(tmp_path: Path, site: Path) -> None:
    installed(site, "silent", {"silent.py": ""})
    (site / "silent-1.0.dist-info/RECORD").unlink()
    found = reached([write(tmp_path / "main.py", "\n")], [site])
    assert found.of("silent") is None
    assert found.of("other") == ()


def test_folders_that_are_not_the_application_are_left_out(tmp_path: Path, site: Path) -> None:
    installed(site, "target", {"target.py": ""})
    for folder in (".hidden", "node_modules", "venv"):
        write(tmp_path / f"app/{folder}/x.py", "import target\n")
    write(tmp_path / "app/venv/pyvenv.cfg", "home = /usr\n")
    write(tmp_path / "app/main.py", "\n")
    assert reached([tmp_path / "app"], [site]).of("target") == ()
    with pytest.raises(OSError, match="missing"):
        reached([tmp_path / "missing"], [site])
