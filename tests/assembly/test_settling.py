"""What the start leaves behind goes back, and nothing that the process wrote."""

import gc
import mmap
import sys
from pathlib import Path

import pytest

from chatward.assembly.settling import clean, settle_memory

SMAPS = """\
00400000-00452000 r-xp 00000000 08:02 173521 /usr/lib/code.so
Rss:                 100 kB
Anonymous:             0 kB
00651000-00652000 r--p 00051000 08:02 173521 /usr/lib/code.so
Rss:                   4 kB
Anonymous:             4 kB
00652000-00655000 rw-s 00052000 08:02 173522 /var/lib/shared.db
Rss:                   8 kB
Anonymous:             0 kB
7f0000000000-7f0000021000 rw-p 00000000 00:00 0
Rss:                 132 kB
Anonymous:             0 kB
7ffd1c5e0000-7ffd1c601000 r-xp 00000000 00:00 0 [vdso]
Rss:                   4 kB
Anonymous:             0 kB
"""


def test_only_private_pages_of_files_go_back_and_only_where_none_was_written() -> None:
    assert list(clean(SMAPS.splitlines())) == [(0x400000, 0x452000)]


@pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="only Linux has /proc and gives pages back; which ones would go is tested above, on a recorded list",
)
def test_what_was_written_stays_and_what_was_read_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"a" * 4 * mmap.PAGESIZE)
    with path.open("rb") as file:
        written = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        read = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    with written, read:
        written[0:1] = b"b"
        assert read[0:1] == b"a"
        try:
            settle_memory()
        finally:
            gc.unfreeze()
        assert (written[0:2], read[0:2]) == (b"ba", b"aa")
        smaps = Path("/proc/self/smaps").read_text().splitlines()
        mine = [line.split()[0:2] for line in smaps if line.endswith(f" {path}")]
        places = {may: tuple(int(end, 16) for end in place.split("-")) for place, may in mine}
        given = set(clean(smaps))
        assert places["r--p"] in given
        assert places["rw-p"] not in given
