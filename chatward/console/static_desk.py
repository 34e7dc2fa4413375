"""Serves the files that pages load (``statics``)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chatward.console.statics import FILES, file


def static_routes(router: APIRouter) -> None:
    """Adds them."""
    for path in FILES:
        router.add_route(path, _served, methods=["GET"], include_in_schema=False)


async def _served(request: Request) -> Response:
    body, small, kind, tag = file(request.url.path)
    headers = {"cache-control": "no-cache", "etag": tag, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(small, media_type=kind, headers={**headers, "content-encoding": "gzip"})
    return Response(body, media_type=kind, headers=headers)
