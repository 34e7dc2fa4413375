"""A request body as parts that guards read, and back to bytes.

The rule: the parsed document is the only thing that is ever sent on. A part remembers its slot in the
document (container and key), so putting an edited text back costs one assignment. After ``serialise`` the
document is as it was.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from chatward.channels.wording import is_blob, is_file, is_identifier, is_solid, is_words, name_in, strings
from chatward.core.errors import ChatwardError, ClientError
from chatward.core.values import Message, Part, PartKind, Source

SCHEMA_NAMES: Final = frozenset({"enum", "name", "required"})
"""Keys in the definition of a tool whose values are names that code relies on."""

REMOVED: Final = "[A file was removed by a safety check.]"
_WHOLE: Final = object()
_Slot = tuple[Any, Any, bool]
"""Container, key or index, and whether the slot holds a JSON value rather than its text."""


def wrong_type(path: str, wanted: str) -> ClientError:
    """The error for a field that is not what the dialect says. ``path`` is ours, never the caller's value."""
    return ClientError(f"{path} must be {wanted}.", reason="field-type")


def missing(path: str) -> ClientError:
    return ClientError(f"{path} is missing.", reason="field-missing")


def top_level(document: dict[str, Any], key: str, kind: type, wanted: str) -> Any:
    """``document[key]`` when it is of ``kind``, ``None`` when absent or null; else ``ClientError``."""
    value = document.get(key)
    if value is not None and type(value) is not kind:
        raise wrong_type(key, wanted)
    return value


def conversation_of(document: dict[str, Any]) -> str:
    """``metadata.conversation_id``, or ``""``. Checks that ``metadata`` is an object."""
    metadata = top_level(document, "metadata", dict, "an object")
    conversation = metadata.get("conversation_id") if metadata else None
    return conversation if type(conversation) is str else ""


def string_at(container: dict[str, Any], key: str, path: str) -> str:
    """``container[key]``, a string; else ``ClientError`` naming ``path``."""
    value = container.get(key)
    if type(value) is not str:
        raise wrong_type(path, "a string")
    return value


class Attachment:
    """A file in a document: its bytes, encoded, or its address at ``container[key]``. ``block`` is the content part
    that holds it, if it is known; ``plain`` says that the file is its text, in UTF-8, and nothing else."""

    __slots__ = ("block", "container", "declared", "key", "part", "plain")

    def __init__(self, part: int, container: Any, key: Any, declared: str, block: dict[str, Any] | None) -> None:
        self.part = part
        self.container = container
        self.key = key
        self.declared = declared
        self.block = block
        self.plain = False

    @property
    def data(self) -> str:
        """Base64, a ``data:`` URL or an address."""
        return str(self.container[self.key])

    @property
    def name(self) -> str:
        """What the file is called, or ``""``."""
        return name_in(self.container, self.block)

    def replace(self, data: bytes) -> None:
        """Other bytes in place of the file's, encoded as they were."""
        self.container[self.key] = self._encoded(data)

    def put(self, text: str) -> tuple[Any, Any, Any]:
        """A text in the file's place; what undoes it. A file that is its text keeps its form; any other gives way to a
        block of text, since nobody can say what the text was in it."""
        if self.plain:
            undo = (self.container, self.key, self.data)
            self.container[self.key] = self._encoded(text.encode("utf-8", "surrogatepass"))
            return undo
        if self.block is None:
            undo = (self.container, self.key, self.data)
            self.container[self.key] = text or REMOVED
            return undo
        whole = dict(self.block)
        kind = self.block.get("type")
        form = "text"
        if type(kind) is str and kind.startswith(("input_", "output_", "computer_")):
            form = "output_text" if kind.startswith("output_") else "input_text"
        self.block.clear()
        self.block.update({"type": form, "text": text or REMOVED})
        return self.block, _WHOLE, whole

    def _encoded(self, data: bytes) -> str:
        return encoded_like(self.data, data)


class Request:
    """Collects the parts of one document in reading order. More than ``max_parts``: ``ClientError``."""

    __slots__ = (
        "_first",
        "_index",
        "_messages",
        "_parts",
        "_plain",
        "_slots",
        "document",
        "files",
        "labelled",
        "most",
        "ruled",
    )

    def __init__(self, document: dict[str, Any], max_parts: int) -> None:
        self.document = document
        self._parts: list[Part] = []
        self._messages: list[Message] = []
        self._plain: list[tuple[dict[str, Any], str, str, Source]] = []
        self._slots: list[_Slot | Attachment | None] = []
        self.files: list[Attachment] = []
        """The files that the document carries or refers to, in reading order."""
        self.most = max_parts
        self.labelled: list[tuple[str, tuple[dict[str, Any], Any, str]]] = []
        """Labels and the objects that have them, as ``channels.labels`` found them."""
        self.ruled = False
        """Whether somebody has said which of them may be read."""
        self._first = 0
        self._index = 0

    @property
    def parts(self) -> list[Part]:
        if self._plain:
            self._read_plain()
        return self._parts

    # --- messages ---

    @property
    def messages(self) -> list[Message]:
        if self._plain:
            self._read_plain()
        return self._messages

    def close_message(self, role: str, *, keep_empty: bool = True) -> None:
        """Ends the message of the parts added since the last one; unless ``keep_empty``, only if any were."""
        parts = self.parts
        if keep_empty or len(parts) > self._first:
            self._messages.append(Message(role, tuple(range(self._first, len(parts)))))
            self._first = len(parts)
            self._index += 1

    def message(self, container: dict[str, Any], key: str, role: str, source: Source) -> None:
        """A whole message that is the string at ``container[key]``. Its part is made when parts are asked for: where
        nothing looks, that is never."""
        if len(self._parts) + len(self._plain) >= self.most:
            raise _too_many()
        self._plain.append((container, key, role, source))
        self._index += 1

    def _read_plain(self) -> None:
        """Makes what ``message`` has put off: the messages just before the one that is being read."""
        plain, self._plain = self._plain, []
        parts, first = self._parts, self._first
        for index, (container, key, role, source) in enumerate(plain, self._index - len(plain)):
            parts.append(Part(container[key], source, PartKind.TEXT, index))
            self._slots.append((container, key, False))
            self._messages.append(Message(role, tuple(range(first, len(parts)))))
            first = len(parts)
        self._first = first

    # --- parts ---

    def text(self, container: Any, key: Any, source: Source, kind: PartKind = PartKind.TEXT, name: str = "") -> None:
        """The string at ``container[key]`` as a part."""
        self._add(Part(container[key], source, kind, self._index, name), (container, key, False))

    def value(self, container: Any, key: Any, source: Source, name: str) -> None:
        """The JSON value at ``container[key]`` as one part that holds its JSON text."""
        text = orjson.dumps(container[key]).decode()
        self._add(Part(text, source, PartKind.JSON, self._index, name), (container, key, True))

    def fixed(self, text: str, source: Source) -> None:
        """A text that is inspected but must stay as it is (it is signed): edits of it are ignored."""
        self._add(Part(text, source, PartKind.TEXT, self._index), None)

    def opaque(self, name: str, source: Source) -> None:
        """Something that is not text."""
        self._add(Part("", source, PartKind.OPAQUE, self._index, name), None)

    def blob(
        self, container: dict[str, Any], key: str, source: Source, name: str, block: dict[str, Any] | None = None
    ) -> None:
        """The address or the encoded bytes at ``container[key]``: a file, unless it holds blanks and so is words.
        ``block`` is the content part that it stands in. Bytes in lines, as in mail, are a file too."""
        value = container[key]
        if type(value) is str and (is_solid(value) or is_blob("data", "".join(value.split()))):
            self._file(container, key, source, media_type(value) or name, block)
        else:
            self.field(container, key, source)

    def read_as(self, file: Attachment, text: str, *, plain: bool) -> None:
        """What a file says: the part that stood for it is its text now, a document's unless a tool gave it. Edits of
        the text come back as ``Attachment.put`` says."""
        part = self.parts[file.part]
        source = Source.TOOL if part.source is Source.TOOL else Source.DOCUMENT
        self.parts[file.part] = part._replace(text=text, kind=PartKind.TEXT, source=source)
        file.plain = plain

    def _file(self, container: Any, key: Any, source: Source, name: str, block: dict[str, Any] | None = None) -> None:
        file = Attachment(len(self.parts), container, key, name, block)
        self._add(Part("", source, PartKind.OPAQUE, self._index, name), file)
        self.files.append(file)

    def words(
        self, node: Any, source: Source, key: str = "", name: str = "", names: frozenset[str] = frozenset()
    ) -> None:
        """Every string below ``node`` that is words (see ``channels.wording``) as a part.

        ``names`` are further keys under which a string with an identifier's shape is an identifier.
        """
        for container, index, owner in strings(node, key):
            if owner not in names or not is_identifier(container[index]):
                self.place(container, index, source, owner, name)

    def place(self, container: Any, key: Any, source: Source, owner: str, name: str = "") -> None:
        """The string at ``container[key]``, which ``owner`` names, if it is words, a file or another blob."""
        value = container[key]
        if is_words(owner, value):
            self.text(container, key, source, name=name)
        elif is_file(container, owner, value):
            self._file(container, key, source, media_type(value) or owner)
        elif is_blob(owner, value):
            self.opaque(media_type(value) or owner, source)

    def field(
        self,
        container: dict[str, Any],
        key: str,
        source: Source,
        name: str = "",
        names: frozenset[str] = frozenset(),
    ) -> None:
        """``container[key]``, whatever its type: its words as parts. ``names`` as in ``words``."""
        value = container[key]
        if type(value) is str:
            self.place(container, key, source, key, name)
        elif type(value) is dict or type(value) is list:
            self.words(value, source, key, name, names)

    def _add(self, part: Part, slot: _Slot | Attachment | None) -> None:
        parts = self.parts
        if len(parts) >= self.most:
            raise _too_many()
        parts.append(part)
        self._slots.append(slot)

    # --- back ---

    def serialise(self, edits: Mapping[int, str]) -> bytes:
        """The document with the texts of the parts in ``edits`` replaced; all else as it came. Raises
        ``ChatwardError`` (``labels-unasked``) while nobody has said which labelled documents may be read."""
        if self.labelled and not self.ruled:
            said = "Nobody could be asked who may read the labelled documents; nothing was sent."
            raise ChatwardError(said, reason="labels-unasked", status=503)
        if not edits:
            return orjson.dumps(self.document)
        parts = self.parts
        undo: list[tuple[Any, Any, Any]] = []
        try:
            files: list[tuple[Attachment, str]] = []
            for index, text in edits.items():
                slot = self._slots[index]
                if isinstance(slot, Attachment):
                    if text or parts[index].kind is not PartKind.OPAQUE:
                        files.append((slot, text))
                elif slot is not None:
                    container, key, is_value = slot
                    value = _parsed(text) if is_value else text
                    undo.append((container, key, container[key]))
                    container[key] = value
            if files:  # last, since a file may take the block with it that other texts stand in
                files.sort(key=lambda one: one[0].block is not None and not one[0].plain)
                undo.extend(file.put(text) for file, text in files)
            return orjson.dumps(self.document)
        finally:
            for container, key, value in reversed(undo):
                if key is _WHOLE:
                    container.clear()
                    container.update(value)
                else:
                    container[key] = value


class CarriesFiles:
    """A call whose request may carry files: as ``files.desk.Carrying`` asks."""

    __slots__ = ()

    _request: Request

    @property
    def files(self) -> Sequence[Attachment]:
        return self._request.files

    def read_as(self, file: Attachment, text: str, *, plain: bool) -> None:
        """See ``Request.read_as``."""
        self._request.read_as(file, text, plain=plain)


def encoded_like(form: str, data: bytes, media: str = "") -> str:
    """``data`` as base64, or as a ``data:`` URL where ``form`` is one: of its type, or of ``media``."""
    encoded = b64encode(data).decode()
    head, comma, _ = form.partition(",")
    if head[:5].lower() != "data:" or not comma:
        return encoded
    if media:
        head = f"data:{media}"
    return f"{head if head[-7:].lower() == ';base64' else head + ';base64'},{encoded}"


def media_type(url: str) -> str:
    """The media type of a ``data:`` URL (RFC 2397), or ``""``. The data are not decoded."""
    if not url.startswith("data:"):
        return ""
    return url[5:].partition(",")[0].partition(";")[0][:100] or "text/plain"


def _too_many() -> ClientError:
    return ClientError("The request has too many parts.", reason="too-many-parts")


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ChatwardError("An edited tool call is not JSON.", reason="edit-invalid") from error
