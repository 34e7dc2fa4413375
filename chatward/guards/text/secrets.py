"""Credentials in text: keys, tokens, passwords, private keys, connection strings, password hashes, seed phrases.

The rule: a finding's span is the secret itself and not the name before it, so that what is masked or replaced is what
must not leave. A kind with a mark of its own is found by its mark; one without needs its provider's name near by;
anything else needs a word for a credential, a separator and a value that looks random or chosen as a password.
Placeholders of documentation are no secrets. The tables by field are in ``secrets_cloud``, ``secrets_dev``,
``secrets_ai``, ``secrets_pay``, ``secrets_chat`` and ``secrets_saas``; what belongs to no provider is in
``secrets_generic``, ``secrets_blocks`` and ``secrets_places``. The same rules serve
both directions: a person who pastes a key, and a bot that repeats one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Final

from chatward.core.ports import Cost, GuardSpec
from chatward.core.rules import MAX_AHEAD, MAX_WIDTH, Rule
from chatward.core.values import Moment
from chatward.guards.text import secrets_ai, secrets_chat, secrets_cloud, secrets_dev, secrets_pay, secrets_saas
from chatward.guards.text.secrets_blocks import hash_rules, key_block_rules
from chatward.guards.text.secrets_generic import generic_rules
from chatward.guards.text.secrets_kinds import marked_rule, named_rules
from chatward.guards.text.secrets_places import command_rules, url_rules

ENTITIES: Final = frozenset(
    {"API_KEY", "TOKEN", "PASSWORD", "PRIVATE_KEY", "CONNECTION_STRING", "WEBHOOK", "SEED_PHRASE", "PASSWORD_HASH"}
)
"""The kinds of value that findings of this guard name in ``Finding.entity``."""

_TABLES: Final = (secrets_cloud, secrets_dev, secrets_ai, secrets_pay, secrets_chat, secrets_saas)


@cache
def secret_rules() -> tuple[Rule, ...]:
    """All rules of this guard: kinds with a mark, kinds with a name, then the general ones."""
    return (
        *map(marked_rule, chain.from_iterable(table.MARKED for table in _TABLES)),
        *named_rules(chain.from_iterable(table.NAMED for table in _TABLES)),
        *generic_rules(),
        *key_block_rules(),
        *hash_rules(),
        *url_rules(),
        *command_rules(),
    )


class SecretsGuard:
    """The guard ``text.secrets``."""

    @property
    def spec(self) -> GuardSpec:
        return GuardSpec(
            id="text.secrets",
            summary="Keys, tokens, passwords and private keys, by provider and by shape",
            moments=frozenset({Moment.INPUT, Moment.OUTPUT, Moment.TOOL_CALL}),
            look_ahead=MAX_WIDTH + MAX_AHEAD,
            cost=Cost.PATTERN,
        )

    @property
    def rules(self) -> Sequence[Rule]:
        return secret_rules()
