"""Signatures: the EICAR test file and a few patterns of ours, and YARA rules where they are installed.

EICAR's string is 68 characters that every scanner must know (eicar.org); here it counts wherever it stands in a file,
since it has no other use. YARA rules come from the operator's files and from sources of threat intelligence; their
names are made safe before they stand in a finding. A rule that fits is sure.
"""

from __future__ import annotations

import re
from typing import Any, Final

EICAR: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""In two pieces, so that this file is not one."""

_OWN: Final[tuple[tuple[str, *tuple[re.Pattern[bytes], ...]], ...]] = (
    ("eicar", re.compile(re.escape(EICAR))),
    (
        "powershell-encoded",
        re.compile(rb"(?i)powershell[^\r\n]{0,100}?\s-e[a-z]{0,14}\s{1,9}[A-Za-z0-9+/=]{40}"),
    ),
    (
        "powershell-download",
        re.compile(rb"(?i)powershell"),
        re.compile(rb"(?i)(?:iex|invoke-expression)[^\r\n]{0,120}(?:downloadstring|invoke-webrequest|net\.webclient)"),
    ),
    (
        "web-shell",
        re.compile(rb"(?i)<\?php[^?]{0,2000}?\b(?:eval|assert|system|passthru|shell_exec)\s*\(\s*(?:base64_decode\s*\(\s*)?"
                   rb"\$_(?:GET|POST|REQUEST|COOKIE)"),
    ),
    (
        "html-smuggling",
        re.compile(rb"atob\s{0,9}\(|Uint8Array"),
        re.compile(rb"msSaveOrOpenBlob|createObjectURL"),
        re.compile(rb"\.download\s{0,9}=|\.click\s{0,9}\("),
    ),
    ("script-host", re.compile(rb"(?i)(?:new\s+ActiveXObject|CreateObject)\s*\(\s*[\"']WScript\.Shell")),
)  # fmt: skip
_NAME: Final = re.compile(r"[^a-z0-9]+")


def known(data: bytes) -> list[str]:
    """Names of our own signatures of which all patterns fit, wherever each stands."""
    return [name for name, *patterns in _OWN if all(pattern.search(data) for pattern in patterns)]


def safe_name(name: str) -> str:
    """A rule's name as it may stand in a finding."""
    return _NAME.sub("-", name.lower()).strip("-")[:60] or "rule"


class YaraScanner:
    """YARA-X over bytes. ``rules`` are compiled ones (``yara_x.Rules``)."""

    def __init__(self, rules: Any, *, seconds: int = 5) -> None:
        import yara_x  # noqa: PLC0415 - an extra, and heavy

        self._scanner = yara_x.Scanner(rules)
        self._scanner.set_timeout(seconds)

    def scan(self, data: bytes) -> list[str]:
        """Names of the rules that fit. Raises what YARA-X raises where time runs out."""
        return [safe_name(rule.identifier) for rule in self._scanner.scan(data).matching_rules]
