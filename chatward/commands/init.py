"""``chatward init``: a configuration to start from, with safe defaults said aloud.

The rule: what is written is valid by construction (it is loaded before it is written), it is never written over
an existing file unless told to, and it never holds a secret. On a terminal what is missing is asked for; elsewhere
it is an error. ``--tls`` makes a local authority and a certificate (``chatward certs``); ``--from-litellm`` takes bots
from LiteLLM's file (``from_litellm``), and says what it could not take.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chatward.commands.from_litellm import Carried, read
from chatward.commands.terminal import AsJson, print_json
from chatward.configuration import DEFAULT_FILE, load
from chatward.core.errors import ConfigError
from chatward.settings.rules import upstream_problem

if TYPE_CHECKING:
    from chatward.gateway.certificates import Files

TEMPLATE: Final = """\
# Chatward's settings. Every key, its type and its default: chatward config schema
# What is in force and where it comes from:                 chatward config show --origin
# What is weak in it:                                       chatward check

{which}
[server]
# Clients use {base} as their base URL; Anthropic's add the /v1 themselves.
# To listen on another address, set host, TLS (tls_cert and tls_key, or behind_tls_proxy = true) and keys; without
# them start-up is refused.
host = "127.0.0.1"
port = {port}
admin_host = "127.0.0.1"
admin_port = {admin_port}
{tls}# Keys that callers must present, by reference: env:NAME or file:/absolute/path.
{keys}

{bots}
[routes.default]
{bot}# "monitor" records what would happen and changes nothing.
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


ONE: Final = """\
# The bot to guard: its base URL. This line alone would be enough.
upstream = {upstream}
"""
NO_KEYS: Final = '# keys = ["env:CHATWARD_KEY"]'
NO_BOT_KEY: Final = """\
# The key that is sent to the bot. Without it each caller's own key is passed on.
# [bots.default]
# api_key = "env:BOT_API_KEY"
"""
TRUST: Final = """\
Clients must trust {ca}, which vouches for {names} and nothing else:
  curl --cacert {ca} ...      Python: SSL_CERT_FILE={ca}      Node: NODE_EXTRA_CA_CERTS={ca}
  Debian: cp {ca} /usr/local/share/ca-certificates/chatward.crt && update-ca-certificates
  macOS: security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {ca}
The certificate is good until {until:%Y-%m-%d}; `chatward certs make` renews it, and a running gateway takes it."""


def command(
    upstream: Annotated[str | None, typer.Option(metavar="URL", help="The bot's base URL.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway.")] = 8787,
    admin_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the console.")] = 8788,
    tls: Annotated[
        bool, typer.Option("--tls", help="Make a local authority and a certificate, and speak TLS.")
    ] = False,
    tls_name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A host name or address in it, besides this machine's.")
    ] = None,
    from_litellm: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the bots from LiteLLM's file (YAML or JSON).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write chatward.toml in this folder."""
    path = Path(DEFAULT_FILE)
    if path.exists() and not force:
        raise ConfigError("it exists already; --force replaces it", file=str(path), reason="config-exists")
    if from_litellm is not None and upstream is not None:
        raise ConfigError("give --upstream or --from-litellm, not both", reason="usage")
    carried = None if from_litellm is None else read(from_litellm, os.environ)
    url = _upstream(upstream) if carried is None else ""
    files = _certificate(tls_name or ()) if tls or tls_name else None
    base = f"{'http' if files is None else 'https'}://{'127.0.0.1' if files is None else 'localhost'}:{port}/v1"
    _write(path, _text(url, carried, from_litellm, port, admin_port, files, base), force=force)
    notes = [] if carried is None else carried.notes
    if as_json:
        told: dict[str, object] = {"file": str(path), "base_url": base}
        told |= {} if files is None else {"ca": str(files.ca)}
        print_json(told | ({} if carried is None else {"bots": list(carried.bots), "notes": notes}))
        return 0
    print(f"Wrote {path}. Start with: chatward serve")
    if carried is not None:
        print(f"Bots: {', '.join(carried.bots)}.")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if files is not None:
        names = ", ".join(["this machine", *(tls_name or ())])
        print(TRUST.format(ca=files.ca, names=names, until=files.not_after))
    return 0


def _certificate(names: Sequence[str]) -> Files:
    from chatward.commands.certs import FOLDER  # noqa: PLC0415 - cryptography is not needed for a file without TLS
    from chatward.gateway.certificates import local  # noqa: PLC0415

    return local(Path(FOLDER), names)


def _text(
    url: str, carried: Carried | None, source: Path | None, port: int, admin_port: int, files: Files | None, base: str
) -> str:
    known = {"port": port, "admin_port": admin_port, "base": base, "bot": ""}
    tls = "" if files is None else f"tls_cert = {_quoted(files.cert)}\ntls_key = {_quoted(files.key)}\n"
    if carried is None:
        which = ONE.format(upstream=json.dumps(url))
        return TEMPLATE.format(**known, which=which, tls=tls, keys=NO_KEYS, bots=NO_BOT_KEY)
    bots = []
    for name, (upstream, key) in carried.bots.items():
        bots.append(f"[bots.{name}]\nupstream = {json.dumps(upstream)}\n")
        bots.append(f"api_key = {json.dumps(key)}\n" if key is not None else "# Each caller's own key is passed on.\n")
    first = next((name for name, models in carried.routes.items() if "*" in models), next(iter(carried.bots)))
    others = [name for name in carried.bots if name != first]
    known["bot"] = f"bot = {json.dumps(first)}\n"
    routes = "".join(
        f"\n[routes.{name}]\nmodels = {json.dumps(carried.routes[name])}\nbot = {json.dumps(name)}\n" for name in others
    )
    keys = f"keys = {json.dumps(carried.keys)}" if carried.keys else NO_KEYS
    which = f"# The bots of {source.name if source is not None else 'LiteLLM'}.\n"
    return TEMPLATE.format(**known, which=which, tls=tls, keys=keys, bots="".join(bots)) + routes


def _quoted(path: Path) -> str:
    return json.dumps(str(path))


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
