"""Labels of documents in requests, and documents that are taken out.

The rules:

1. Whoever retrieves a document says what it is labelled: a message, a content part, a block, a tool's result or an
   element of ``documents`` may have the member ``"chatward": {"label": "hr-confidential"}``. The member is taken off
   before anything is read or sent on; bots never see it.
2. It is looked for where documents stand, and nowhere else: in ``messages``, ``input``, ``system`` and ``documents``,
   and in what ``content``, ``output``, ``results`` and ``source`` hold. Arguments and schemas of tools are left alone.
3. Another form of it is refused (``label-invalid``): a label that is misread would open a document.
4. A document that is withheld leaves one sentence in its place, or nothing in a list of documents: a tool's result
   must be there for its call. Everything of it goes: with a message its parts, with a block what it holds.
5. A request with labels has no body for a bot before ``withhold`` was called, with no place even: a path that forgets
   to ask sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from chatward.channels.request import CarriesFiles, Request
from chatward.channels.strict_json import parse
from chatward.core.errors import ClientError

MEMBER: Final = "chatward"
WITHHELD: Final = "[A document was withheld: the one who asks may not read it.]"
_MEMBER: Final = f'"{MEMBER}"'.encode()
_LABEL: Final = re.compile(r"[\w.:/@+-]{1,64}", re.ASCII)
_TOP: Final = ("system", "documents", "messages", "input")
_INSIDE: Final = ("content", "output", "results", "source")
_KEPT: Final = ("type", "role", "tool_call_id", "call_id", "tool_use_id", "id", "status")
"""What a message or result needs to stand where it stands."""

_Place = tuple[dict[str, Any], Any, str]
"""A labelled object, the container that it is in, and the key under which that container, or it, stands."""


class Labelled(CarriesFiles):
    """A call whose request may hold labelled documents. What inherits it keeps its request in ``_request`` and is made
    from it alone."""

    __slots__ = ()

    def __init__(self, request: Request) -> None:
        raise NotImplementedError  # every dialect's call is made its own way; `withhold` makes one anew

    @property
    def labels(self) -> Sequence[str]:
        """One for each labelled document, in reading order."""
        return [label for label, _ in self._request.labelled]

    def withhold(self, which: Collection[int]) -> None:
        """Takes documents out, by their places in ``labels``; the call then is one that never had them. Without any,
        all may be read."""
        request = self._request
        if not which:
            request.ruled = True
            return
        labelled = request.labelled
        for at in sorted(which):
            _take_out(*labelled[at][1])
        anew = Request(request.document, request.most)
        anew.ruled = True
        anew.labelled = [one for at, one in enumerate(labelled) if at not in which]
        type(self).__init__(self, anew)


def read(body: bytes, max_depth: int, max_parts: int) -> Request:
    """A request with the labels taken off. Raises what ``strict_json.parse`` does, and ``label-invalid``."""
    document = parse(body, max_depth)
    request = Request(document, max_parts)
    if _MEMBER not in body and b"\\u" not in body:  # a name is written as it is, or with such an escape
        return request
    for key in _TOP:
        held = document.get(key)
        if held.__class__ in (list, dict):
            request.labelled.extend(_within(held, document, key))
    return request


def _within(held: Any, container: Any, key: str) -> Iterator[tuple[str, _Place]]:
    """The labelled objects at and below ``held``; the depth of the document is bounded."""
    if held.__class__ is list:
        for one in held:
            if one.__class__ is dict:
                yield from _of(one, held, key)
    elif held.__class__ is dict:
        yield from _of(held, container, key)


def _of(node: dict[str, Any], container: Any, key: str) -> Iterator[tuple[str, _Place]]:
    if MEMBER in node:
        yield _label(node.pop(MEMBER)), (node, container, key)
    for name in _INSIDE:
        held = node.get(name)
        if held is None or held.__class__ is str:
            continue
        if name == "source" and held.__class__ is dict:  # of a block, which is what can be taken out
            if MEMBER in held:
                raise _invalid()
            yield from _within(held.get("content"), held, "content")
        else:
            yield from _within(held, node, name)


def _label(said: Any) -> str:
    label = said.get("label") if said.__class__ is dict and len(said) == 1 else None
    if label.__class__ is not str or _LABEL.fullmatch(label) is None:
        raise _invalid()
    return str(label)


def _invalid() -> ClientError:
    wanted = 'A document\'s member "chatward" must be {"label": "..."}: letters, digits and _.:/@+-, 64 at most.'
    return ClientError(wanted, reason="label-invalid")


def _take_out(node: dict[str, Any], container: Any, key: str) -> None:
    kind = node.get("type")
    kind = kind if kind.__class__ is str else ""
    if "role" in node or kind.endswith(("_output", "tool_result")):
        kept = {name: node[name] for name in _KEPT if node.get(name).__class__ is str}
        if kept.get("role") == "function" and "name" in node:
            kept["name"] = node["name"]
        _replace(node, {**kept, "output" if kind.endswith("_output") else "content": WITHHELD})
    elif kind == "file_search_call":
        _replace(node, {**{name: node[name] for name in _KEPT if name in node}, "results": []})
    elif key in {"content", "output", "system"}:
        form = f"{kind.partition('_')[0]}_text" if kind.startswith(("input_", "output_")) else "text"
        _replace(node, {"type": form, "text": WITHHELD})
    elif container.__class__ is list:
        container[:] = [one for one in container if one is not node]
        if not container and key in {"messages", "input"}:
            container.append({"role": "user", "content": WITHHELD})
    else:
        container.pop(key, None)


def _replace(node: dict[str, Any], new: dict[str, Any]) -> None:
    """In place, since a labelled object within this one may be known by it."""
    node.clear()
    node.update(new)
