"""Official Python clients, each behind the same call: ``drive(job, base_url, key) -> told``.

The rule: a driver only translates. It uses its client as the client's documentation says, and reports what the client
reports: ``text``, ``calls`` (name and parsed arguments), ``finish`` as the client names it, ``reasoning`` and ``usage``
(``None`` where it shows none); or ``error`` with the exception's class, status, code and message. An exception that
is not one of the client's own API errors is not caught: that would be one of its own making.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

Job = dict[str, Any]
Told = dict[str, Any]

_STRING: Final = {"type": "string"}
TOOLS: Final = (
    {
        "name": "send_mail",
        "description": "Sends a mail.",
        "schema": {"type": "object", "properties": {"to": _STRING, "body": _STRING}, "required": ["to", "body"]},
    },
    {
        "name": "take_note",
        "description": "Takes a note.",
        "schema": {"type": "object", "properties": {"note": _STRING}, "required": ["note"]},
    },
)


def told(
    text: str = "", calls: list[tuple[str, str]] | None = None, finish: str = "", reasoning: str = "", usage: Any = None
) -> Told:
    parsed = [[name, json.loads(arguments)] for name, arguments in calls or []]
    return {"text": text, "calls": parsed, "finish": finish, "reasoning": reasoning or None, "usage": usage}


def failed(error: Any, **so_far: Any) -> Told:
    """``error`` is an API error of the openai or anthropic package."""
    body = error.body if isinstance(error.body, dict) else {}
    inner: dict[str, Any] = body["error"] if isinstance(body.get("error"), dict) else body
    return {
        "error": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "code": inner.get("code"),
        "message": inner.get("message"),
        **so_far,
    }


# --- openai ------------------------------------------------------------------------------------------


def openai_py(job: Job, base_url: str, key: str) -> Told:
    import openai

    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=30) as client:
        try:
            return (_chat if job["protocol"] == "chat" else _responses)(client, job)
        except openai.APIStatusError as error:
            return failed(error)


def chat_messages(job: Job) -> Iterator[dict[str, Any]]:
    for turn in job["turns"]:
        if turn["role"] == "user":
            yield {"role": "user", "content": turn["text"]}
        elif turn["role"] == "call":
            function = {"name": turn["name"], "arguments": json.dumps(turn["arguments"])}
            call = {"id": turn["id"], "type": "function", "function": function}
            yield {"role": "assistant", "content": None, "tool_calls": [call]}
        else:
            yield {"role": "tool", "tool_call_id": turn["id"], "content": turn["text"]}


def _chat(client: Any, job: Job) -> Told:
    tools: list[Any] = []
    if job["tools"]:
        for tool in TOOLS:
            function = {"name": tool["name"], "description": tool["description"], "parameters": tool["schema"]}
            tools.append({"type": "function", "function": function})
    request = {"model": job["model"], "messages": list(chat_messages(job)), **({"tools": tools} if tools else {})}
    if not job["stream"]:
        answer = client.chat.completions.create(**request)
        choice = answer.choices[0]
        message = choice.message
        calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or ()]
        reasoning = getattr(message, "reasoning_content", None) or ""
        return told(message.content or "", calls, choice.finish_reason, reasoning, _tokens(answer.usage))
    text, reasoning, finish, usage = "", "", "", None
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for chunk in client.chat.completions.create(**request, stream=True, stream_options={"include_usage": True}):
        usage = _tokens(chunk.usage) if chunk.usage else usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or ():
                names.setdefault(call.index, call.function.name or "")
                arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
    calls = [(names[index], arguments[index]) for index in sorted(names)] if finish != "content_filter" else []
    return told(text, calls, finish, reasoning, usage)


def _tokens(usage: Any) -> list[int] | None:
    if usage is None:
        return None
    if hasattr(usage, "prompt_tokens"):
        return [usage.prompt_tokens, usage.completion_tokens]
    return [usage.input_tokens, usage.output_tokens]


def response_input(job: Job) -> Iterator[dict[str, Any]]:
    for turn in job["turns"]:
        if turn["role"] == "user":
            yield {"role": "user", "content": turn["text"]}
        elif turn["role"] == "call":
            called = {"call_id": turn["id"], "name": turn["name"], "arguments": json.dumps(turn["arguments"])}
            yield {"type": "function_call", **called}
        else:
            yield {"type": "function_call_output", "call_id": turn["id"], "output": turn["text"]}


def _responses(client: Any, job: Job) -> Told:
    request: dict[str, Any] = {"model": job["model"], "input": list(response_input(job))}
    if job["tools"]:
        request["tools"] = [
            {
                "type": "function",
                "name": tool["name"],
                "description": tool["description"],
                "parameters": tool["schema"],
                "strict": False,
            }
            for tool in TOOLS
        ]
    if not job["stream"]:
        return _response(client.responses.create(**request))
    text = ""
    ended: Told = {}
    for number, event in enumerate(client.responses.create(**request, stream=True)):
        assert event.sequence_number == number, "sequence numbers have a gap"
        if event.type == "response.output_text.delta":
            text += event.delta
        elif event.type == "error":
            return {"error": "error event", "status": None, "code": event.code, "message": event.message, "text": text}
        elif event.type in {"response.completed", "response.incomplete"}:
            ended = _response(event.response)
            assert ended["text"] == text, "the final object says something else than the deltas"
    return ended


def _response(answer: Any) -> Told:
    calls = [(item.name, item.arguments) for item in answer.output if item.type == "function_call"]
    thoughts = [part.text for item in answer.output if item.type == "reasoning" for part in item.summary]
    details = answer.incomplete_details
    finish = details.reason if details is not None else answer.status
    return told(answer.output_text, calls, finish, "".join(thoughts), _tokens(answer.usage))


# --- anthropic ---------------------------------------------------------------------------------------


def anthropic_py(job: Job, base_url: str, key: str) -> Told:
    import anthropic

    root = base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=root, api_key=key, max_retries=0, timeout=30) as client:
        try:
            return _messages(client, job)
        except anthropic.APIStatusError as error:
            return failed(error)


def anthropic_messages(job: Job) -> Iterator[dict[str, Any]]:
    for turn in job["turns"]:
        if turn["role"] == "user":
            yield {"role": "user", "content": turn["text"]}
        elif turn["role"] == "call":
            call = {"type": "tool_use", "id": turn["id"], "name": turn["name"], "input": turn["arguments"]}
            yield {"role": "assistant", "content": [call]}
        else:
            result = {"type": "tool_result", "tool_use_id": turn["id"], "content": turn["text"]}
            yield {"role": "user", "content": [result]}


def _messages(client: Any, job: Job) -> Told:
    request: dict[str, Any] = {"model": job["model"], "max_tokens": 100, "messages": list(anthropic_messages(job))}
    if job["tools"]:
        request["tools"] = [
            {"name": tool["name"], "description": tool["description"], "input_schema": tool["schema"]} for tool in TOOLS
        ]
    if not job["stream"]:
        return _message(client.messages.create(**request))
    with client.messages.stream(**request) as stream:
        text = "".join(event.text for event in stream if event.type == "text")
        message = stream.get_final_message()
    said = "".join(block.text for block in message.content if block.type == "text")
    assert said == text, "the final message says something else than the deltas"
    return _message(message)


def _message(message: Any) -> Told:
    text = "\n\n".join(block.text for block in message.content if block.type == "text")
    thoughts = "".join(block.thinking for block in message.content if block.type == "thinking")
    calls = [(block.name, json.dumps(block.input)) for block in message.content if block.type == "tool_use"]
    if message.stop_reason == "refusal":
        calls = []  # a call that was begun is not to be made
    return told(text, calls, message.stop_reason, thoughts, _tokens(message.usage))


# --- langchain ---------------------------------------------------------------------------------------


def langchain(job: Job, base_url: str, key: str) -> Told:
    import openai
    from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
    from langchain_openai import ChatOpenAI

    model: Any = ChatOpenAI(
        model=job["model"],
        base_url=base_url,
        api_key=key,  # type: ignore[arg-type]
        max_retries=0,
        timeout=30,
        use_responses_api=job["protocol"] == "responses",
        stream_usage=True,
    )
    if job["tools"]:
        model = model.bind_tools(
            [
                {
                    "type": "function",
                    "function": {
                        "name": tool["name"],
                        "description": tool["description"],
                        "parameters": tool["schema"],
                    },
                }
                for tool in TOOLS
            ]
        )
    turns: list[Any] = []
    for turn in job["turns"]:
        if turn["role"] == "user":
            turns.append(HumanMessage(turn["text"]))
        elif turn["role"] == "call":
            turns.append(
                AIMessage("", tool_calls=[{"id": turn["id"], "name": turn["name"], "args": turn["arguments"]}])
            )
        else:
            turns.append(ToolMessage(turn["text"], tool_call_id=turn["id"]))
    text = ""
    try:
        if not job["stream"]:
            return _langchain(model.invoke(turns))
        whole: AIMessageChunk | None = None
        for chunk in model.stream(turns):
            text += str(chunk.text)
            whole = chunk if whole is None else whole + chunk
        assert whole is not None
        return _langchain(whole)
    except openai.APIStatusError as error:
        return failed(error)
    except ValueError as error:
        # langchain_openai turns the stream's ``error`` event into ``ValueError("<code>: <message>")``.
        code, _, message = str(error).partition(": ")
        return {"error": "error event", "status": None, "code": code, "message": message, "text": text}


def _langchain(message: Any) -> Told:
    metadata = message.response_metadata
    details = metadata.get("incomplete_details")
    finish = metadata.get("finish_reason") or (details or {}).get("reason") or metadata.get("status")
    calls = [(call["name"], json.dumps(call["args"])) for call in message.tool_calls]
    usage = message.usage_metadata
    tokens = [usage["input_tokens"], usage["output_tokens"]] if usage else None
    thoughts = [block["reasoning"] for block in message.content_blocks if block.get("type") == "reasoning"]
    if finish == "content_filter":
        calls = []
    return told(str(message.text), calls, finish, "".join(thoughts), tokens)


CLIENTS: Final[dict[str, Callable[[Job, str, str], Told]]] = {
    "openai_py": openai_py,
    "anthropic_py": anthropic_py,
    "langchain": langchain,
}
