# ruff: noqa: E501  # data: a pattern is easier to read on one line than in pieces
"""Places where a value is typed that are not the chat: "on the confirmation page", "in the field of the form".

The rule: bots send people to pages and forms all the time, and what is typed there is not told to the bot. It is no
such place where the sentence says "here", "below" or "this page", names the chat, or holds a link.

All patterns are for folded text (``social_cues.fold``): lower case, no Latin accents.
"""

from __future__ import annotations

import re
from typing import Final

_TYPES: Final = re.compile(
    r"(?:re-?)?enter|type|key in|input|put in|fill in|paste"
    r"|geben sie|gib|tipp|tragen sie|eingeben|einzugeben"
    r"|saisi|entre[rz]|tape|rentre|inscri|renseign"
    r"|introdu|ingres|escrib|tecle|digit|pong?a?\b|insir|inser|escrev|coloq|scriv|immett"
    r"|vul|voer|typ|toets|wpisz|wpis|wprowad|gir|yaz"
    r"|введ|ввест|впиш|ввод|zadej|vloz|vypln|ange|skriv|fyll|knappa|scri|complet|tast|masuk|ketik|isi|nhap|dien"
    r"|डाल|दर्ज|भर|टाइप|लिख|ادخل|اكتب|[请請]?输入|填|を?入力|を?記入|입력|적어"
)
_PLACE: Final = re.compile(
    r"\b(?:in|into|on|onto|at) (?:the|that|its|your|our|their|an?) (?:[a-z0-9'-]+ ){0,3}?(?:page|screen|form|fields?|box|site|website|checkout|app|prompt|keypad)\b"
    r"|\b(?:auf|in) (?:der|die|unserer?|ihrer?|einer) (?:[a-z-]+ ){0,2}?(?:[a-z-]*seite|website|[a-z-]*maske|[a-z-]*app)\b|\b(?:im|ins|in das|in dem|in ein) (?:[a-z-]+ ){0,2}?[a-z-]*(?:feld|formular|fenster|portal)\b"
    r"|\b(?:sur|dans) (?:la|le|l'|votre|notre|une?) ?(?:[a-z'-]+ ){0,2}?(?:page|ecran|site|champ|formulaire|case|fenetre|application|appli)\b"
    r"|\b(?:en|dentro de) (?:la|el|su|tu|nuestra|nuestro|una?) (?:[a-z-]+ ){0,2}?(?:pagina|pantalla|web|sitio|campo|formulario|casilla|aplicacion)\b"
    r"|\b(?:na|no|em sua|em nossa|em uma) (?:[a-z-]+ ){0,2}?(?:pagina|tela|ecra|site|campo|formulario|aplicativo)\b"
    r"|\b(?:sulla|nella|nel|sul|sullo|nell'|all'interno della) ?(?:[a-z-]+ ){0,2}?(?:pagina|schermata|schermo|sito|campo|modulo|casella|app)\b"
    r"|\b(?:op|in) (?:de|het|uw|je|onze|een) (?:[a-z-]+ ){0,2}?(?:[a-z-]*pagina|[a-z-]*scherm|website|site|[a-z-]*veld|[a-z-]*formulier)\b"
    r"|\b(?:na|w) (?:[a-z]+ ){0,2}?(?:stronie|ekranie|witrynie|polu|pole|formularzu|oknie)\b"
    r"|\b(?:[a-z]+ )?(?:sayfasi|ekrani|formu|alani|kutusu)n[ad]a?n?\b|\b(?:sayfada|sayfaya|formda|forma|ekrana|ekranda|alana)\b"
    r"|\b(?:на|в|у) (?:[а-яіїєґ]+ ){0,2}?(?:странице|страницу|сайте|экране|поле|форме|форму|окне|окно|сторинці|сторінці|екрані|полі|формі|вікні|сайті)\b"
    r"|\b(?:na|do|v) (?:[a-z]+ ){0,2}?(?:strance|stranku|obrazovce|pole|poli|formulare|formulari|webu)\b"
    r"|\b(?:pa|i) (?:[a-z]+ ){0,2}?(?:[a-z]*sidan|[a-z]*sida|skarmen|[a-z]*faltet|formularet|rutan|webbplatsen)\b"
    r"|\b(?:pe|in) (?:[a-z]+ ){0,2}?(?:pagina|site|ecranul|ecran|campul|formularul|caseta)\b"
    r"|\b(?:di|pada|ke) (?:halaman|layar|kolom|formulir|situs|kotak)\b"
    r"|\b(?:tren|vao|trong|tai) (?:trang|man hinh|o|bieu mau|mau)\b"
    r"|(?:पेज|पृष्ठ|स्क्रीन|फ़ॉर्म|फॉर्म|फ़ील्ड|फील्ड|साइट|बॉक्स) (?:पर|में)"
    r"|(?:في|علي|داخل) (?:ال)?(?:صفحه|حقل|نموذج|شاشه|موقع|خانه)"
    r"|[在于到](?:[^,。,]{0,12})(?:页面|页|网站|官网|表单|输入框|屏幕|字段)"
    r"|(?:ページ|画面|フォーム|サイト|欄|フィールド)(?:で|に|の|へ|上)"
    r"|(?:페이지|화면|양식|입력란|사이트|칸)(?:에|의|에서)"
)
_HERE: Final = re.compile(
    r"https?:|www\.|\bt\.me/|chat|чат|चैट|دردش|محادث|聊天|对话|チャット|채팅"
    r"|\b(?:here|below|hier|unten|ici|dessous|aqui|abajo|abaixo|qui|sotto|hieronder|tutaj|tu|ponizej|burada|buraya|asagi\w*|zde|nize|har|nedan|aici|mai jos|disini|di sini|di bawah|o day|ben duoi)\b"
    r"|\b(?:this|diese[rnms]?|cette|esta|este|questa|questo|deze|tej|tym|denna|aceasta|trang nay|bu|halaman ini) (?:page|screen|field|form|box|window|site|website|seite|feld|maske|page|pagina|campo|formulario|formulier|modulo|stronie|polu|sayfa\w*|sida)\b"
    r"|\b(?:page|screen|form|site|website|app) (?:that )?(?:i|we)\b"
    r"|здесь|сюда|ниже|тут|нижче|(?:этой|цій|этом) (?:страниц|сторінц|пол)|यहाँ|यहां|नीचे|इस पेज|هنا|ادناه|هذه الصفحه|这里|下方|下面|此页|本页|ここ|下の|このページ|여기|아래|이 페이지"
)


def types(verb: str) -> bool:
    """Whether a verb says to type something in rather than to hand it to somebody."""
    return _TYPES.match(verb) is not None


def names_a_place(sentence: str) -> bool:
    """Whether a sentence names a page, form or field that is not this chat."""
    return _PLACE.search(sentence) is not None and _HERE.search(sentence) is None
