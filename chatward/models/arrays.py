"""Weights as arrays in an ``.npz`` file: what the models in numpy share."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np


class Arrays:
    """A slotted dataclass whose fields are arrays, each stored under its name: those of 8 bits as they are, all others
    in 16 bits, which become 32 when they are loaded."""

    __slots__: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Weights from a file without pickles. Raises ``KeyError`` and ``ValueError`` for another file."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = (stored[name] for name in cls.__slots__)
            return cls(*(array if array.dtype == np.int8 else array.astype(np.float32) for array in arrays))

    def save(self, path: Path) -> None:
        arrays = {name: getattr(self, name) for name in type(self).__slots__}
        halves = {name: array if array.dtype == np.int8 else array.astype(np.float16) for name, array in arrays.items()}
        np.savez_compressed(path, **halves)
