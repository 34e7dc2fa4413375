"""All pages of assurance, in one router."""

from __future__ import annotations

from fastapi import APIRouter

from chatward.console.access_pages import Pages
from chatward.console.assuring import Assuring
from chatward.console.patch_desk import patch_routes
from chatward.console.redteam_desk import redteam_routes
from chatward.console.report_desk import report_routes
from chatward.console.vendor_desk import vendor_routes


def assurance_routes(router: APIRouter, pages: Pages, it: Assuring) -> None:
    """Adds them to ``router``; every one is decided before it is reached (``guarding``)."""
    vendor_routes(router, pages, it)
    patch_routes(router, pages, it)
    report_routes(router, pages, it)
    redteam_routes(router, pages, it)
