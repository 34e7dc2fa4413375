"""``chatward genuine card``: whether keys that are known signed an A2A agent card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatward.commands.terminal import AsJson, print_json
from chatward.core import base64url
from chatward.core.errors import ClientError
from chatward.genuine import agent_card
from chatward.genuine.proof import ProofError

MOST = 1 << 20


def card(
    file: Annotated[Path, typer.Argument(help="The card, as it was served.")],
    keys: Annotated[Path, typer.Option(help="The keys that may have signed it: a JWK set.")],
    as_json: AsJson = False,
) -> int:
    """Check who signed an A2A agent card. Exits with 1 where none of the keys did. Nothing is fetched."""
    try:
        known = base64url.json_object(_read(keys))
        signers = agent_card.verify(agent_card.read(_read(file)), known)
    except ProofError as error:
        if as_json:
            print_json({"genuine": False, "reason": error.reason})
        else:
            print(f"not genuine: {error} ({error.reason})")
        return 1
    except ValueError as error:
        raise ClientError(f"{keys} is no JWK set", reason="usage") from error
    if as_json:
        print_json({"genuine": True, "keys": signers})
    else:
        print(f"signed by {', '.join(signers)}")
    return 0


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST)
    except OSError as error:
        raise ClientError(f"{path} cannot be read", reason="usage") from error
