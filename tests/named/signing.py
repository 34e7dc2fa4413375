"""Webhooks as their sender signs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import Webhook as Reference

from tests.simulators.assistant import OURS


def signed(said: dict[str, Any], number: str, *, secret: str = OURS) -> tuple[bytes, dict[str, str]]:
    body, now = json.dumps(said).encode(), datetime.now(UTC)
    signature = Reference(secret).sign(number, now, body.decode())
    fields = {"webhook-id": number, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    return body, {**fields, "content-type": "application/json"}
