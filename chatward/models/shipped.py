"""The models that ship with the package, each loaded once a process when it is first asked for.

The rule: to import this imports no model, no numpy and no runtime, so that who looks by rules alone carries none of
them. All here raise ``ModelError``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatward.models.cascade import Cascade
    from chatward.models.urls import UrlModel


@cache
def shipped() -> Cascade:
    """All models of texts."""
    from chatward.models.cascade import Cascade  # noqa: PLC0415 - numpy, as below

    return Cascade()


@cache
def small() -> Cascade:
    """Tier 1 of them alone."""
    from chatward.models.cascade import Cascade  # noqa: PLC0415

    return Cascade(encoder=False)


def links() -> UrlModel:
    """The model of links."""
    from chatward.models.urls import shipped as model  # noqa: PLC0415

    return model()


def well_known(name: str) -> bool:
    """Whether very many people visit a registered name."""
    return _well_known()(name)


@cache
def _well_known() -> Callable[[str], bool]:
    from chatward.models.urls import well_known as known  # noqa: PLC0415

    return known
