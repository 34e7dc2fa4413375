"""Which strings of a JSON document are words, that is: text that a model or a person reads.

The rule, for every string that a dialect does not place itself (unknown fields, unknown blocks):

1. A string is an **identifier** when its key says so (``type``, ``id``, ``role``, ``..._id``, ...) *and* its
   value has the shape of one: ASCII letters, digits and ``_ . : / + = $ # ~ -``, at most 200 of them, no
   blank. It is left alone: changing it would break the protocol.
2. A string is a **blob** when its key says so (``data``, ``encrypted_content``, ...) *and* it is base64 of at
   least 64 characters, or a ``data:`` URL. It is opaque. It is a **file** where it is not what only its maker can
   read (signatures, embeddings, encrypted reasoning).
3. A string is a **credential** when its key says so (``authorization``, ``authorization_token``): it is for the
   upstream, nobody reads it, and changing it would break the call. It is left alone.
4. Everything else is words, whatever its key, and is inspected. An ``id`` with a blank in it is words.

Keys of objects are names that programs choose; they are not inspected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_.:/+=$#~-]{1,200}").fullmatch
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{62,}+[=]{0,2}").fullmatch
_IDENTIFIER_KEYS: Final = frozenset(
    {
        "$id", "$ref", "$schema", "action", "allowed_callers", "cache_control", "call_id",
        "code_interpreter", "container", "detail", "effort", "encoding", "finish_reason", "format", "id",
        "include", "index", "item_reference", "language", "media_type", "mime_type", "modalities", "mode",
        "model", "object", "owned_by", "phase", "prompt_cache_retention", "quality", "reasoning_effort",
        "required", "role", "server_label", "server_url", "service_tier", "severity", "size", "status",
        "stop_reason", "strict", "system_fingerprint", "tool_choice", "truncation", "ttl", "type",
        "verbosity", "voice",
    }
)  # fmt: skip
_CREDENTIAL_KEYS: Final = frozenset({"authorization", "authorization_token"})
_IDENTIFIER_ENDS: Final = ("_id", "_ids", "_type")
_BLOB_KEYS: Final = frozenset(
    {
        "b64_json", "blob", "data", "embedding", "encrypted_content", "encrypted_index", "encrypted_stdout",
        "file_data", "image_url", "partial_image_b64", "result", "screenshot", "signature", "url",
    }
)  # fmt: skip
_ADDRESS_KEYS: Final = frozenset(
    {"attachment", "audio", "content_url", "document", "file", "href", "image", "images", "src", "uri", "video"}
)
"""Keys under which a ``data:`` URL is a blob, and base64 is words."""
FILE_KEYS: Final = _ADDRESS_KEYS | {
    "b64_json", "blob", "data", "file_data", "image_url", "partial_image_b64", "result", "screenshot", "url",
}  # fmt: skip
_SEALED: Final = ("encrypted", "redacted_thinking")
"""Ends of the types of blocks whose ``data`` only their maker can read."""
_NAMES: Final = ("filename", "file_name", "title", "name")
MEDIA_KEYS: Final = ("mimeType", "media_type", "mime_type")

_RECURSION: Final = 100

Place = tuple[Any, Any, str]
"""A container (dict or list), the key or index of a string in it, and the key that names the string."""


def is_identifier(value: str) -> bool:
    """True when ``value`` has the shape of an identifier (or is empty)."""
    return not value or _IDENTIFIER(value) is not None


def is_name(key: str, value: str) -> bool:
    """True when ``value`` is an identifier, and ``key`` one under which those stand: no words, no file, no blob."""
    return (key in _IDENTIFIER_KEYS or key.endswith(_IDENTIFIER_ENDS)) and _IDENTIFIER(value) is not None


def is_words(key: str, value: str) -> bool:
    """True when ``value`` under ``key`` is to be inspected."""
    if not value:
        return False
    if key in _IDENTIFIER_KEYS or key.endswith(_IDENTIFIER_ENDS):
        return _IDENTIFIER(value) is None
    if key in _BLOB_KEYS or key in _ADDRESS_KEYS:
        return not is_blob(key, value)
    return key not in _CREDENTIAL_KEYS


def is_solid(value: str) -> bool:
    """True when ``value`` holds no blank: an address or encoded bytes, where the dialect expects one."""
    return len(value.split(maxsplit=1)) <= 1


def is_blob(key: str, value: str) -> bool:
    """True when ``value`` under ``key`` is base64 of at least 64 characters or a base64 ``data:`` URL."""
    if value[:5].lower() == "data:":
        head, comma, _ = value.partition(",")
        return (key in _BLOB_KEYS or key in _ADDRESS_KEYS) and bool(comma) and head[-7:].lower() == ";base64"
    return key in _BLOB_KEYS and _BASE64(value) is not None


def is_file(container: Any, key: str, value: str) -> bool:
    """True when ``value``, which stands in ``container`` under ``key``, is a file."""
    if key not in FILE_KEYS or not is_blob(key, value):
        return False
    kind = container.get("type") if type(container) is dict else None
    return type(kind) is not str or not kind.endswith(_SEALED)


def name_in(*holders: Any) -> str:
    """What the first of these objects that says so calls its file, or ``""``."""
    for holder in holders:
        if type(holder) is dict:
            for key in _NAMES:
                value = holder.get(key)
                if type(value) is str and value:
                    return value[:255]
    return ""


def media_in(container: Any) -> str:
    """The media type that an object gives its file, or ``""``. Speech of OpenAI's chat may be samples and no more."""
    if type(container) is not dict:
        return ""
    for key in MEDIA_KEYS:
        value = container.get(key)
        if type(value) is str:
            return value[:100]
    return "audio/pcm" if "transcript" in container else ""


def strings(node: Any, key: str = "") -> list[Place]:
    """Every string below ``node`` (a dict or list), in reading order. Any depth."""
    found: list[Place] = []
    _collect(node, key, found, _RECURSION)
    return found


def _collect(node: Any, owner: str, found: list[Place], room: int) -> None:
    if not room:
        found.extend(_deep(node, owner))
    elif type(node) is dict:
        for name, value in node.items():
            if type(value) is str:
                found.append((node, name, name))
            elif type(value) is dict or type(value) is list:
                _collect(value, name, found, room - 1)
    else:
        for index, value in enumerate(node):
            if type(value) is str:
                found.append((node, index, owner))
            elif type(value) is dict or type(value) is list:
                _collect(value, owner, found, room - 1)


def _deep(node: Any, key: str) -> Iterator[Place]:
    """The same without recursion, and slower."""
    stack: list[tuple[Any, Iterator[tuple[Any, Any]], str]] = [(node, _children(node), key)]
    while stack:
        container, children, owner = stack[-1]
        for index, value in children:
            named = index if type(index) is str else owner
            if type(value) is str:
                yield container, index, named
            elif type(value) is dict or type(value) is list:
                stack.append((value, _children(value), named))
                break
        else:
            stack.pop()


def _children(node: Any) -> Iterator[tuple[Any, Any]]:
    return iter(node.items() if type(node) is dict else enumerate(node))
