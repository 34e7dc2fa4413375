"""What a maker says of a vulnerability in its product: VEX, as OpenVEX 0.2 or in CycloneDX.

The rules:

1. ``not_affected`` counts with a reason alone (OpenVEX: justification or impact statement; CycloneDX: justification or
   detail), ``fixed`` as it is. Everything else closes nothing.
2. A statement is about a product by its package URL; without a version, about all of them. Later statements of a
   document come after earlier ones, and win.
3. Who made a document is not proven here: name only files that come from where they should.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chatward.assurance.inventory import Component
from chatward.core.errors import ConfigError

_CYCLONEDX: Final = {
    "not_affected": "not_affected",
    "false_positive": "not_affected",
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """``products``: package URLs. ``status``: as in OpenVEX."""

    ids: frozenset[str]
    products: tuple[str, ...]
    status: str
    reason: str

    def closes(self, ids: Iterable[str], component: Component) -> bool:
        if self.ids.isdisjoint(ids) or (self.status == "not_affected" and not self.reason):
            return False
        return self.status in {"not_affected", "fixed"} and any(_fits(one, component.purl) for one in self.products)

    def concerns(self, ids: Iterable[str], component: Component) -> bool:
        return not self.ids.isdisjoint(ids) and any(_fits(one, component.purl) for one in self.products)


def _fits(product: str, purl: str) -> bool:
    product, purl = product.partition("?")[0].partition("#")[0], purl.partition("?")[0]
    if "@" in product.rpartition("/")[2]:
        return product == purl
    return product == purl.rpartition("@")[0]


def read(path: Path) -> list[Statement]:
    """Raises ``ConfigError``."""
    try:
        document = json.loads(path.read_text("utf-8-sig"))
        if "openvex" in str(document.get("@context", "")):
            return list(_openvex(document))
        if document.get("bomFormat") == "CycloneDX":
            return list(_cyclonedx(document))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", reason="vex-invalid") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path} is no VEX document", reason="vex-invalid") from error
    raise ConfigError(f"{path} is neither OpenVEX nor CycloneDX", reason="vex-invalid")


def _openvex(document: Mapping[str, Any]) -> Iterator[Statement]:
    for one in document["statements"]:
        told = one["vulnerability"]
        named = {"name": told} if isinstance(told, str) else told
        ids = frozenset((named["name"], *named.get("aliases", ())))
        products: list[str] = []
        for product in one.get("products", ()):
            if isinstance(product, str):
                products.append(product)
                continue
            inner = [part["@id"] for part in product.get("subcomponents", ()) if "@id" in part]
            products += inner or [product.get("@id", ""), *product.get("identifiers", {}).values()]
        why = one.get("justification") or one.get("impact_statement") or ""
        yield Statement(ids, tuple(filter(None, products)), str(one["status"]), str(why))


def _cyclonedx(document: Mapping[str, Any]) -> Iterator[Statement]:
    purls = {
        part["bom-ref"]: part["purl"]
        for part in document.get("components") or ()
        if "bom-ref" in part and "purl" in part
    }
    for one in document.get("vulnerabilities") or ():
        analysis = one.get("analysis") or {}
        state = str(analysis.get("state", ""))
        ids = frozenset((one["id"], *(ref["id"] for ref in one.get("references") or () if "id" in ref)))
        refs = [str(target["ref"]) for target in one.get("affects") or ()]
        products = [purls.get(ref.rpartition("#")[2], ref.rpartition("#")[2]) for ref in refs]
        why = analysis.get("justification") or analysis.get("detail") or ""
        yield Statement(ids, tuple(products), _CYCLONEDX.get(state, state or "under_investigation"), str(why))


def verdict(statements: Iterable[Statement], ids: Iterable[str], component: Component) -> Statement | None:
    """The statement that counts, if it closes the matter."""
    said: Statement | None = None
    wanted = frozenset(ids)
    for one in statements:
        if one.concerns(wanted, component):
            said = one
    return said if said is not None and said.closes(wanted, component) else None
