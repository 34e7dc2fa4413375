"""What `[channels]` and `[mcp]` may not say, and what they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.configuration import load
from chatward.core.errors import ConfigError

RASA = '[channels.shop]\nkind = "rasa"\nupstream = "http://127.0.0.1:5005"\n'
HOOK = '[channels.desk]\nkind = "webhook"\nupstream = "http://127.0.0.1:9000"\ntext = ["/a"]\nreply = ["/b"]\n'
MCP = '[mcp.files]\nupstream = "http://127.0.0.1:8931"\n'
BOT = '[bots.default]\nupstream = "http://127.0.0.1:1"\n'


def loaded(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "chatward.toml"
    file.write_text(text)
    return file


def test_a_name_with_an_address_is_a_bot(tmp_path: Path) -> None:
    settings = load(loaded(tmp_path, RASA + HOOK + MCP)).settings
    assert settings.bots["shop"].upstream == "http://127.0.0.1:5005"
    assert settings.bots["files"].upstream == "http://127.0.0.1:8931"
    assert settings.bots.keys() == {"default", "shop", "desk", "files"}
    other = load(loaded(tmp_path, BOT + '[mcp.default]\nbot = "default"\n' + RASA)).settings
    assert other.bots["default"].upstream == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (RASA.replace("shop", "My-Shop"), "channels.My-Shop"),
        (RASA.replace("upstream", "# upstream") + BOT, "channels.shop"),
        (RASA + 'bot = "shop"\n', "channels.shop"),
        (BOT + '[mcp.files]\nbot = "nobody"\n', "mcp.files.bot"),
        (RASA + '[bots.shop]\nupstream = "http://127.0.0.1:1"\n', "channels.shop"),
        (RASA + MCP.replace("files", "shop"), "mcp.shop"),
        (RASA + 'text = ["/a"]\n', "channels.shop.text"),
        (RASA + 'signature = "slack"\n', "channels.shop.signature"),
        (HOOK.replace('["/a"]', "[]"), "channels.desk.text"),
        (HOOK.replace('"/b"', '"b"'), "channels.desk.reply[0]"),
        (HOOK.replace('"/b"', '""'), "channels.desk.reply[0]"),
        (HOOK + 'untouched = ["", "/a~2"]\n', "channels.desk.untouched[1]"),
        (HOOK + 'sender = "/a/*"\n', "channels.desk.sender"),
        (HOOK + 'signature = "slack"\n', "channels.desk"),
        (HOOK + 'secret = "env:X"\n', "channels.desk"),
        (HOOK + 'signature = "slack"\nsecret = "hunter2"\n', "channels.desk.secret"),
        (HOOK + 'upstream_secret = "env:X"\n', "channels.desk.upstream_secret"),
        (HOOK + 'path = "/a b"\n', "channels.desk.path"),
        (MCP + 'headers = {x-key = "hunter2"}\n', "mcp.files.headers.x-key"),
        (MCP + 'headers = {mcp-session-id = "env:X"}\n', "mcp.files.headers.mcp-session-id"),
        (MCP + 'headers = {Host = "env:X"}\n', "mcp.files.headers.Host"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(loaded(tmp_path, text))
    assert refused.value.key == key
    assert "hunter2" not in str(refused.value)
