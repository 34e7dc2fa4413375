"""All pages that show what happened and how things stand, in one router."""

from __future__ import annotations

from fastapi import APIRouter

from chatward.console.access import AdminAccess, AdminCaller
from chatward.console.access_pages import Pages
from chatward.console.actor_desk import actor_routes
from chatward.console.alert_desk import alert_routes
from chatward.console.finding_desk import finding_api, finding_routes
from chatward.console.help_desk import help_routes
from chatward.console.live_desk import live_routes
from chatward.console.message_desk import message_routes
from chatward.console.policy_desk import policy_routes
from chatward.console.search_desk import search_routes
from chatward.console.standing_desk import Guards, standing_routes
from chatward.console.tool_desk import tool_routes
from chatward.console.watching import Watching


def watch_routes(
    router: APIRouter, pages: Pages, watching: Watching, access: AdminAccess, guards: Guards = tuple
) -> None:
    """Adds them to ``router``; every one is decided before it is reached (``guarding``)."""

    def valid(caller: AdminCaller) -> bool:
        return not caller.signed_in or access.sessions.valid(caller.principal)

    message_routes(router, pages, watching)
    finding_routes(router, pages, watching)
    finding_api(router, watching)
    live_routes(router, pages, watching, valid)
    policy_routes(router, pages, watching)
    standing_routes(router, pages, watching, guards)
    tool_routes(router, pages, watching)
    actor_routes(router, pages, watching)
    alert_routes(router, pages, watching)
    help_routes(router, pages)
    search_routes(router, pages, watching, access.views, secure=access.secure)
