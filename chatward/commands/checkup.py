"""What ``chatward doctor`` looks at: one function for each question, which asks this machine and changes nothing.

The rules:

1. A check says ``ok``, ``warning``, ``failed`` or ``unknown``, a sentence, and what to do unless it is ok. What could
   not be looked at is ``unknown``, never ok: a check that breaks is unknown too, with the name of what broke it.
2. Nothing is sent: bots are asked for a connection (TCP, then TLS), and no byte of HTTP. Nothing is written, made or
   repaired; files are opened for reading. Secrets and what they open stay out of every sentence.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import sqlite3
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from chatward.assurance.gates import figures
from chatward.assurance.opening import advisories_file, opened_tasks, targets
from chatward.commands.settings import missing, policies
from chatward.configuration import Loaded
from chatward.core.errors import ChatwardError, ConfigError
from chatward.gateway.certificates import RENEW_DAYS, check, not_after, sources
from chatward.gateway.outbound_tls import OutboundTls
from chatward.ledger import checkpointing, reading, verifying
from chatward.models.store import ModelFiles
from chatward.monitoring.standing import standing
from chatward.settings import Bot, Settings
from chatward.settings.assurance import Assurance
from chatward.settings.rules import identity_file
from chatward.stores.database import Schema

State = Literal["ok", "warning", "failed", "unknown"]
CONNECT: Final = 5.0
"""Seconds to reach a bot."""
WHOLE: Final = 200_000
"""Entries up to which the whole record is verified here."""
ROOM: Final = 4
"""How many times ``ledger.min_free`` should be free."""
_SLACK: Final = 60.0
_MODELS_SINCE: Final = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
_UNSYNCHRONISED: Final = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. ``advice`` is empty where all is well."""

    name: str
    state: State
    sentence: str
    advice: str = ""


Found = Iterator[Check]


def examine(loaded: Loaded, *, clock: Callable[[], float] = time.time) -> list[Check]:
    """Every check, in a fixed order."""
    settings = loaded.settings
    checks: list[tuple[str, Callable[[], Found]]] = [
        ("references", lambda: _references(loaded)),
        ("policies", lambda: _policies(loaded)),
        *((f"upstream.{name}", _upstream_of(name, bot)) for name, bot in settings.bots.items()),
        ("certificates", lambda: _certificates(settings, clock())),
        ("ledger", lambda: _ledger(settings)),
        ("disk", lambda: _disk(settings)),
        ("models", _models),
        ("identity", lambda: _identity(settings)),
        ("patches", lambda: _patches(settings, clock())),
        ("monitoring", lambda: _monitoring(settings, clock)),
        ("clock", lambda: _clock(settings, clock())),
        ("secrets", lambda: _secrets(settings)),
    ]
    found: list[Check] = []
    for name, look in checks:
        try:
            found += look()
        except Exception as error:  # rule 1: what breaks is unknown, and its own words may quote a secret
            said = error.public if isinstance(error, ChatwardError) else f"it broke off: {type(error).__name__}"
            found.append(Check(name, "unknown", said, "Set CHATWARD_DEBUG=1 and run this again."))
    return found


def _references(loaded: Loaded) -> Found:
    gone = missing(loaded)
    for error in gone:
        yield Check("references", "failed", error.public, "Put it there, or change the setting.")
    if not gone:
        yield Check("references", "ok", "every secret, file and folder that the settings name is there")


def _policies(loaded: Loaded) -> Found:
    try:
        authorizer = policies(loaded)
    except ConfigError as error:
        yield Check("policies", "failed", str(error), "See: chatward policy check.")
        return
    yield Check("policies", "ok", f"{len(authorizer.policies)} policies are valid, version {authorizer.version}")


def _upstream_of(name: str, bot: Bot) -> Callable[[], Found]:
    return lambda: _upstream(name, bot)


def _upstream(name: str, bot: Bot) -> Found:
    """A connection, and with https a handshake as the gateway makes it. Nothing is asked."""
    title, parts = f"upstream.{name}", urlsplit(bot.upstream)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    began = time.perf_counter()
    try:
        with socket.create_connection((host, port), min(CONNECT, bot.connect_timeout)) as plain:
            if secure:
                tls = OutboundTls(bot.ca_file, bot.client_cert, bot.client_key, bot.spiffe_id)
                with tls.context().wrap_socket(plain, server_hostname=host) as connection:
                    if not tls.is_expected(connection):
                        advice = "Ask whose certificate it is, or correct `spiffe_id`."
                        yield Check(title, "failed", f"{host}:{port} has another SPIFFE ID", advice)
                        return
    except ConfigError as error:
        yield Check(title, "failed", error.public, "Correct the bot's certificates.")
        return
    except ssl.SSLError as error:
        said = f"{host}:{port} answers, and its TLS is not accepted ({error.reason or 'no reason is given'})"
        yield Check(title, "failed", said, "Look at its certificate; private authorities go into `ca_file`.")
        return
    except OSError as error:
        said = f"{host}:{port} is not reached ({error.strerror or type(error).__name__})"
        yield Check(title, "failed", said, "Start the bot, or correct its address; look at DNS and firewalls.")
        return
    took = (time.perf_counter() - began) * 1000
    yield Check(title, "ok", f"{host}:{port} takes connections{' by TLS' if secure else ''} ({took:.0f} ms)")


def _certificates(settings: Settings, now: float) -> Found:
    found = sources(settings)
    for key, file in found.items():
        name = f"certificates.{key}"
        try:
            left = not_after(Path(file)).timestamp() - now
            if key == "server.tls_cert" and settings.server.tls_key is not None and left > 0:
                check(Path(file), Path(settings.server.tls_key))
        except ConfigError as error:
            yield Check(name, "failed", error.public, "Put the right file there.")
            continue
        days = int(left // 86_400)
        if left <= 0:
            yield Check(name, "failed", f"{file} has ended", "Renew it now.")
        elif days < RENEW_DAYS:
            yield Check(name, "warning", f"{file} ends in {days} days", "Renew it; it is taken without a restart.")
        else:
            yield Check(name, "ok", f"{file} is good for {days} days")
    if not found:
        yield Check("certificates", "ok", "none are configured: plain HTTP, on this machine or behind a proxy")


def _ledger(settings: Settings) -> Found:
    if not settings.ledger.enabled:
        yield Check("ledger", "warning", "nothing is recorded", "Set `ledger.enabled = true`.")
        return
    path = Path(settings.ledger.path)
    if not path.exists():
        yield Check("ledger", "warning", f"{path} is not there yet", "`chatward serve` makes it.")
        return
    newest = reading.tail(path, 1)
    entries = newest[-1].seq if newest else 0
    keys = checkpointing.verifiers(path)
    advice = "Keep the file as it is, and see: chatward ledger verify."
    if entries > WHOLE:
        last = verifying.newest(path)
        if last is None:
            yield Check("ledger", "unknown", f"no checkpoint vouches for {entries} entries", advice)
            return
        from chatward.ledger.note import NoteError, verified  # noqa: PLC0415

        try:
            signed = bool(verified(last[1], keys))
        except NoteError:
            signed = False
        if not signed:
            yield Check("ledger", "failed", "the newest checkpoint is not signed with the ledger's key", advice)
            return
        said = f"the newest checkpoint vouches for {last[0].size} of {entries} entries"
        yield Check("ledger", "ok", f"{said}; all of them: chatward ledger verify")
        return
    result = verifying.verify(str(path), keys=keys)
    if not result.ok:
        yield Check("ledger", "failed", f"entry {result.first_bad} is {result.problem}", advice)
    elif result.entries and not result.checkpoints:
        yield Check("ledger", "warning", f"{result.entries} entries are whole, no checkpoint vouches for them", advice)
    else:
        yield Check("ledger", "ok", f"{result.entries} entries are whole, {result.vouched} under a checkpoint")


def _disk(settings: Settings) -> Found:
    folders = {Path(settings.ledger.path).absolute().parent, identity_file(settings).absolute().parent}
    for folder in sorted(folders):
        free, least = shutil.disk_usage(folder).free, settings.ledger.min_free
        said = f"{free // 2**20} MiB are free at {folder}"
        if free < least:
            yield Check("disk", "failed", f"{said}; the gate is closed below {least // 2**20}", "Make room.")
        elif free < ROOM * least:
            yield Check("disk", "warning", f"{said}; the gate closes below {least // 2**20}", "Make room soon.")
        else:
            yield Check("disk", "ok", said)


def _models() -> Found:
    files = ModelFiles()
    bad = []
    for name in files.digests:
        try:
            files.path(name)
        except ChatwardError as error:
            bad.append(error.public)
    for sentence in bad:
        yield Check("models", "failed", sentence, "Install Chatward anew.")
    if not files.digests:
        yield Check("models", "failed", "the manifest names no file", "Install Chatward anew.")
    elif not bad:
        days = [day for day in files.made.values() if day is not None]
        since = f", the oldest of {min(days)}" if days else ""
        yield Check("models", "ok", f"{len(files.digests)} files are those of release {files.version or '?'}{since}")


def _identity(settings: Settings) -> Found:
    path = identity_file(settings)
    if not path.exists():
        yield Check("identity", "warning", f"{path} is not there yet", "`chatward serve` makes it.")
        return
    known = {schema.component: len(schema.steps) for schema in schemas()}
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            steps = dict(connection.execute("SELECT component, step FROM schemas").fetchall())
            whole = connection.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        yield Check("identity", "failed", f"{path} cannot be read ({error})", "Restore it from a backup.")
        return
    newer = sorted(name for name, step in steps.items() if step > known.get(name, step))
    older = sorted(name for name, step in steps.items() if step < known.get(name, step))
    if whole != "ok":
        yield Check("identity", "failed", f"{path} is damaged", "Restore it from a backup.")
    elif newer:
        yield Check("identity", "failed", f"written by a newer Chatward: {', '.join(newer)}", "Install that one.")
    elif older:
        yield Check("identity", "warning", f"of an older Chatward: {', '.join(older)}", "The next start brings it up.")
    else:
        yield Check("identity", "ok", f"{len(steps)} parts of the store are of this version, and it is whole")


def _patches(settings: Settings, now: float) -> Found:
    """What the last scans said. Without advisories, or with old ones, nothing is known."""
    advice = "See: chatward patches status."
    if not advisories_file(settings).exists():
        if settings.assurance == Assurance():
            yield Check("patches", "warning", "nobody looks for known vulnerabilities", "See docs/patches.md.")
        else:
            yield Check("patches", "unknown", "there are no advisories to compare with", advice)
        return
    known = figures(settings, lambda: now)
    ages = known["chatward_advisories_age_seconds"]
    old = sorted(name or "all" for name, age in ages.items() if not age <= settings.assurance.stale_after)
    lists = known["chatward_list_age_seconds"]
    old += sorted(name for name, age in lists.items() if name != "ends" and not age <= settings.assurance.stale_after)
    if old:
        yield Check("patches", "unknown", f"advisories or lists are missing or old: {', '.join(old)}", advice)
        return
    with opened_tasks(settings, lambda entry: None, lambda: now) as tasks:
        scans = {one.target: one for one in tasks.scans()}
    blind = [name for name in targets(settings) if name not in scans or scans[name].unknown]
    waited = settings.assurance.stale_after
    unseen = [name for name in targets(settings) if name in scans and now - scans[name].at > waited]
    late = sum(known["chatward_patch_tasks_late"].values())
    if late:
        yield Check("patches", "failed", f"{late:g} known vulnerabilities are past their due day", advice)
    elif blind:
        yield Check("patches", "unknown", f"not everything is known of {', '.join(blind)}", advice)
    elif unseen:
        yield Check("patches", "unknown", f"it is long since {', '.join(unseen)} was looked through", advice)
    else:
        hours = (now - min(scans[name].at for name in targets(settings))) / 3600
        said = f"{len(scans)} inventories were compared, the oldest {hours:.0f} hours ago, and nothing is late"
        yield Check("patches", "ok", said)


def _monitoring(settings: Settings, clock: Callable[[], float]) -> Found:
    """Receivers of the record: whether they take it, and how long what they have not taken has waited."""
    found = standing(settings, clock)
    for one in found:
        name = f"monitoring.{one.name}"
        if one.lags:
            said = f"{one.behind} entries wait, the oldest for {one.waiting:.0f} s"
            said = f"{said}; last error: {one.error}" if one.error else said
            yield Check(name, "failed", said, "Look at the receiver; nothing is lost: chatward monitoring status.")
        else:
            yield Check(name, "ok", f"{one.behind} entries wait")
    if not found:
        yield Check("monitoring", "ok", "the record is sent nowhere, and nobody is alerted")


def _clock(settings: Settings, now: float) -> Found:
    """Against what certainly lies in the past, and whether the system says that it is kept right (``adjtimex``)."""
    advice = "Set the clock, and keep it right by NTP: one-time codes, tokens and expiries depend on it."
    path = Path(settings.ledger.path)
    past = _MODELS_SINCE
    if settings.ledger.enabled and path.exists() and (newest := reading.tail(path, 1)):
        past = max(past, newest[-1].at / 1e9)
    if now < past - _SLACK:
        at = datetime.fromtimestamp(past, UTC)
        yield Check("clock", "failed", f"it is behind what was recorded at {at:%Y-%m-%d %H:%M} UTC", advice)
        return
    kept = _kept_right()
    said = f"it is {datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    if kept is None:
        yield Check("clock", "unknown", f"{said}; this system does not say whether it is kept right", advice)
    elif not kept:
        yield Check("clock", "warning", f"{said}; the system says that the clock is not synchronised", advice)
    else:
        yield Check("clock", "ok", f"{said}, and the clock is synchronised")


def _kept_right() -> bool | None:
    """What the kernel says (adjtimex(2): ``TIME_ERROR``); ``None`` where it cannot be asked."""
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else bool(answer != _UNSYNCHRONISED)


def _secrets(settings: Settings) -> Found:
    """Files that hold secrets are their owner's alone."""
    looked, said = 0, False
    for file in sorted(set(_secret_files(settings))):
        try:
            found = file.stat()
        except FileNotFoundError:
            continue  # `references` tells, where it has to be there
        looked += 1
        mode = stat.S_IMODE(found.st_mode)
        advice = f"chmod 600 {file}"
        if mode & 0o007:
            yield Check("secrets", "failed", f"everybody on this machine may open {file} ({mode:04o})", advice)
        elif mode & 0o070:
            yield Check("secrets", "warning", f"a group may open {file} ({mode:04o})", advice)
        elif hasattr(os, "geteuid") and found.st_uid not in {os.geteuid(), 0}:
            yield Check("secrets", "warning", f"{file} belongs to somebody else", "Give it to who runs Chatward.")
        else:
            continue
        said = True
    if not said:
        many = f"{looked} files with secrets are their owner's alone" if looked else "no file with secrets is there yet"
        yield Check("secrets", "ok", many)


def _secret_files(settings: Settings) -> Iterator[Path]:
    ledger = Path(settings.ledger.path)
    yield ledger.with_name(ledger.name + ".key")
    yield checkpointing.signer_path(ledger)
    yield identity_file(settings)
    yield Path(settings.seal.root_file or ledger.with_name("chatward-root.key"))
    bots = settings.bots.values()
    for name in (settings.server.tls_key, *(bot.client_key for bot in bots)):
        if name:
            yield Path(name)
    references = [*settings.server.keys, *(bot.api_key for bot in bots), settings.seal.passphrase]
    references += [one.client_secret for one in settings.identity.oidc.values()]
    for reference in references:
        if reference and reference.startswith("file:"):
            yield Path(reference.removeprefix("file:"))


def schemas() -> list[Schema]:
    """Of every component that keeps something in the identity store."""
    from importlib import import_module  # noqa: PLC0415
    from pkgutil import iter_modules  # noqa: PLC0415

    import chatward.identity as package  # noqa: PLC0415

    names = (f"chatward.identity.{one.name}" for one in iter_modules(package.__path__))
    found = (getattr(import_module(name), "SCHEMA", None) for name in names)
    return [schema for schema in found if isinstance(schema, Schema)]
