"""Weights as arrays in an ``.npz`` file: what the models in numpy share."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np


class Arrays:
    """A slotted dataclass whose fields are arrays, each stored under its name."""

    __slots__: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Weights from a file without pickles. Raises ``KeyError`` and ``ValueError`` for another file."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(*(stored[name] for name in cls.__slots__))

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **{name: getattr(self, name) for name in type(self).__slots__})
