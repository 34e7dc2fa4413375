"""DNS by dnspython, where it is installed.

Whether a zone is signed is looked at here, one step of the chain (RFC 4035, 5.2): a DS record above, a key that it
names, and that key's signature over all keys. What stands above that zone is for whoever answers to have checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatward.assurance.domains import PATIENCE, Resolver, above
from chatward.core.errors import ConfigError


class System:
    """Asks a resolver of dnspython."""

    def __init__(self, resolver: Any) -> None:
        from dns import exception, flags  # noqa: PLC0415 - an extra

        self._resolver = resolver
        self._failed = exception.DNSException
        resolver.use_edns(0, flags.DO, 1232)  # signatures come only to who asks for them (RFC 3225)

    def records(self, name: str, kind: str) -> Sequence[str]:
        found = self._asked(name, kind)
        if found is None:
            return ()
        return ["".join(part.decode() for part in one.strings) if kind == "TXT" else one.to_text() for one in found]

    def chained(self, name: str) -> bool:
        from dns import dnssec, rdataclass, rdatatype, rrset  # noqa: PLC0415 - an extra

        zone = next((one for one in above(name) if self._is_zone(one)), "")
        digests, keys = (self._asked(zone, kind) if zone else None for kind in ("DS", "DNSKEY"))
        if digests is None or keys is None:
            return False
        signed = keys.rrset
        try:
            proof = keys.response.find_rrset(
                keys.response.answer, signed.name, rdataclass.IN, rdatatype.RRSIG, rdatatype.DNSKEY
            )
            named = [key for key in signed if any(self._names(one, signed.name, key) for one in digests)]
            dnssec.validate(signed, proof, {signed.name: rrset.from_rdata_list(signed.name, signed.ttl, named)})
        except (self._failed, KeyError, ValueError):
            return False
        return True

    def _is_zone(self, name: str) -> bool:
        found = self._asked(name, "SOA")
        return found is not None and str(found.rrset.name).rstrip(".").lower() == name

    def _names(self, digest: Any, name: Any, key: Any) -> bool:
        """Whether a DS record is that of a key."""
        from dns import dnssec  # noqa: PLC0415 - an extra

        try:
            return bool(dnssec.make_ds(name, key, digest.digest_type, validating=True) == digest)
        except (self._failed, ValueError):  # a digest that is not known here
            return False

    def _asked(self, name: str, kind: str) -> Any:
        """``None`` where there is nothing of that kind. Raises ``OSError``."""
        from dns import resolver  # noqa: PLC0415 - an extra

        try:
            return self._resolver.resolve(name, kind, lifetime=PATIENCE)
        except (resolver.NXDOMAIN, resolver.NoAnswer):
            return None
        except self._failed as error:
            raise OSError(type(error).__name__) from error


def system_resolver() -> Resolver:
    """Asks whom this machine asks. Raises ``ConfigError`` where dnspython is missing."""
    try:
        from dns import resolver  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            'asking DNS needs a package: uv pip install "chatward[assurance]"', reason="extra-missing"
        ) from error
    return System(resolver.Resolver())
