"""The page on which a vendor answers our questionnaire: reached by a one-time link, and by nothing else.

The rules:

1. The link's token is all that counts: nobody signs in, no cookie is set or read, and nothing of this installation is
   told but the questions. What is no good link is 404, whatever else is wrong with the request.
2. One form, without scripts: an answer and a comment for each question, and a file as evidence. At most ``LARGEST``
   bytes.
3. The link is spent with the first whole set of answers; what is not good comes back with a sentence, and nothing is
   kept.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Final

from chatward.assurance.assessments import Assessments
from chatward.assurance.questionnaire import ANSWERS, LONGEST, Answer, Question, checked, questionnaire
from chatward.console.asgi import HEADERS, App, Receive, Scope, Send
from chatward.console.multipart import parts
from chatward.core.errors import ChatwardError, ClientError

LARGEST: Final = 24 * 1024 * 1024
_PATH: Final = re.compile(r"/assess/([A-Za-z0-9_-]{16,64})")
_WORDS: Final = {"yes": "Yes", "partly": "Partly", "no": "No", "not-applicable": "Does not apply"}
_HEADERS: Final = [
    (name, value.replace(b"form-action 'none'", b"form-action 'self'")) for name, value in HEADERS
] + [(b"content-type", b"text/html; charset=utf-8")]  # fmt: skip

Files = dict[str, tuple[str, bytes]]


class VendorAnswers:
    """Stands before the admin plane, and answers below ``/assess/``; everything else goes on to ``app``. ``settled``
    makes tasks of a vendor's new answers."""

    def __init__(self, app: App, assessments: Assessments, settled: Callable[[str], object]) -> None:
        self._app = app
        self._assessments = assessments
        self._settled = settled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not str(scope["path"]).startswith("/assess/"):
            await self._app(scope, receive, send)
            return
        status, body = await self._answered(scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body.encode()})

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[int, str]:
        found = _PATH.fullmatch(str(scope["path"]))
        try:
            if found is None:
                raise ClientError("This link is not good any more; ask for another.", reason="link-invalid", status=404)
            vendor = await asyncio.to_thread(self._assessments.invited, found[1])
        except ChatwardError as error:
            return error.status, _page(f"<h1>Nothing here</h1><p>{escape(error.public)}</p>")
        if scope["method"] in {"GET", "HEAD"}:
            return 200, _form({}, "")
        if scope["method"] != "POST":
            return 405, _page("<h1>Not like this</h1>")
        answers: dict[str, Answer] = {}
        try:
            answers, files = _read(dict(scope["headers"]), await _body(receive))
            await asyncio.to_thread(self._keep, vendor, found[1], answers, files)
        except ChatwardError as error:
            return error.status, _form(answers, error.public)
        return 200, _page("<h1>Thank you</h1><p>Your answers have arrived. This link has done its work.</p>")

    def _keep(self, vendor: str, token: str, answers: dict[str, Answer], files: Files) -> None:
        checked(answers)
        if not answers:
            raise ClientError("No question was answered.", reason="answer-invalid")
        self._assessments.answer(token, answers)
        for question, (name, body) in files.items():
            self._assessments.attach(vendor, question, name, body)
        self._settled(vendor)


async def _body(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientError("The request ended early.", reason="body-truncated")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST:
            raise ClientError("The files are too large together.", reason="body-too-large", status=413)
        if not message.get("more_body"):
            return b"".join(parts)


def _read(headers: Mapping[bytes, bytes], body: bytes) -> tuple[dict[str, Answer], Files]:
    """Fields ``answer.ID`` and ``comment.ID``, files ``file.ID``."""
    said: dict[str, str] = {}
    files: Files = {}
    for part in parts(headers.get(b"content-type", b"").decode("latin-1"), body):
        what, _, question = part.name.partition(".")
        if what == "file" and part.data:
            files[question] = (part.file or "file", part.data)
        elif what in {"answer", "comment"}:
            said[part.name] = part.data.decode("utf-8", "replace").strip()
    known = {one.id for one in questionnaire().questions}
    if not files.keys() <= known:
        raise ClientError("There is no such question.", reason="question-unknown")
    answers: dict[str, Answer] = {}
    for name, word in said.items():
        what, _, question = name.partition(".")
        if what != "answer":
            continue
        if word not in ANSWERS:
            raise ClientError("An answer is one of those on the page.", reason="answer-invalid")
        answers[question] = Answer(word, said.get(f"comment.{question}", ""))  # type: ignore[arg-type]
    return answers, files


def _form(answers: Mapping[str, Answer], problem: str) -> str:
    topics: dict[str, list[Question]] = {}
    for one in questionnaire().questions:
        topics.setdefault(one.topic, []).append(one)
    rows = "".join(
        f"<h2>{escape(topic.capitalize())}</h2>" + "".join(_question(one, answers.get(one.id)) for one in questions)
        for topic, questions in topics.items()
    )
    said = f'<p role="alert"><strong>{escape(problem)}</strong></p>' if problem else ""
    return _page(
        "<h1>Security questionnaire</h1><p>What is not answered counts as no. What does not apply needs a comment. "
        "Files that show it help. The link is spent once you have sent your answers.</p>"
        f'{said}<form method="post" enctype="multipart/form-data">{rows}<p><button>Send answers</button></p></form>'
    )


def _question(one: Question, answer: Answer | None) -> str:
    choices = "".join(
        f'<label><input type="radio" name="answer.{one.id}" value="{value}"'
        f"{' checked' if answer is not None and answer.answer == value else ''}> {word}</label> "
        for value, word in _WORDS.items()
    )
    comment = escape(answer.comment) if answer is not None else ""
    return (
        f"<fieldset><legend>{escape(one.text)}</legend><p>{choices}</p>"
        f'<p><label>Comment <input name="comment.{one.id}" maxlength="{LONGEST}" value="{comment}"></label> '
        f'<label>Evidence <input type="file" name="file.{one.id}"></label></p></fieldset>'
    )


def _page(content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Questionnaire</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><main>{content}</main></body></html>\n"
    )
