"""The sealer: keys, envelope and blind indexes as the one port that stores take (``core.sealing.Sealer``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chatward.core.sealing import Place
from chatward.seal import blind, envelope
from chatward.seal.key import Name
from chatward.seal.keys import Keys


class KeySealer:
    """Implements ``Sealer`` over ``Keys``."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def prepare(self, places: Iterable[Place]) -> None:
        asked = list(places)
        for table in {place.table for place in asked}:
            self.keys.note_table(table)
        self.keys.prepare(_name(place) for place in asked)

    def seal(self, place: Place, data: bytes) -> bytes:
        self.keys.note_table(place.table)
        key, version = self.keys.newest(_name(place))
        return envelope.seal(key.fields, version, place, data)

    def open(self, place: Place, sealed: bytes) -> bytes:
        field = envelope.parse(sealed)
        return envelope.open_(self.keys.get(_name(place), field.version).fields, place, field)

    def index(self, tenant: str, subject: str, field: str, value: str) -> tuple[bytes, ...]:
        name = (tenant, subject, "")
        newest, current = self.keys.newest(name)
        found = [blind.index(newest.indexes, current, field, value)]
        for version in range(current - 1, self.keys.minimum(tenant) - 1, -1):
            if not subject or self.keys.live(name, version):
                found.append(blind.index(self.keys.get(name, version).indexes, version, field, value))
        return tuple(found)

    def destroy(self, tenant: str, subject: str, records: Sequence[str]) -> int:
        return self.keys.destroy(tenant, subject, records)

    def dead(self, place: Place, sealed: bytes) -> bool:
        """Whether the key of a field was destroyed, so that nothing will ever open it."""
        version = envelope.parse(sealed).version
        if version > self.keys.current(place.tenant) or version < self.keys.minimum(place.tenant):
            return True
        return not self.keys.live(_name(place), version)


def _name(place: Place) -> Name:
    return (place.tenant, place.subject, place.record)
