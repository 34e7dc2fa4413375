"""Rules of operators and of sources are compiled alike."""

from __future__ import annotations

import pytest

from chatward.guards.files.signatures import YaraScanner
from chatward.intel.yara import compiled

pytest.importorskip("yara_x")

RULE = 'rule evil { strings: $a = "evil" condition: $a }'


def test_two_files_may_have_rules_of_one_name() -> None:
    assert YaraScanner(compiled([RULE, RULE])).scan(b"so evil") == ["evil", "evil"]


def test_what_yara_itself_takes_is_taken() -> None:
    assert compiled([r"rule odd { strings: $a = /\R/ condition: $a }"]) is not None


def test_rules_that_do_not_compile_say_why_in_one_line() -> None:
    with pytest.raises(ValueError, match="error") as told:
        compiled([RULE, "rule broken {"])
    assert "\n" not in str(told.value)
