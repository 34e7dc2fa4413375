"""A whole reply on its way out: every text through a lane of its own, once.

The rule: a reply is parsed once and rewritten in place. Which strings are text that a dialect does not place
itself is said in ``channels.wording``.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Any, Final

import orjson

from chatward.channels import surrogates
from chatward.channels.request import encoded_like
from chatward.channels.wording import MEDIA_KEYS, is_blob, is_file, is_name, is_words, media_in, name_in, strings
from chatward.core.errors import UpstreamError
from chatward.core.ports import Reply
from chatward.core.values import PartKind, PassedFile

_TOKEN: Final = 64
"""Code points of the longest token string that passes in ``logprobs``."""


def malformed(what: str) -> UpstreamError:
    """The error for an upstream that does not speak the dialect. ``what`` names a field, never a value."""
    return UpstreamError(f"The bot's answer is malformed: {what}.", reason="upstream-malformed")


def load(body: bytes) -> dict[str, Any]:
    """The object in ``body``, with or without a byte order mark (RFC 8259 section 8.1);
    ``UpstreamError(reason="upstream-malformed")`` when it is none."""
    try:
        document = surrogates.loads(body.removeprefix(BOM_UTF8))
    except ValueError as error:
        raise malformed("it is not JSON") from error
    if type(document) is not dict:
        raise malformed("it is not a JSON object")
    return document


def through(reply: Reply, text: str, kind: PartKind = PartKind.TEXT, name: str = "") -> str:
    """``text`` as it may leave. One whole text, one lane."""
    return reply.lane(kind, name=name).whole(surrogates.scalars(text))


def rewrite(reply: Reply, container: Any, key: Any, kind: PartKind = PartKind.TEXT, name: str = "") -> bool:
    """Puts the text at ``container[key]`` through a lane; True when it changed."""
    text = container[key]
    new = through(reply, text, kind, name)
    if new == text:
        return False
    container[key] = new
    return True


def pass_file(reply: Reply, container: Any, key: Any) -> bool:
    """Puts what may leave of the file at ``container[key]`` in its place; True when it changed."""
    passed = reply.file(container[key], name_in(container), media_in(container))
    if passed.content is None:
        return False
    put_file(container, key, passed)
    return True


def put_file(container: Any, key: Any, passed: PassedFile) -> None:
    """Puts what leaves of a file in its place at ``container[key]``, in the form that it had."""
    container[key] = encoded_like(container[key], passed.content or b"", passed.media)
    if passed.media and type(container) is dict:
        for name in MEDIA_KEYS:
            if type(container.get(name)) is str:
                container[name] = passed.media


def rewrite_at(reply: Reply, container: Any, key: Any, owner: str) -> bool:
    """Puts the string at ``container[key]``, which ``owner`` names, through a lane if it is words; of a file, what may
    leave. True when it changed."""
    value = container[key]
    if is_name(owner, value):
        return False
    if is_words(owner, value):
        return rewrite(reply, container, key)
    if is_file(container, owner, value):
        return pass_file(reply, container, key)
    if is_blob(owner, value):
        reply.opaque(owner)
    return False


def rewrite_field(reply: Reply, container: dict[str, Any], key: str) -> bool:
    """All words and files in ``container[key]``, whatever its type; True when one changed."""
    value = container[key]
    if type(value) is str:
        return rewrite_at(reply, container, key, key)
    if type(value) is dict or type(value) is list:
        return rewrite_tree(reply, value, key)
    return False


def rewrite_tree(reply: Reply, node: Any, key: str = "") -> bool:
    """All words and files below ``node``; True when one changed."""
    changed = False
    for container, index, owner in strings(node, key):
        changed |= rewrite_at(reply, container, index, owner)
    return changed


def holds_tokens_only(logprobs: Any) -> bool:
    """True when every string in ``logprobs`` stands under ``token`` and is no longer than a token may be."""
    if type(logprobs) is not dict and type(logprobs) is not list:
        return False
    places = strings(logprobs)
    return all(owner == "token" and len(container[index]) <= _TOKEN for container, index, owner in places)


def dict_at(container: dict[str, Any], key: str, path: str) -> dict[str, Any]:
    value = container.get(key)
    if type(value) is not dict:
        raise malformed(f"{path} is not an object")
    return value


def list_at(container: dict[str, Any], key: str, path: str) -> list[Any]:
    value = container.get(key)
    if type(value) is not list:
        raise malformed(f"{path} is not a list")
    return value


def rewrite_value(reply: Reply, container: dict[str, Any], key: str, name: str) -> bool:
    """The JSON value at ``container[key]`` (the input of the tool ``name``), as JSON text through a lane."""
    value = container[key]
    if not value:
        return False
    text = orjson.dumps(value).decode()
    new = through(reply, text, PartKind.JSON, name)
    if new == text:
        return False
    try:
        container[key] = orjson.loads(new)
    except orjson.JSONDecodeError:
        if reply.blocked is None:
            raise UpstreamError("A tool call could not be rewritten.", reason="edit-invalid") from None
        container[key] = {}  # a blocked lane lets out a part only
    return True
