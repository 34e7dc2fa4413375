r"""Private keys as blocks of text, and password hashes.

A key block is found by its opening line together with what must follow it (base64, or the headers of RFC 1421 and
RFC 4880), so that code and prose that only mention the line are none. It goes on to its closing line.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Severity
from chatward.guards.text.secrets_judges import made_of, random_value
from chatward.guards.text.secrets_kinds import END, START, secret_rule

_LABELS: Final = (
    ("rsa-private-key", "RSA "),
    ("ec-private-key", "EC "),
    ("dsa-private-key", "DSA "),
    ("openssh-private-key", "OPENSSH "),
    ("pkcs8-private-key", ""),
    ("encrypted-private-key", "ENCRYPTED "),
    ("pgp-private-key", "PGP "),
    ("ssh2-private-key", "SSH2 ENCRYPTED "),
    ("other-private-key", "(?:ED25519|X25519|ECDSA|GOST|ANY|TSS2|ENCRYPTED COSIGN|ENCRYPTED SIGSTORE) "),
)
_GLUE: Final = r"[\s\\nr\"'`+,;&#*|<>./$()=\-]{1,64}"


def key_block_rules() -> list[Rule]:
    rules = [
        secret_rule(
            name,
            rf"-----BEGIN {label}PRIVATE KEY(?: BLOCK)?-----{_GLUE}(?:[A-Za-z0-9+/]{{16}}"
            r"|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|Subject):)",
            "Private key block",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            confidence=0.95,
            validate=lambda text, before: 0.95 if not re.search(r"[xX.]{6}$", text) else None,
            trigger="-----BEGIN ",
            until="-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----",
        )
        for name, label in _LABELS
    ]
    encoded = "|".join(
        base64.b64encode(text[: len(text) // 3 * 3].encode()).decode()
        for text in (
            f"-----BEGIN {label}PRIVATE KEY" for label in ("RSA ", "EC ", "DSA ", "OPENSSH ", "", "ENCRYPTED ")
        )
    )
    return [
        *rules,
        secret_rule(
            "encoded-private-key",
            f"(?:{encoded})[A-Za-z0-9+/]{{16}}",
            "Private key block in base64",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            confidence=0.95,
            tail="[A-Za-z0-9+/=]",
        ),
        secret_rule(
            "der-private-key",
            START + r"MI[A-Za-z0-9+/]{4,5}(?:IBAAK[BC]|IBADANBgkqhkiG9w0BAQEF|CAQAwDQYJKoZIhvcNAQEB)[A-Za-z0-9+/]{40}",
            "Private key in base64 DER",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            confidence=0.9,
            tail="[A-Za-z0-9+/=]",
        ),
        secret_rule(
            "putty-private-key",
            r"PuTTY-User-Key-File-[23]:[ ][a-z0-9\-]{6,24}",
            "PuTTY private key",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            confidence=0.95,
            trigger="PuTTY-User-Key-File-",
            until="Private-MAC: [0-9a-f]{40,64}",
        ),
        secret_rule(
            "openvpn-static-key",
            r"-----BEGIN OpenVPN Static key V1-----[\s\\nr]{1,8}[0-9a-f]{16}",
            "OpenVPN static key",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            confidence=0.95,
            trigger="-----BEGIN ",
            until="-----END OpenVPN Static key V1-----",
        ),
        secret_rule(
            "age-secret-key",
            START + "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}" + END,
            "age secret key",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            validate=made_of(8, 0.95),
        ),
        secret_rule(
            "minisign-secret-key",
            START + r"RWRTY0[A-Za-z0-9+/]{60}",
            "minisign secret key",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            validate=made_of(8, 0.95),
            tail="[A-Za-z0-9+/=]",
        ),
        secret_rule(
            "nkey-seed",
            START + "(?=S[UANOCX])[A-Z2-7]{58}" + END,
            "NATS nkey seed",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            validate=made_of(10, 0.95),
        ),
        secret_rule(
            "wireguard-key",
            r"(?i:privatekey|presharedkey|private[ _]key)[ ]{0,3}[=:][ ]{0,3}[\"']?"
            r"([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)(?![A-Za-z0-9+/=])",
            "WireGuard private or preshared key",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            validate=made_of(12, 0.9),
            group=1,
            trigger="(?i:privatekey|presharedkey|private[ _]key)",
        ),
        secret_rule(
            "jwk-private-key",
            r"(?:\"d\"|\\\"d\\\")[ ]{0,2}:[ ]{0,2}\\{0,2}\"([A-Za-z0-9_-]{42})",
            "Private JSON web key (RFC 7517)",
            "PRIVATE_KEY",
            Severity.CRITICAL,
            validate=random_value(20, 0.85),
            group=1,
            tail="[A-Za-z0-9_-]",
            trigger=r"(?:\"d\"|\\\"d\\\")",
        ),
    ]


_CRYPT: Final = "[./A-Za-z0-9]"
_HASHES: Final = (
    ("md5-crypt-hash", rf"\$(?:1|apr1)\${_CRYPT}{{1,8}}\${_CRYPT}{{22}}", "Password hash (MD5-crypt, htpasswd)"),
    ("bcrypt-hash", rf"(?:\$2a|\$2b|\$2x|\$2y)\$\d\d\${_CRYPT}{{53}}", "Password hash (bcrypt)"),
    (
        "sha256-crypt-hash",
        rf"\$5\$(?:rounds=\d{{1,9}}\$)?{_CRYPT}{{1,16}}\${_CRYPT}{{43}}",
        "Password hash (SHA-256-crypt)",
    ),
    (
        "sha512-crypt-hash",
        rf"\$6\$(?:rounds=\d{{1,9}}\$)?{_CRYPT}{{1,16}}\${_CRYPT}{{86}}",
        "Password hash (SHA-512-crypt)",
    ),
    ("yescrypt-hash", rf"(?:\$y|\$gy)\${_CRYPT}{{2,8}}\${_CRYPT}{{1,86}}\${_CRYPT}{{43}}", "Password hash (yescrypt)"),
    (
        "argon2-hash",
        r"\$argon2(?:id|i|d)\$v=\d{1,3}\$m=\d{1,8},t=\d{1,4},p=\d{1,4}\$[A-Za-z0-9+/]{8,90}\$[A-Za-z0-9+/]{16,90}",
        "Password hash (Argon2)",
    ),
    (
        "scrypt-hash",
        r"\$scrypt\$ln=\d{1,2},r=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/.]{8,90}\$[A-Za-z0-9+/.]{16,90}",
        "Password hash (scrypt)",
    ),
    ("phpass-hash", rf"(?:\$P|\$H)\${_CRYPT}{{31}}", "Password hash (phpass)"),
    (
        "django-hash",
        r"(?:pbkdf2_sha(?:1|256)|bcrypt_sha256)\$\d{3,8}\$[A-Za-z0-9]{6,40}\$[A-Za-z0-9+/]{27,44}=?",
        "Password hash (Django)",
    ),
    (
        "werkzeug-hash",
        r"(?:pbkdf2:sha(?:1|256|512):\d{3,8}|scrypt:\d{4,7}:\d{1,2}:\d{1,2})\$[A-Za-z0-9]{8,20}\$[0-9a-f]{40,128}",
        "Password hash (Werkzeug)",
    ),
    ("ldap-hash", r"\{S?(?:SHA(?:256|512)?|MD5)\}[A-Za-z0-9+/]{22,110}={0,2}", "Password hash (LDAP, htpasswd)"),
    (
        "scram-hash",
        r"SCRAM-SHA-(?:1|256)\$\d{4,6}:[A-Za-z0-9+/=]{16,44}\$[A-Za-z0-9+/=]{28,44}:[A-Za-z0-9+/=]{28,44}",
        "Password verifier (SCRAM, RFC 5802)",
    ),
    (
        "kerberos-hash",
        r"\$krb5(?:asrep|tgs|pa)\$\d{1,2}\$[^\s$:]{1,60}[$:][0-9a-fA-F$]{32,100}",
        "Kerberos ticket hash",
    ),
    ("ntlm-hash", r"(?<=:)[0-9a-fA-F]{32}:[0-9a-fA-F]{32}:::", "Windows password hash (NTLM)"),
    ("grub-hash", r"grub\.pbkdf2\.sha512\.\d{4,7}\.[0-9A-F]{64}", "Password hash (GRUB)"),
)


def hash_rules() -> list[Rule]:
    return [
        secret_rule(
            name,
            f"(?<![A-Za-z0-9]){pattern}" if not pattern.startswith("(?<") else pattern,
            what,
            "PASSWORD_HASH",
            Severity.MEDIUM,
            validate=made_of(10, 0.9),
        )
        for name, pattern, what in _HASHES
    ]
