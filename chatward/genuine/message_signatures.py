"""Signatures of HTTP messages (RFC 9421), and what Web Bot Auth asks of those of automated clients
(draft-meunier-web-bot-auth-architecture).

The rules:

1. Covered may be ``@method``, ``@target-uri``, ``@authority``, ``@scheme``, ``@path``, ``@query`` and fields by name,
   with the parameters ``key`` (a member of a dictionary) and, in answers, ``req`` (of the request). A signature that
   covers anything else is not understood, so it is refused.
2. A field is the one value that the message has; one that occurs twice is joined as section 2.1 says.
3. Ed25519 and RSA-PSS with SHA-512, as the key is. ``alg`` may say so, and may say nothing else.
4. **Web Bot Auth**: the tag is ``web-bot-auth``; ``@authority`` or ``@target-uri`` is covered, and ``signature-agent``
   where it is sent; ``created`` and ``expires`` are there, not longer than a day apart unless ``longest`` says so;
   ``keyid`` is the key's thumbprint (RFC 7638). Who keeps ``nonce`` s refuses replays; within ``expires`` a signature
   may be shown again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chatward.genuine.structured import InnerList, Item, dictionary, item, written

TAG: Final = "web-bot-auth"
DIRECTORY_TAG: Final = "http-message-signatures-directory"
DIRECTORY: Final = "/.well-known/http-message-signatures-directory"
DIRECTORY_TYPE: Final = "application/http-message-signatures-directory+json"
LONGEST: Final = 86_400.0
SKEW: Final = 60.0
"""Seconds that a signer's clock may be ahead."""
PublicKey = Ed25519PublicKey | RSAPublicKey


class SignatureError(ValueError):
    """A signature that is none. ``reason`` is stable; the text says what, and quotes nothing."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or an answer with the request that it answers. ``headers`` in lower case, in order."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    request: Message | None = None

    def field(self, name: str) -> str | None:
        values = [
            " ".join(value.split()) if "\n" in value else value.strip() for one, value in self.headers if one == name
        ]
        return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True)
class Signed:
    """What a good signature says."""

    label: str
    keyid: str
    agent: str
    created: int
    expires: int
    nonce: str


def base(message: Message, covered: InnerList) -> bytes:
    """What is signed (section 2.5). Raises ``SignatureError``."""
    lines: list[str] = []
    seen: set[str] = set()
    for part in covered.items:
        name = str(part)
        if name in seen or not isinstance(part.value, str):
            raise _malformed()
        seen.add(name)
        lines.append(f"{name}: {_component(message, part)}")
    return "\n".join([*lines, f'"@signature-params": {covered}']).encode()


def sign(message: Message, key: Ed25519PrivateKey, covered: InnerList, label: str = "sig1") -> list[tuple[str, str]]:
    """The two fields of a signature."""
    value = key.sign(base(message, covered))
    return [("signature-input", written({label: covered})), ("signature", written({label: Item(value)}))]


def bot_headers(
    method: str,
    url: str,
    key: Ed25519PrivateKey,
    keyid: str,
    agent: str,
    *,
    now: float,
    life: int = 300,
    nonce: str = "",
) -> list[tuple[str, str]]:
    """The fields by which an automated client says who it is: ``agent`` is the origin that has its directory."""
    sent = ("signature-agent", written({"chatward": Item(agent)}))
    parameters: dict[str, str | int | bool | bytes] = {
        "created": int(now), "keyid": keyid, "alg": "ed25519", "expires": int(now) + life,
    }  # fmt: skip
    if nonce:
        parameters["nonce"] = nonce
    parameters["tag"] = TAG
    covered = InnerList((Item("@authority"), Item("signature-agent", {"key": "chatward"})), parameters)
    return [sent, *sign(Message(method, url, (sent,)), key, covered, "chatward")]


def verify(
    message: Message, keys: Mapping[str, PublicKey], *, now: float, tag: str = TAG, longest: float = LONGEST
) -> Signed:
    """The first signature of ``tag``, if it holds. ``keys`` by thumbprint.

    Raises ``SignatureError``: ``signature-missing``, ``signature-malformed``, ``signature-key-unknown``,
    ``signature-coverage``, ``signature-time``, ``signature-wrong``.
    """
    label, covered, value = _found(message, tag)
    parameters = covered.parameters
    created, expires, keyid = (parameters.get(name) for name in ("created", "expires", "keyid"))
    nonce = parameters.get("nonce", "")
    if type(created) is not int or type(expires) is not int or not isinstance(keyid, str) or not isinstance(nonce, str):
        raise _malformed()
    if not created - SKEW <= now < expires or expires - created > longest:
        raise SignatureError("signature-time", "its time has not come, is over, or is too long")
    agent = _agent(message, covered, tag)
    key = keys.get(keyid)
    if key is None:
        raise SignatureError("signature-key-unknown", "it is by a key that is not known")
    _check(key, parameters.get("alg"), value, base(message, covered))
    return Signed(label, keyid, agent, created, expires, nonce)


def agent_of(message: Message) -> str:
    """The origin that says it has the key's directory; nothing of it is verified. Raises ``SignatureError``."""
    _, covered, _ = _found(message, TAG)
    return _agent(message, covered, TAG)


def _found(message: Message, tag: str) -> tuple[str, InnerList, bytes]:
    inputs, signatures = message.field("signature-input"), message.field("signature")
    if inputs is None or signatures is None:
        raise SignatureError("signature-missing", "it has no signature")
    try:
        named, values = dictionary(inputs), dictionary(signatures)
    except ValueError:
        raise _malformed() from None
    for label, covered in named.items():
        if isinstance(covered, InnerList) and covered.parameters.get("tag") == tag:
            value = values.get(label)
            if not isinstance(value, Item) or not isinstance(value.value, bytes):
                raise _malformed()
            return label, covered, value.value
    raise SignatureError("signature-missing", "it has no signature for this")


def _agent(message: Message, covered: InnerList, tag: str) -> str:
    """Rule 4's coverage; the agent's origin, empty where none is sent."""
    names = {one.value for one in covered.items if not one.parameters.get("req", False) or tag == DIRECTORY_TAG}
    if not names & {"@authority", "@target-uri"}:
        raise SignatureError("signature-coverage", "it does not cover where it was sent")
    sent = message.field("signature-agent")
    if sent is None or tag != TAG:
        return ""
    named = [one.parameters.get("key") for one in covered.items if one.value == "signature-agent"]
    try:  # a dictionary, of which a member is covered; one string, before draft 4
        given = (dictionary(sent).get(named[0]) if isinstance(named[0], str) else item(sent)) if named else None
    except ValueError:
        raise _malformed() from None
    if not isinstance(given, Item) or not isinstance(given.value, str):
        raise SignatureError("signature-coverage", "it does not cover whose it is")
    return given.value


def _check(key: PublicKey, alg: object, value: bytes, signed: bytes) -> None:
    expected = "ed25519" if isinstance(key, Ed25519PublicKey) else "rsa-pss-sha512"
    if alg not in {None, expected}:
        raise SignatureError("signature-wrong", "the key is of another algorithm")
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(value, signed)
        else:
            key.verify(value, signed, padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512())
    except InvalidSignature:
        raise SignatureError("signature-wrong", "the signature is not of this message") from None


def _component(message: Message, part: Item) -> str:
    of = message
    if part.parameters.get("req") is True:
        if message.request is None:
            raise _malformed()
        of = message.request
    rest = {name: value for name, value in part.parameters.items() if name not in {"req", "key"}}
    name = str(part.value)
    member = part.parameters.get("key")
    if rest or name != name.lower() or (of is message and message.request is not None and name.startswith("@")):
        raise _malformed()
    if name.startswith("@"):
        if member is not None:
            raise _malformed()
        return _derived(of, name)
    value = of.field(name)
    if value is None:
        raise SignatureError("signature-coverage", "it covers a field that was not sent")
    if member is None:
        return value
    try:
        found = dictionary(value)[member] if isinstance(member, str) else None
    except (ValueError, LookupError):
        found = None
    if found is None:
        raise SignatureError("signature-coverage", "it covers a member that was not sent")
    return str(found)


def _derived(message: Message, name: str) -> str:
    """Section 2.2."""
    parts = urlsplit(message.url)
    default = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    found = {
        "@method": message.method,
        "@target-uri": message.url,
        "@authority": parts.netloc.lower().removesuffix(default),
        "@scheme": parts.scheme,
        "@path": parts.path or "/",
        "@query": f"?{parts.query}",
    }.get(name)
    if found is None:
        raise _malformed()
    return found


def _malformed() -> SignatureError:
    return SignatureError("signature-malformed", "this is no signature that is understood here")
