"""``[identity.end_users]``: the people behind one API key."""

from __future__ import annotations

from chatward.settings.base import Strict


class EndUserSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The people behind one API key, named in each request by the program that holds it."""

    role: str = ""
    """The role of keys that name people (`chatward keys create --role`). Empty: none does."""
    header: str = "x-chatward-end-user"
    """The header that names them, in lower case; it counts before the fields, and does not go to the bot."""
    fields: tuple[str, ...] = ("safety_identifier", "user", "metadata.user_id")
    """Fields of a request that name them."""
    required: bool = False
    """Whether a request of such a key that names nobody is refused."""
    space: str = ""
    """Where names are of one directory whatever the key: its name. Else each key has names of its own."""
