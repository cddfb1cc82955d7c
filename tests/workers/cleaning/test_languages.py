"""The language filter, offline."""

import socket
from typing import Any

import pytest

from tests.workers.cleaning.making import chat, is_dropped, made
from workers.cleaning.languages import CODES, detector
from workers.failures import UserError

TEXTS = {
    "en": "Where is my order? It was sent last week and it has not come yet.",
    "zh": "我的订单在哪里？上周就发货了，但是还没有收到。",
    "de": "Wo ist meine Bestellung? Sie wurde letzte Woche verschickt und ist nicht angekommen.",
    "fr": "Où est ma commande ? Elle a été envoyée la semaine dernière et n'est pas arrivée.",
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("language", TEXTS)
def test_language__text__is_told(language: str) -> None:
    found = detector()(TEXTS[language])
    assert found.language == language and found.probability > 0.8


def test_language__rows_of_others__go() -> None:
    step = made("language", keep=["en", "zh"])
    kept = [name for name, text in TEXTS.items() if not is_dropped(step, chat(text, text))]
    assert kept == ["en", "zh"]
    assert not is_dropped(made("language", keep=["de"], texts="answers"), chat(TEXTS["en"], TEXTS["de"]))


def test_language__unsure_rows__stay_unless_they_are_to_go() -> None:
    row = chat("12345", "67890")
    assert made("language", keep=["en"])(row) is row
    assert is_dropped(made("language", keep=["en"], unsure="drop"), row)


def test_language__unknown_code__is_told() -> None:
    with pytest.raises(UserError, match="no language") as caught:
        made("language", keep=["english"])
    assert caught.value.field == "steps.0.keep" and len(CODES) == 176
