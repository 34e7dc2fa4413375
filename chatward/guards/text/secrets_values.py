"""Is this string a secret? What tells a generated value from a word, an identifier or a placeholder.

The rule: a value counts as a secret where it *looks drawn at random* for its length and alphabet, or, after a
word for "password", where it looks chosen by a person to be one. It never counts where documentation would put
it: ``changeme``, ``xxxx``, ``<your-key>``, ``${VAR}``, ``os.environ[...]``, ``example``, ``1234567890``.

Three measures, all on the value alone:

* Shannon entropy in bits per character, compared with what a random string of that length would have
  (a short random string cannot show its alphabet's full entropy).
* Turns: changes between lower case, upper case and digits. Words and identifiers turn at their seams,
  random strings at a third to a half of all positions.
* Words: what is left when known filler words are taken out.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import log2
from typing import Final


def split_words(text: str) -> list[str]:
    """The words of a literal, for tables that would not fit a screen as lists."""
    return text.split()


_FILLER: Final = re.compile(
    r"(?i)example|sample|placeholder|your[_\- ]?|changeme|change[_\-]?(?:it|this|me)|replace|redacted|dummy|insert"
    r"|(?-i:x{4,}|X{4,})|\*{3,}|\.{3,}|_{4,}|#{4,}|deadbeef|cafebabe|lorem|foobar|some[_\-]|my[_\-]?(?:secret|token|key|pass)"
    r"|todo|fixme|undefined|not[_\-]?set|wJalrXUtnFEMI"
)
_SHOWN: Final = re.compile("(?i)example|sample|test")
_TEMPLATE: Final = re.compile(
    r"[$%#@]\{|\{\{|\}\}|\$\(|\(\)|\[\]|<[A-Za-z_%\-/ ]+>?|^\$[A-Za-z_]+(?:$|/)|^%[A-Za-z_]+%$|^:[a-z_]+$"
    r"|%(?:\.?\d*)?[sdvqx](?![0-9A-Za-z])|environ|getenv|ENV\[|^\{[\w.]*\}$|^\\u"
)
_CODE: Final = re.compile(
    r"^[-!&*~@$]*[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_]|->|::|\[|\()|^[@$&*][A-Za-z_]|^(?:0x[0-9a-fA-F]+|[0-9.]+[a-z]{0,2})$"
    r"|^[A-Za-z_]+[?!]?$"
)
_SEQUENCES: Final = (
    "01234567890123456789",
    "98765432109876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
)
_RUN: Final = re.compile(r"(.)\1{5,}", re.DOTALL)
_REPEAT: Final = re.compile(r"(.{2,8}?)\1{3,}", re.DOTALL)
_CONSTANT: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_PIECES: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\d_a-zA-Z]+")

# For each letter the letters that follow it in words: pairs that make up at least 0.03 % of the pairs in the distinct
# words of chat requests in English, German, French and Spanish (clinc150, bitext, oasst, xsafety; see the model cards).
_PAIRS: Final = {
    row[0]: frozenset(row[1:])
    for row in split_words(
        """
    abcdfghiklmnprstuvwxyz baeilorsu cacehiklorstuy dadegilorsuy eabcdefghiklmnopqrstuvwxyz faefilortuy
    gaeghilnorsu haeilmortuy iabcdefgklmnopqrstvxz jaeou kaeilnos ladegilmostuvy mabeimopsu nacdefgiklmnostuvy
    oabcdfgiklmnoprstuvwy paehiloprstuy qu rabcdefgiklmnoprstuvy sacefhiklmnopstuwy tacefhilmoprstuwy
    uabcdefgilmnprst vaeio waehinors xceipt yaeilmnops zaei
    """
    )
}

COMMON_WORDS: Final = frozenset(
    split_words(
        """
    a access account admin alice an and any api app auth bar basic baz bearer bob bot business client code config
    correct credential credentials custom data database default demo dev development do dummy email empty enter
    environment example fake false file fill first foo for from get global
    good google guest hash header hello here hidden
    id in int invalid is it key keys letmein local localhost login long mail main master me mock my mysql name new
    nil no none not null number of old on oracle pass passcode passphrase passwd password passwords pg phone plain
    postgres private prod production proxy public put pw pwd random read redis refresh required reset root sample
    secret secrets server service session set sha shared short simple some staging std str string strong super system
    temp test testing tests text that the this tmp to token tokens top true type undefined unset url user username
    users valid value values var variable very weak welcome with world wrong xxx your
    """
    )
)


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    size = len(text)
    if not size:
        return 0.0
    return -sum(count / size * log2(count / size) for count in Counter(text).values())


def placeholder(text: str) -> bool:
    """True for what stands where a secret would: filler words, runs, keyboard rows, template expressions."""
    if _FILLER.search(text) or _RUN.search(text) or _REPEAT.search(text):
        return True
    folded = text.lower()
    return any(_shares_run(folded, sequence, 8) for sequence in _SEQUENCES)


def _shares_run(text: str, sequence: str, length: int) -> bool:
    return any(sequence[at : at + length] in text for at in range(len(sequence) - length + 1))


def template(text: str) -> bool:
    """True for a slot that something else fills: ``${VAR}``, ``{{ x }}``, ``%s``, ``<name>``, environment look-ups."""
    return _TEMPLATE.search(text) is not None


def code(text: str) -> bool:
    """True for what unquoted code holds in place of a value: names, attributes, calls, numbers."""
    return _CODE.search(text) is not None


def solid(body: str) -> bool:
    """True where the random part of a token of known format is not visibly made up."""
    if placeholder(body):
        return False
    need = 8 if len(body) >= 24 else 5 if len(body) >= 12 else 3
    return len(set(body)) >= need


def showpiece(body: str) -> bool:
    """True for the random part of a token that documentation shows: complete, and visibly made up.

    Nothing tells it from a real token that was drawn badly, so it is a finding, if a weaker one. Slots to be
    filled in, runs and repeats are none.
    """
    bare = _SHOWN.sub("", body)
    if _FILLER.search(bare) or _RUN.search(bare) or _REPEAT.search(bare):
        return False
    return len(set(body)) >= (8 if len(body) >= 24 else 5)


def turns(text: str) -> float:
    """Share of positions where lower case, upper case and digits change. ``Ab`` is one word, not a turn."""
    if len(text) < 2:
        return 0.0
    changes = 0
    for first, second in pairwise(text):
        kinds = _kind(first), _kind(second)
        if kinds[0] != kinds[1] and kinds != ("u", "l"):
            changes += 1
    return changes / (len(text) - 1)


def _kind(character: str) -> str:
    if character.islower():
        return "l"
    if character.isupper():
        return "u"
    return "d" if character.isdigit() else "s"


def random_like(text: str, least: int = 16) -> bool:
    """True where ``text`` looks drawn at random: long enough, mixed, with the entropy of a random string."""
    if len(text) < least or placeholder(text) or identifier(text):
        return False
    body = re.sub(r"[-_.=+/~:]", "", text)
    if len(body) < least * 0.75:
        return False
    digits = sum(character.isdigit() for character in body)
    letters = sum(character.isalpha() for character in body)
    if not letters or (not digits and not (turns(body) >= 0.3 or (len(body) >= 16 and _mixed_up(body)))):
        return False
    if re.fullmatch(r"[0-9a-fA-F]+", body):
        return entropy(body) >= min(2.8, 0.7 * log2(len(body))) and turns(body) >= 0.1
    if entropy(body) < min(3.2, 0.75 * log2(len(body))):
        return False
    return turns(body) >= 0.18 or gibberish(body)


def _mixed_up(letters: str) -> bool:
    return turns(letters) >= 0.2 or gibberish(letters)


def gibberish(text: str) -> bool:
    """True for letters that no word puts in this order: too many pairs that words do not have, or mixed-up case."""
    if turns(text) >= 0.3:
        return True
    odd = total = 0
    for run in re.findall(r"[A-Z]*[a-z]+|[A-Z]+", text):
        letters = run.lower()
        total += len(letters) - 1
        odd += sum(second not in _PAIRS[first] for first, second in pairwise(letters))
    return odd >= 2 and odd / total + turns(text) / 2 >= (0.4 if total < 9 else 0.32)


def wordy(text: str) -> bool:
    """True where ``text`` is words joined as identifiers are: ``snake_case``, ``camelCase``, ``kebab-case``."""
    if _CONSTANT.fullmatch(text):
        return True
    pieces = _PIECES.findall(text)
    words = [piece for piece in pieces if not piece.isdigit()]
    if not words or all(piece.lower() in COMMON_WORDS for piece in words):
        return True
    if sum(character.isalpha() and not character.isascii() for character in text) * 3 > len(text):
        return True
    digits = sum(map(len, pieces)) - sum(map(len, words))
    symbols = sum(not (character.isalnum() or character in "_-.:/ ") for character in text)
    return digits == 0 and symbols == 0 and not gibberish(text)


def identifier(text: str) -> bool:
    """True where most of ``text`` is pronounceable words, digits or not: ``base64EncodedKey``, ``clientNonce:qop``."""
    known = 0
    for piece in _PIECES.findall(text):
        if len(piece) >= 3 and piece.isalpha():
            known += len(piece) if piece.lower() in COMMON_WORDS or (len(piece) >= 5 and not gibberish(piece)) else 0
    return known >= 0.55 * sum(character.isalnum() for character in text)


def chosen(text: str) -> bool:
    """True where ``text`` looks like a password that a person or a generator chose."""
    if not 5 <= len(text) <= 128 or placeholder(text) or wordy(text):
        return False
    if re.fullmatch(r"[\d.,:/\-]+", text):
        return False
    return len(set(text)) >= 4
