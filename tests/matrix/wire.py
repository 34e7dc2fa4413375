"""Requests without a client, where a test looks at what the wire itself carries."""

from __future__ import annotations

from typing import Any, Final

import httpx

from tests.matrix.python_clients import TOOLS, Job, anthropic_messages, chat_messages, response_input

PATHS: Final = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}


def document(job: Job) -> dict[str, Any]:
    """The body of ``job``'s request."""
    protocol, asked = job["protocol"], {"model": job["model"], "stream": job["stream"]}
    tools: list[Any] = []
    for tool in TOOLS if job["tools"] else ():
        named = {"name": tool["name"], "description": tool["description"]}
        if protocol == "messages":
            tools.append({**named, "input_schema": tool["schema"]})
        elif protocol == "responses":
            tools.append({"type": "function", **named, "parameters": tool["schema"], "strict": False})
        else:
            tools.append({"type": "function", "function": {**named, "parameters": tool["schema"]}})
    if tools:
        asked["tools"] = tools
    if protocol == "responses":
        return {**asked, "input": list(response_input(job))}
    if protocol == "messages":
        return {**asked, "max_tokens": 100, "messages": list(anthropic_messages(job))}
    return {**asked, "messages": list(chat_messages(job))}


def job(protocol: str, model: str, text: str, *, stream: bool = False) -> Job:
    turns = [{"role": "user", "text": text}]
    return {"protocol": protocol, "stream": stream, "model": model, "tools": False, "turns": turns}


def post(url: str, job: Job, key: str) -> httpx.Response:
    """The whole answer. ``url`` is the gateway's, without a path."""
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{url}{PATHS[job['protocol']]}", json=document(job), headers=headers, timeout=30)
