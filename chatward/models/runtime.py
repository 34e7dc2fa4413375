"""ONNX Runtime, loaded so that it tells nobody.

The rule: nothing imports ``onnxruntime`` but this. From 1.29 on its official builds for Linux send events to Microsoft
unless a variable says no before it is loaded, and keep a device's id and unsent events in the home folder (its
``Privacy.md``, "Disabling Telemetry"). Chatward sends nothing anywhere, so the variable is set whatever it was.
"""

from __future__ import annotations

import os
from typing import Any, Final

VARIABLE: Final = "ORT_DISABLE_TELEMETRY"


def onnxruntime() -> Any:
    """The module."""
    os.environ[VARIABLE] = "1"
    import onnxruntime as module  # noqa: PLC0415 - slow to import, and not before the variable is set

    return module
