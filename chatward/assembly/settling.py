"""What the start leaves behind goes back to the system, once, before the first message.

The rules:

1. Garbage is collected, and what stays is not looked through again (``gc.freeze``). From here on a look is taken after
   ``_YOUNG`` new objects, not 700: a message leaves next to no cycles. Room that the allocator keeps free goes back.
2. Code and constants that only the start used leave the resident set: of the program's files, pages that hold nothing
   of this process. They stay in the page cache, where whatever is needed again is found by a minor fault (0.1 to 0.5
   microseconds for sixteen pages). A mapping of which one page was written is left alone: to give it back would lose
   that (``MADV_DONTNEED``, madvise(2)).
"""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+) ")
_DONTNEED: Final = 4
_YOUNG: Final = 5000


def settle_memory() -> None:
    """All of it that this system knows; nothing elsewhere."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    with suppress(OSError, AttributeError):
        madvise = ctypes.CDLL(None).madvise
        madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for start, end in clean(Path("/proc/self/smaps").read_text().splitlines()):
            madvise(start, end - start, _DONTNEED)


def clean(smaps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Start and end of the private mappings of files that hold no page of this process's own (proc(5), smaps)."""
    place: tuple[int, int] | None = None
    for line in smaps:
        found = _MAPPING.match(line)
        if found is not None:
            start, end, may, inode = found.groups()
            place = (int(start, 16), int(end, 16)) if may.endswith("p") and inode != "0" else None
        elif place is not None and line.startswith("Anonymous:"):
            if line.split()[1] == "0":
                yield place
            place = None
