"""What is shipped to deploy with: it names what there is, agrees with itself, and starts nobody with open doors."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chatward.cli import main
from chatward.gateway.router import HEALTH, READY

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: the files are not read")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = (DEPLOY / "container" / "chatward.toml", DEPLOY / "kubernetes" / "chatward.toml")
DOCKERFILE = (DEPLOY / "container" / "Dockerfile").read_text("utf-8")
PORTS = {"gateway": 8080, "admin": 8081}


def documents(name: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all((DEPLOY / name).read_text("utf-8")) if one]


def test_the_image_copies_what_there_is_and_installs_by_hash() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
    for line in re.findall(r"pip install (.+?)(?: \\)?$", DOCKERFILE, re.MULTILINE):
        assert "--require-hashes" in line or line.rstrip(" \\").endswith(" ."), line


def test_the_image_runs_as_nobody_in_particular() -> None:
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["10001:10001"]
    assert 'CMD ["chatward", "serve"]' in last
    assert "EXPOSE 8080 8081" in last
    assert f"127.0.0.1:8080{READY}" in last


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.parent.name)
def test_shipped_settings_are_valid_and_let_in_nobody_unknown(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tomllib.loads(path.read_text("utf-8"))
    assert settings["identity"]["anonymous"] is False
    assert settings["server"]["behind_tls_proxy"] is True
    assert {"gateway": settings["server"]["port"], "admin": settings["server"]["admin_port"]} == PORTS
    assert main(["check", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is True
    assert "server.keys" not in {weakness["key"] for weakness in told["weaknesses"]}


def test_settings_are_the_same_everywhere() -> None:
    assert len({path.read_text("utf-8") for path in SETTINGS}) == 1


def test_compose_publishes_to_this_machine_alone() -> None:
    (compose,) = documents("container/compose.yaml")
    service = compose["services"]["chatward"]
    assert {port.rpartition(":")[2] for port in service["ports"]} == {str(port) for port in PORTS.values()}
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    built = (DEPLOY / "container" / service["build"]["context"]).resolve()
    assert (built / service["build"]["dockerfile"]).is_file()


def test_kubernetes_parts_fit_together() -> None:
    (kustomization,) = documents("kubernetes/kustomization.yaml")
    parts = {one["kind"] + "/" + one["metadata"]["name"]: one for name in kustomization["resources"]
             for one in documents(f"kubernetes/{name}")}  # fmt: skip
    pod = parts["Deployment/chatward"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == PORTS
    assert container["readinessProbe"]["httpGet"] == {"path": READY, "port": "gateway"}
    assert container["livenessProbe"]["httpGet"] == {"path": HEALTH, "port": "gateway"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
    claims = {v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v}
    assert {f"PersistentVolumeClaim/{name}" for name in claims} <= set(parts)
    for name in ("chatward", "chatward-admin"):
        service = parts[f"Service/{name}"]["spec"]
        assert service["selector"] == labels
        assert {port["targetPort"] for port in service["ports"]} <= set(ports)
    assert parts["NetworkPolicy/chatward"]["spec"]["podSelector"]["matchLabels"] == labels


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl: the parts are compared by the test above")
def test_kustomize_builds_it() -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True, timeout=60, check=False
    )
    assert built.returncode == 0, built.stderr
    kinds = [one["kind"] for one in yaml.safe_load_all(built.stdout)]
    assert sorted(kinds) == [
        "ConfigMap", "Deployment", "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "Service", "Service",
    ]  # fmt: skip


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here: the unit is not verified")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "chatward.service").read_text("utf-8")
    unit = tmp_path / "chatward.service"
    unit.write_text(text.replace("/opt/chatward/.venv/bin/chatward", "/bin/true"), "utf-8")
    found = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert [line for line in found.stderr.splitlines() if "chatward.service" in line] == []
