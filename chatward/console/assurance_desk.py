"""All pages of assurance, in one router."""

from __future__ import annotations

from fastapi import APIRouter

from chatward.console.access_pages import Pages
from chatward.console.assuring import Assuring
from chatward.console.vendor_desk import vendor_routes


def assurance_routes(router: APIRouter, pages: Pages, it: Assuring) -> None:
    """Adds them to ``router``; every one is decided before it is reached (``guarding``)."""
    vendor_routes(router, pages, it)
