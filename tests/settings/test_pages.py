"""Pages of other origins in the settings: named to the letter, and such as browsers give a key to."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.configuration import load
from chatward.core.errors import ConfigError

ONE = 'upstream = "http://127.0.0.1:8000"\n'


def read(folder: Path, text: str) -> str:
    """The key that is refused; empty where all is well."""
    path = folder / "chatward.toml"
    path.write_text(text)
    try:
        load(path, {})
    except ConfigError as error:
        return error.key or "?"
    return ""


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[server]\ncors_origins = ["https://shop.example", "http://localhost:3000"]', ""),
        ('[server]\ncors_origins = ["http://intranet.example"]', ""),
        ('[server]\ncors_origins = ["https://shop.example"]\ncors_credentials = true', ""),
        ('[server]\ncors_origins = ["*"]', "server.cors_origins[0]"),
        ('[server]\ncors_origins = ["*"]\ncors_credentials = true', "server.cors_origins[0]"),
        ('[server]\ncors_origins = ["https://shop.example", "null"]', "server.cors_origins[1]"),
        ('[server]\ncors_origins = ["https://shop.example/"]', "server.cors_origins[0]"),
        ("[server]\ncors_credentials = true", "server.cors_credentials"),
        ('[widget]\norigins = ["https://shop.example"]', ""),
        ('[widget]\nenabled = true\norigins = ["https://a.b", "http://localhost:3000", "http://127.0.0.1"]', ""),
        ("[widget]\nenabled = true", "widget.origins"),
        ('[widget]\nenabled = true\norigins = ["*"]', "widget.origins[0]"),
        ('[widget]\norigins = ["https://Shop.example"]', "widget.origins[0]"),
        ('[widget]\nenabled = true\norigins = ["http://shop.example"]', "widget.origins[0]"),
        ('[widget]\nenabled = true\norigins = ["https://shop.example"]\nbot = "other"', "widget.bot"),
        ('[widget]\norigins = ["https://a.b"]\nenabled = true\nlifetime = 900\nlongest = 600', "widget.longest"),
        ("[widget]\nlifetime = 86400", "widget.lifetime"),
        ("[widget]\nsessions_per_minute = 0", "widget.sessions_per_minute"),
    ],
)  # fmt: skip
def test_what_may_be_said(tmp_path: Path, text: str, key: str) -> None:
    assert read(tmp_path, ONE + text) == key


def test_where_there_is_one_bot_the_widget_has_that(tmp_path: Path) -> None:
    path = tmp_path / "chatward.toml"
    path.write_text(
        '[bots.shop]\nupstream = "http://127.0.0.1:8000"\n[widget]\nenabled = true\norigins = ["https://a.b"]'
    )
    assert load(path, {}).settings.widget.bot == "shop"
