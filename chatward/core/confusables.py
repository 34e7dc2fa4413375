"""Data: letters that look like Latin letters, letters that are Latin with something added, leet digits.

Three tables, all from one code point to ASCII text:

* ``TWINS``: letters of other scripts that most fonts draw (nearly) like a Latin letter. A whole word of them
  can be a disguise: Cyrillic ``а е о р с у х``.
* ``KIN``: letters that merely recall a Latin letter. They count only in a word that mixes scripts.
* ``MARKED``: Latin letters with a stroke, hook or other addition that has no Unicode decomposition.

After the shapes in Unicode Technical Standard 39 (Unicode Security Mechanisms), section 4, reduced to letters
and written as Latin rows here: the letter first, then what stands for it.
"""

from __future__ import annotations

from typing import Final

_TWIN_ROWS: Final = """
a аɑα a̲ᴀⲁ
b ЬƄ
c сϲᴄⅽⲥ
d ԁɗ
e еҽ
g ɡց
h һհ
i іɩιɪӏ
j јϳ
k κᴋ
l ӏǀ
n ո
o оοօᴏⲟ
p рρⲣ
q ԛգ
s ѕꜱ
t тτᴛ
u υսᴜ
v νѵᴠ
w ԝωᴡ
x хχⲭ
y уγүʏ
z ᴢ
A АΑᎪ
B ВΒᏴ
C СϹᏟ
D Ꭰ
E ЕΕᎬ
G Ԍ
H НΗᎻ
I ІΙӀ
J ЈᎫ
K КΚᏦ
L Ꮮ
M МΜᎷ
N Ν
O ОΟՕ
P РΡᏢ
Q Ԛ
R Ꭱ
S ЅՏᏚ
T ТΤᎢ
U Ս
V ᏙѴ
W ᎳԜ
X ХΧ
Y ΥҮ
Z ΖᏃ
"""

_KIN_ROWS: Final = """
a дλΛ∆ΔДɐ
b вьβʙъБ
c ςɔ
d ᴅδժ
e єεэɛᴇəЄΣΞ
f ғƒꜰϝ
g ɢɠԍ
h нђћʜЋ
i їΐϊί
j ᴊյ
k кқ
l ʟւ
m мᴍ
n пηлийɴΠИҋпѝ
o фθΘσόøΦѳө
p ᴘþ
q ʠ
r гяʀɾɼг
s ʂ
t †ŧ
u цμµʋυύ
v ѷ
w шщώψШЩѡա
x жӿҳ
y чўΨʎ¥
z зʐӡ
"""

_MARKED_ROWS: Final = """
a ⱥ
ae æǽ
b ƀɓƃ
c ƈȼ
d đɖðɗ
e ɇ
f ƒ
g ǥɠ
h ħⱨ
i ıɨ
j ɉȷ
k ƙⱪ
l łƚɫⱡ
n ƞɲŋ
o øǿɵ
oe œ
p ƥ
r ɍɽ
ss ß
s ʂ
t ŧƭⱦ
u ʉ
y ɏƴ
z ƶȥⱬ
A Ⱥ
AE Æ
D ĐÐ
H Ħ
L Ł
O Ø
OE Œ
T Ŧ
"""


def _table(rows: str) -> dict[int, str]:
    table: dict[int, str] = {}
    for row in rows.split("\n"):
        latin, _, others = row.partition(" ")
        for letter in others:
            if not letter.isascii() and not "\u0300" <= letter <= "\u036f":
                table.setdefault(ord(letter), latin)
    return table


TWINS: Final[dict[int, str]] = _table(_TWIN_ROWS)
KIN: Final[dict[int, str]] = {**_table(_KIN_ROWS), **TWINS}
MARKED: Final[dict[int, str]] = _table(_MARKED_ROWS)

SMALL_CAPITALS: Final[dict[int, str]] = dict(
    zip(map(ord, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯǫʀꜱᴛᴜᴠᴡʏᴢ"), "abcdefghijklmnopqqrstuvwyz", strict=True)
)
"""Latin letters drawn like small capitals. Phonetic notation uses some, but no words of them."""

LEET: Final[dict[int, str]] = {
    ord(sign): letter
    for sign, letter in {
        "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s",
        "!": "i", "|": "i", "+": "t", "€": "e", "£": "l", "¡": "i", "9": "g", "6": "g",
    }.items()
}  # fmt: skip
"""Digits and signs that stand for letters inside a word."""

FLIPPED: Final[dict[int, str]] = dict(
    zip(map(ord, "ɐqɔpǝɟƃɓɥᴉıɾʞןlɯuodbɹsʇnʌʍxʎz∀⅄⊥˥"), "abcdefgghiijkllmnopqrstuvwxyzAYTL", strict=True)
)
"""Letters drawn upside down, to be read from the right."""

BRAILLE: Final[dict[int, str]] = {
    0x2800: " ",
    0x2820: "",  # the next letter is a capital
    **dict(zip(map(ord, "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵"), "abcdefghijklmnopqrstuvwxyz", strict=True)),
}
"""Uncontracted Braille (Unicode block U+2800)."""

STEMS: Final = (
    "ignor", "disregard", "forget", "overrid", "bypass", "instruc", "prompt", "system", "previous", "jailbreak",
    "pretend", "restrict", "filter", "censor", "developer", "reveal", "password", "secret", "guideline",
    "assistant", "rules", "hidden", "confidential", "anweisung", "vergiss", "anterior", "istruzion", "olvida",
)  # fmt: skip
"""Beginnings of words that matter in an attack. A costly reading is made only where it brings one to light."""

_WORDS: Final = """
configuration confidential conversation instructions restrictions instruction restriction everything
guidelines previously assistant developer disregard guideline jailbreak commands messages override
password policies previous command content context earlier filters initial message pretend prompts
respond without answer before bypass filter forget hidden ignore orders output policy prompt repeat
reveal safety secret system above below enter given print prior rules these those where write from
have mode said show tell that this told were what with your act all and any are dan for new not now
our the was you an as do in is me my no of on to
"""
WORDS: Final = tuple(_WORDS.split())
"""Words that letters run together are cut into, longer ones first where one begins another."""
