"""``chatward init``: a configuration to start from, with safe defaults said aloud.

The rule: what is written is valid by construction (it is loaded before it is written), it is never written over
an existing file unless told to, and it never holds a secret. On a terminal what is missing is asked for; elsewhere
it is an error.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from chatward.commands.terminal import AsJson, print_json
from chatward.configuration import DEFAULT_FILE, load
from chatward.core.errors import ConfigError
from chatward.settings_rules import upstream_problem

TEMPLATE: Final = """\
# Chatward's settings. Every key, its type and its default: chatward config schema
# What is in force and where it comes from:                 chatward config show --origin
# What is weak in it:                                       chatward check

# The bot to guard: its base URL. This line alone would be enough.
upstream = {upstream}

[server]
# Clients use http://127.0.0.1:{port}/v1 as their base URL. To listen on another address, set host, TLS
# (tls_cert and tls_key, or behind_tls_proxy = true) and keys; without them start-up is refused.
host = "127.0.0.1"
port = {port}
admin_host = "127.0.0.1"
admin_port = {admin_port}
# Keys that callers must present, by reference: env:NAME or file:/absolute/path.
# keys = ["env:CHATWARD_KEY"]

# The key that is sent to the bot. Without it each caller's own key is passed on.
# [bots.default]
# api_key = "env:BOT_API_KEY"

[routes.default]
# "monitor" records what would happen and changes nothing.
mode = "enforce"
# What a guard that cannot run means: "block" or "allow".
on_unavailable = "block"

[routes.default.treatments]
# Personal data on the way to the bot becomes placeholders, and is restored for the person it belongs to.
pii_input = "placeholder"
# Personal data in replies is masked, unless the same person gave it in this conversation.
pii_output = "mask"
pii_own = "keep"
# Prompt injection: from people, and hidden in tool results and documents.
injection = "block"
indirect_injection = "block"

[ledger]
# What happened, chained and append-only, without a word of what was written.
path = "chatward.db"

[conversations]
# What people and bots write is not kept.
store = false
"""


def command(
    upstream: Annotated[str | None, typer.Option(metavar="URL", help="The bot's base URL.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway.")] = 8787,
    admin_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the console.")] = 8788,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write chatward.toml in this folder."""
    path = Path(DEFAULT_FILE)
    if path.exists() and not force:
        raise ConfigError("it exists already; --force replaces it", file=str(path), reason="config-exists")
    text = TEMPLATE.format(upstream=json.dumps(_upstream(upstream)), port=port, admin_port=admin_port)
    _write(path, text, force=force)
    if as_json:
        print_json({"file": str(path), "base_url": f"http://127.0.0.1:{port}/v1"})
    else:
        print(f"Wrote {path}. Start with: chatward serve")
    return 0


def _upstream(given: str | None) -> str:
    asking = given is None and sys.stdin.isatty() and sys.stderr.isatty()
    if given is None and not asking:
        raise ConfigError("which bot? give --upstream URL, the base URL of the bot to guard", reason="usage")
    while True:
        url = given if given is not None else str(typer.prompt("Base URL of the bot to guard", err=True)).strip()
        problem = upstream_problem(url)
        if problem is None:
            return url
        if not asking:
            raise ConfigError(f"--upstream {problem}", key="upstream", reason="upstream-url")
        print(f"The address {problem}.", file=sys.stderr)


def _write(path: Path, text: str, *, force: bool) -> None:
    """Whole or not at all, and only if it loads."""
    handle, name = tempfile.mkstemp(prefix=".chatward-", suffix=".toml", dir=path.absolute().parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(name, 0o644)
        try:
            load(name, {})
        except ConfigError as error:
            raise ConfigError(error.public, key=error.key, reason=error.reason) from None
        if force:
            os.replace(name, path)
        else:
            os.link(name, path)  # fails where the file came into being meanwhile
    finally:
        if os.path.exists(name):
            os.unlink(name)
