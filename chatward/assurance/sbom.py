"""Bills of materials in CycloneDX 1.6 (ECMA-424): of what is installed, and of the shipped models (ML-BOM).

The rule: the same parts give the same document but for ``timestamp``; its serial number is made of its content (UUID
5), so two documents that are called alike are alike. Models are components of type ``machine-learning-model`` with
the SHA-256 that the manifest names and this machine was found to have. Tools of MCP servers are of type ``data``, with
the SHA-256 of what a model reads of them: as it was accepted, else as it is offered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from chatward import __version__
from chatward.assurance.inventory import Component
from chatward.assurance.scanning import Finding, Scan
from chatward.models.store import ModelFiles
from chatward.stores.tool_pins import Pin

SPEC: Final = "1.6"
_SPACE: Final = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562, appendix: OIDs
_EXPRESSION: Final = re.compile(r"[A-Za-z0-9.+() -]+")
_CARDS: Final = {"tier1.npz": "card.md", "names.npz": "card.md", "encoder.onnx": "card.md", "urls.npz": "urls-card.md"}
_TASKS: Final = {
    "tier1.npz": "text-classification",
    "names.npz": "token-classification",
    "encoder.onnx": "text-classification",
    "urls.npz": "url-classification",
}


def cyclonedx(
    name: str,
    components: Iterable[Component],
    *,
    at: float,
    models: bool = False,
    tools: Iterable[Pin] = (),
    scan: Scan | None = None,
) -> dict[str, Any]:
    """A document about ``name``, with what ``scan`` found in it. ``at``: seconds since 1970. Raises ``ModelError``
    where a model is another one."""
    parts = [_component(one) for one in sorted(set(components))]
    if models:
        parts += model_components(ModelFiles())
    parts += map(_tool, tools)
    subject = {"type": "application", "bom-ref": f"subject:{name}", "name": name}
    if name == "chatward":
        subject["version"] = __version__
    found = {"vulnerabilities": vulnerabilities(scan)} if scan is not None else {}
    body = json.dumps([subject, parts, *found.values()], sort_keys=True)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid5(_SPACE, body)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "chatward", "version": __version__}]},
            "component": subject,
        },
        "components": parts,
        "dependencies": [
            {"ref": subject["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]},
            *({"ref": part["bom-ref"]} for part in parts),
        ],
        **found,
    }


def vulnerabilities(scan: Scan) -> list[dict[str, Any]]:
    """What a scan found, as CycloneDX has it (VEX): what makers closed with their words, all else as ``in_triage``.
    Each refers to its component by package URL."""
    return [
        {
            "bom-ref": f"{one.id} in {one.component.purl}",
            "id": one.id,
            "references": [{"id": id_, "source": {"name": id_.partition("-")[0]}} for id_ in one.ids if id_ != one.id],
            "ratings": [
                {"severity": one.severity, **({"score": one.score} if one.score is not None else {})},
            ],
            **({"recommendation": f"Update to {one.fixed}."} if one.fixed else {}),
            "affects": [{"ref": one.component.purl}],
            "analysis": _analysis(one),
        }
        for one in scan.findings
    ]


def _analysis(one: Finding) -> dict[str, str]:
    status, _, reason = one.closed.partition(": ")
    made = {"state": {"": "in_triage", "fixed": "resolved"}.get(status, status)}
    return {**made, "detail": reason} if reason else made


def _component(one: Component) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
    }
    if one.license and _EXPRESSION.fullmatch(one.license):
        made["licenses"] = [{"expression": one.license}]
    return made


def _tool(pin: Pin) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"mcp:{pin.server}:{pin.tool}",
        "group": pin.server,
        "name": pin.tool,
        "description": f"Tool of an MCP server: {pin.refusal or 'accepted'}",
        "hashes": [{"alg": "SHA-256", "content": pin.accepted or pin.offered}],
    }


def model_components(files: ModelFiles) -> list[dict[str, Any]]:
    """The shipped models, each compared with its digest. Raises ``ModelError``."""
    made = []
    for name in sorted(_TASKS):
        if name not in files.digests:
            continue
        files.path(name)
        card: dict[str, Any] = {"modelParameters": {"task": _TASKS[name], "approach": {"type": "supervised"}}}
        made.append(
            {
                "type": "machine-learning-model",
                "bom-ref": f"model:{name}",
                "name": name,
                "version": files.version or __version__,
                "description": f"Shipped with Chatward; what it was made from and how it does: {_CARDS[name]}",
                "hashes": [{"alg": "SHA-256", "content": files.digests[name]}],
                "modelCard": card,
            }
        )
    return made
