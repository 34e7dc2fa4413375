"""A whole response object of OpenAI's Responses API, inspected in place.

The rules:

1. Items of ``output``: the text of messages, refusals, reasoning and summaries, the arguments of calls, and every
   other string that is words go through a lane each. ``annotations`` and ``logprobs`` of a text are emptied when it
   changed.
2. What a response object echoes of the request (``instructions``, ``tools``, ``metadata``, ...) is put back as the
   client sent it: the upstream knows the edited texts, the client its own. What the echo adds is inspected.
3. A block: ``status: "incomplete"``, ``incomplete_details.reason: "content_filter"``, and one message that says the
   refusal sentence.
"""

from __future__ import annotations

from typing import Any, Final

from chatward.channels.outgoing import holds_tokens_only, malformed, rewrite, rewrite_field
from chatward.channels.wording import is_identifier
from chatward.core.ports import Reply
from chatward.core.values import PartKind

ECHOED: Final = frozenset(
    {"instructions", "metadata", "prompt", "prompt_cache_key", "safety_identifier", "text", "tools", "user"}
)
TEXT_KEYS: Final = frozenset({"text", "refusal"})
# Item type -> key of what the tool is called with, and its kind.
CALLED_WITH: Final = {
    "function_call": ("arguments", PartKind.JSON),
    "mcp_call": ("arguments", PartKind.JSON),
    "mcp_approval_request": ("arguments", PartKind.JSON),
    "custom_tool_call": ("input", PartKind.TEXT),
    "code_interpreter_call": ("code", PartKind.TEXT),
}
_KEPT: Final = ECHOED | {
    "background", "created_at", "id", "max_output_tokens", "model", "object", "parallel_tool_calls",
    "previous_response_id", "reasoning", "service_tier", "store", "temperature", "tool_choice", "top_p",
    "truncation", "usage",
}  # fmt: skip


def rewrite_response(document: dict[str, Any], request: dict[str, Any], reply: Reply) -> None:
    """A whole response object; ``request`` is the client's own. After a block it holds the refusal alone."""
    output = document.get("output")
    if type(output) is not list:
        raise malformed("output is not a list")
    for item in output:
        rewrite_item(item, reply)
    rewrite_envelope(document, request, reply)
    reply.end_calls()
    if reply.blocked is not None:
        refuse(document, reply.refusal)


def rewrite_envelope(document: dict[str, Any], request: dict[str, Any], reply: Reply) -> None:
    """All of a response object but its ``output``."""
    for key, value in document.items():
        if key in ECHOED and value is not None and request.get(key) is not None:
            document[key] = _merged(value, request[key], key, reply)
        elif key != "output":
            rewrite_field(reply, document, key)


def rewrite_item(item: Any, reply: Reply) -> None:
    """One item of ``output``."""
    if type(item) is not dict or type(item.get("type")) is not str:
        raise malformed("an output item is not an object with a type")
    if is_call(item):
        reply.call(tool_name(item))
    called, kind = CALLED_WITH.get(item["type"], ("", PartKind.TEXT))
    for key, value in item.items():
        if key == called and type(value) is str:
            if value:
                rewrite(reply, item, key, kind, tool_name(item))
        elif key in {"content", "summary"} and type(value) is list:
            for part in value:
                rewrite_part(part, reply)
        elif key != "name" or type(value) is not str or not is_identifier(value):
            rewrite_field(reply, item, key)


def rewrite_part(part: Any, reply: Reply) -> None:
    """One part of a message, a reasoning item or a summary."""
    if type(part) is not dict:
        raise malformed("a content part is not an object")
    for key, value in part.items():
        if key in TEXT_KEYS and type(value) is str:
            if value and rewrite(reply, part, key):
                forget_positions(part)
        elif key != "logprobs":
            rewrite_field(reply, part, key)
        elif value and not holds_tokens_only(value):
            part[key] = []


def forget_positions(part: dict[str, Any]) -> None:
    """The text of ``part`` is another now: what counts its characters or repeats its tokens must go."""
    for key in ("annotations", "logprobs"):
        if part.get(key):
            part[key] = []


def is_call(item: dict[str, Any]) -> bool:
    """True for items that call a tool: the client's, or one that the bot's side runs."""
    kind = item["type"]
    return kind in CALLED_WITH or str(kind).endswith("_call")


def tool_name(item: dict[str, Any]) -> str:
    """The name of the tool that an item calls."""
    name = item.get("name")
    return name if type(name) is str else str(item["type"]).removesuffix("_call")


def refuse(document: dict[str, Any], sentence: str) -> None:
    """Makes ``document`` say the sentence and nothing of the bot's."""
    for key in [key for key in document if key not in _KEPT]:
        del document[key]
    identity = document.get("id")
    number = identity.removeprefix("resp_") if type(identity) is str else "0"
    content = [{"type": "output_text", "text": sentence, "annotations": [], "logprobs": []}]
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "status": "incomplete",
        "content": content,
    }
    document.update(status="incomplete", error=None, incomplete_details={"reason": "content_filter"}, output=[message])


def _merged(echo: Any, own: Any, key: str, reply: Reply) -> Any:
    """``own`` with what ``echo`` adds to it, the latter inspected. As deep as the request, which is bounded."""
    if type(echo) is dict and type(own) is dict:
        for name, value in echo.items():
            if name in own:
                echo[name] = _merged(value, own[name], name, reply)
            else:
                rewrite_field(reply, echo, name)
        return echo
    if type(echo) is list and type(own) is list and len(echo) == len(own):
        return [_merged(one, other, key, reply) for one, other in zip(echo, own, strict=True)]
    return own
