"""What decides on a value after its pattern has matched: the validators of the rules that no table describes.

Each takes the value and up to 96 code points before it, and returns a confidence or ``None`` (``core.rules``).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Final

from chatward.core.rules import Validator
from chatward.guards.text.secrets_kinds import UUID
from chatward.guards.text.secrets_values import (
    chosen,
    code,
    entropy,
    gibberish,
    placeholder,
    random_like,
    split_words,
    template,
    wordy,
)

_UUID: Final = re.compile(UUID)
_NOT_SECRET_KEY: Final = re.compile(
    r"(?i)public|hash|cache|foreign|primary|sort|idempot|partition|translat|locale|i18n"
)
_QUANTITY: Final = re.compile(r"(?i)\d+(?:st|nd|rd|th|px|mb|kb|gb|ms|min|days?|hours?|chars?)?|v?\d+(?:[.:/\-]\d+)*")
# Names that hold something about a credential and not the credential.
_ABOUT: Final = re.compile(
    r"(?i)(?:file|files|path|dir|url|uri|name|type|field|label|hint|title|text|regexp?|pattern|policy|length|len|min|max"
    r"|expir\w{0,8}|count|limit|page|(?:credentials?|secrets?|token|key)_?ids?|(?:csrf|xsrf|authenticity)[_\-]?token|message|msg|error|placeholder|prompt|format|prefix|version|method|algorithm|alg|provider|enabled|required|ttl|header|column|param)"
    r"[\"'`\])]{0,2}(?:[ \t]{0,16}(?::=|=>|==?|[:,(>])|[ ]value=)[ \t]{0,8}[\"'`\\]{0,4}\Z"
)
_URL_HEAD: Final = re.compile(r"([a-z][a-z0-9+.\-]{1,24})://[^\s/@]*\Z", re.IGNORECASE)


def quoted_password(value: str, before: str) -> float | None:
    if template(value) or _location(value) or not chosen(value) or _ABOUT.search(before):
        return None
    return 0.8 if _mixed(value) else 0.6


def bare_password(value: str, before: str) -> float | None:
    if (
        (code(value) and not (value.isalpha() and gibberish(value)))
        or template(value)
        or _location(value)
        or _ABOUT.search(before)
    ):
        return None
    if value.startswith(("#", "//", "/*", "=", "|")) or not chosen(value):
        return None
    return 0.7 if _mixed(value) else 0.5


def secret(least: int, confidence: float) -> Validator:
    def validate(value: str, before: str) -> float | None:
        if template(value) or wordy(value) or _location(value) or _ABOUT.search(before):
            return None
        if _UUID.fullmatch(value):
            return 0.6 if not placeholder(value) and entropy(value) > 3 else None
        return confidence if random_like(value, least=least) else None

    return validate


def bare_secret(value: str, before: str) -> float | None:
    return None if code(value) else secret(16, 0.7)(value, before)


def plain_key(value: str, before: str) -> float | None:
    if _NOT_SECRET_KEY.search(before[-32:]) or _UUID.fullmatch(value) or re.fullmatch("[0-9a-f]+", value):
        return None
    return secret(20, 0.6)(value, before)


def _location(value: str) -> bool:
    return "://" in value or value.startswith(("/", "./", "../", "~/", "#/")) or (value.count("/") > 3 and "." in value)


def _mixed(value: str) -> bool:
    kinds = (str.islower, str.isupper, str.isdigit)
    count = sum(any(kind(character) for character in value) for kind in kinds)
    return count + (not value.isalnum()) >= 3 or random_like(value, least=12)


def spoken_password(value: str, before: str) -> float | None:
    value = value.rstrip(".,;:!?)")
    if (
        not chosen(value)
        or template(value)
        or code(value)
        or _location(value)
        or _QUANTITY.fullmatch(value)
        or "@" in value[1:-4]
    ):
        return None
    return 0.7 if any(map(str.isdigit, value)) and any(map(str.isalpha, value)) else None


def spoken_secret(value: str, before: str) -> float | None:
    """A random value that a sentence calls a key or a token, and no digest, place or expression."""
    value = value.rstrip(".=")
    if template(value) or _location(value) or _DIGEST.search(before[-24:]) or _NOT_SECRET_KEY.search(before[-32:]):
        return None
    return 0.7 if random_like(value, least=20) and not wordy(value) else None


_DIGEST: Final = re.compile(
    r"(?i)sha-?\d|md5|digest|checksum|commit|etag|revision|fingerprint|hash|address|contract|mint"
)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None


def _header(text: str) -> dict[str, object] | None:
    """The JOSE header before the first dot (RFC 7515 section 4.1.1, RFC 7516 section 4.1.1), which names ``alg``."""
    raw = _decoded(text.partition(".")[0])
    try:
        header = json.loads(raw) if raw is not None else None
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and isinstance(header.get("alg"), str) else None


def jwt(text: str, before: str) -> float | None:
    return 0.95 if _header(text) is not None else None


def jwe(text: str, before: str) -> float | None:
    header = _header(text)
    return 0.95 if header is not None and "enc" in header else None


def basic(value: str, before: str) -> float | None:
    """RFC 7617: base64 of ``user:password``. What does not decode may still be one, cut or masked."""
    if placeholder(value):
        return None
    raw = _decoded(value.rstrip("=").replace("+", "-").replace("/", "_"))
    if raw is not None and b":" in raw and raw.isascii():
        user, _, password = raw.decode("ascii").partition(":")
        return 0.9 if password and user.isprintable() and password.isprintable() else None
    return 0.6 if value.endswith("=") or random_like(value, least=12) else None


def url_password(value: str, before: str) -> float | None:
    """RFC 3986 section 3.2.1, ``user:password@``. Documentation writes ``user:pass@host``."""
    if template(value) or placeholder(value) or re.search(r"[%$]\w?[{(]|^\$|^[*.]+$|[{}\[\]]", value):
        return None
    if wordy(value):
        folded = value.lower()
        if folded in _DOCUMENTED or "_" in value or "-" in value or value.isdigit() or len(value) < 6:
            return None
        return 0.5 if not folded.startswith(("pass", "pwd", "secret", "your", "user")) else None
    return 0.85


def other_url_password(value: str, before: str) -> float | None:
    scheme = _URL_HEAD.search(before)
    return None if scheme and scheme.group(1).lower() in _KNOWN_SCHEMES else url_password(value, before)


_DOCUMENTED: Final = frozenset(
    split_words(
        """
    password passwd secret changeme userpass mypassword yourpassword mypass dbpass guest postgres admin root token
    test username hostname
    """
    )
)


def command_value(value: str, before: str) -> float | None:
    if template(value) or code(value) or _location(value) or value.startswith("-"):
        return None
    return 0.7 if chosen(value) and any(map(str.isdigit, value)) else None


def seed_words(value: str, before: str) -> float | None:
    words = re.findall("[a-z]+", value)
    return 0.85 if len(set(words)) >= len(words) * 0.75 and not _PROSE & set(words) else None


# Frequent English words of three to eight letters that no BIP-39 word list holds: prose has them, phrases have not.
_PROSE: Final = frozenset(
    split_words(
        """
    and the are was were been for with this that your you they have has had from not but all our its their which
    when will would could should must more than into only also because these those words
    """
    )
)


def made_of(least: int, confidence: float) -> Validator:
    """A value of fixed shape: accepted unless it is filler or has too few different characters."""

    def validate(value: str, before: str) -> float | None:
        return confidence if len(set(value)) >= least and not placeholder(value) else None

    return validate


def random_value(least: int, confidence: float) -> Validator:
    def validate(value: str, before: str) -> float | None:
        return confidence if random_like(value, least=least) and not template(value) else None

    return validate


_KNOWN_SCHEMES: Final = frozenset(
    split_words(
        """
    postgres postgresql pgsql pg cockroachdb redshift mysql mariadb mongodb mongodb+srv redis rediss valkey
    valkeys amqp amqps rabbitmq stomp mssql sqlserver oracle clickhouse snowflake ftp sftp ftps smtp smtps imap
    imaps pop3 pop3s ldap ldaps mqtt mqtts nats nats-route nats-leaf tls git git+https git+ssh ssh socks4 socks5
    socks4h socks5h
    """
    )
)
