"""Places where a value is typed that are not the chat."""

from __future__ import annotations

import pytest

from chatward.guards.text.social_cues import fold
from chatward.guards.text.social_places import names_a_place, types


@pytest.mark.parametrize(
    "text",
    [
        "on the confirmation page",
        "in the second field of the form",
        "auf der Anmeldeseite",
        "im Formular",
        "sur la page de paiement",
        "en el campo",
        "na página de confirmação",
        "nella schermata",
        "in het invoerveld",
        "na stronie",
        "ekranda",
        "на странице",
        "у полі",
        "na stránce",
        "på sidan",
        "pe pagina",
        "di halaman",
        "trên trang",
        "पेज पर",
        "في صفحة",
        "在网站",
        "画面で",
        "페이지에",
    ],
)
def test_a_place_is_one_unless_it_is_here(text: str) -> None:
    assert names_a_place(fold(text))
    assert not names_a_place(fold(f"{text} (chat)"))
    assert not names_a_place(fold(f"{text} https://example.com"))


@pytest.mark.parametrize(
    "text", ["the page is slow", "in the chat window", "on this page", "hier im Feld", "このページで"]
)
def test_what_is_no_place(text: str) -> None:
    assert not names_a_place(fold(text))


def test_typing_is_no_handing_over() -> None:
    assert all(types(verb) for verb in ("enter", "type in", "eingeben", "saisissez", "введите", "を入力", "输入"))
    assert not any(types(verb) for verb in ("send", "share", "reply with", "confirm", "schicken sie", "mande"))
