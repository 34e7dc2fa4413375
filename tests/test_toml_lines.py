"""Every key that ``tomllib`` reads has a line, and it is the right one."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from chatward.toml_lines import Path, key_lines

DOCUMENT = '''\
# a comment = 1
upstream = "https://bot.example" # [not.a.table]

[server]
port = 1
tls . "cert" = 2
text = """
[server.false]
port = 9 \\""" still
""""
raw = \'\'\'
x = 1\'\'\'

[bots."my bot".'x.y']
inline = { a = 1, "b" = { c = [1, 2], d.e = 3 } }
list = [
  "one", # comment ] here
  [2, 3],
  { k = "}" },
]

[[routes.a.exceptions]]
rule = "x"
[routes.a.exceptions.more]
deep = 1
[[routes.a.exceptions]]
rule = "y"
date = 2026-01-01 10:00:00
'''

EXPECTED: dict[Path, int] = {
    ("upstream",): 2,
    ("server",): 4,
    ("server", "port"): 5,
    ("server", "tls"): 6,
    ("server", "tls", "cert"): 6,
    ("server", "text"): 7,
    ("server", "raw"): 11,
    ("bots",): 14,
    ("bots", "my bot"): 14,
    ("bots", "my bot", "x.y"): 14,
    ("bots", "my bot", "x.y", "inline"): 15,
    ("bots", "my bot", "x.y", "inline", "a"): 15,
    ("bots", "my bot", "x.y", "inline", "b"): 15,
    ("bots", "my bot", "x.y", "inline", "b", "c"): 15,
    ("bots", "my bot", "x.y", "inline", "b", "c", 0): 15,
    ("bots", "my bot", "x.y", "inline", "b", "c", 1): 15,
    ("bots", "my bot", "x.y", "inline", "b", "d"): 15,
    ("bots", "my bot", "x.y", "inline", "b", "d", "e"): 15,
    ("bots", "my bot", "x.y", "list"): 16,
    ("bots", "my bot", "x.y", "list", 0): 17,
    ("bots", "my bot", "x.y", "list", 1): 18,
    ("bots", "my bot", "x.y", "list", 1, 0): 18,
    ("bots", "my bot", "x.y", "list", 1, 1): 18,
    ("bots", "my bot", "x.y", "list", 2): 19,
    ("bots", "my bot", "x.y", "list", 2, "k"): 19,
    ("routes",): 22,
    ("routes", "a"): 22,
    ("routes", "a", "exceptions"): 22,
    ("routes", "a", "exceptions", 0): 22,
    ("routes", "a", "exceptions", 0, "rule"): 23,
    ("routes", "a", "exceptions", 0, "more"): 24,
    ("routes", "a", "exceptions", 0, "more", "deep"): 25,
    ("routes", "a", "exceptions", 1): 26,
    ("routes", "a", "exceptions", 1, "rule"): 27,
    ("routes", "a", "exceptions", 1, "date"): 28,
}


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, int]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif type(value) is int:
        yield path, value


def test_each_construct_of_the_language() -> None:
    assert set(paths(tomllib.loads(DOCUMENT))) == set(EXPECTED)
    assert key_lines(DOCUMENT) == EXPECTED
    assert key_lines(DOCUMENT.replace("\n", "\r\n")) == EXPECTED


keys = st.sampled_from(["a", "b-c", "D_1", "7"]) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6
)
values = st.recursive(
    st.just(0) | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(keys, values, max_size=6))
def test_any_document(content: dict[str, object]) -> None:
    numbers = itertools.count(1_000_000)

    def numbered(value: object) -> object:
        if isinstance(value, dict):
            return {key: numbered(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [numbered(inner) for inner in value]
        return next(numbers) if value == 0 else value

    text = tomlkit.dumps(numbered(content))  # type: ignore[arg-type]
    parsed = tomllib.loads(text)
    lines = key_lines(text)
    assert set(lines) == set(paths(parsed))
    rows = text.split("\n")
    for path, number in leaves(parsed):
        assert str(number) in rows[lines[path] - 1], path


@given(st.text(alphabet="[]{}=.,\"'#\n a1\\", max_size=80))
def test_it_ends_on_anything(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in key_lines(text).values())
