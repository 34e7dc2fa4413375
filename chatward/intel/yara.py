"""YARA rules of operators and of sources, made ready for YARA-X as both write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def compiled(sources: Sequence[str]) -> Any:
    """Rules (``yara_x.Rules``) from texts, each in a namespace of its own. Raises ``ImportError`` without the package,
    and ``ValueError`` for rules that do not compile."""
    import yara_x  # noqa: PLC0415 - an extra, and heavy

    # Rules that are written for YARA itself escape more than YARA-X wants.
    compiler = yara_x.Compiler(relaxed_re_syntax=True)
    try:
        for number, source in enumerate(sources):
            compiler.new_namespace(f"rules{number}")
            compiler.add_source(source)
    except yara_x.CompileError as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    return compiler.build()
