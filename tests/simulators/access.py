"""Policies that ask for more, and headers as authenticators see them."""

from __future__ import annotations

OWN = """
@id("own/refund") @step_up("passkey")
forbid (principal, action == Action::"tool:call", resource == Tool::"refund")
when { context.assurance < 3 };
@id("own/amount")
forbid (principal, action == Action::"tool:call", resource == Tool::"transfer")
when { !(context.arguments.numbers.hasTag("/amount") && context.arguments.numbers.getTag("/amount") < 100) };
@id("own/wipe")
forbid (principal, action == Action::"tool:call", resource == Tool::"wipe");
@id("own/vault") @step_up("multi")
forbid (principal, action == Action::"message:send", resource == Bot::"vault")
when { context.assurance < 2 };
@id("own/launch") @approval("operator")
forbid (principal, action == Action::"tool:call", resource == Tool::"launch")
unless { context.approved };
"""


class Headers(dict[str, str]):
    def get_all(self, key: str) -> list[str]:
        return [self[key]] if key in self else []
