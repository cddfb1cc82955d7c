"""What the spelling step puts right, and what it leaves."""

import pytest

from tests.workers.cleaning.making import chat, made, texts_after
from workers.cleaning.spelling import speller


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("please recieve the pakage", "please receive the package"),
        ("my adress is seperate.", "my address is separate."),
        ("taht is wierd", "that is weird"),
    ],
)
def test_spelling__slips_of_common_words__are_put_right(wrong: str, right: str) -> None:
    assert speller()(wrong) == right


@pytest.mark.parametrize(
    "text",
    [
        "Recieve by Jonson, IBM and Wierd",
        "`recieve` and ```\nadress\n```",
        "https://recieve.com/adress adress@recieve.org recieve.py foo_adress adress2 #adress",
        "das Straßenfest und schön, qué será, 你好 recieve他",
        "teh adn",
        "async tokenizer kubernetes webhooks json",
        "colour organise grey theatre",
        "refunding reordered laces",
    ],
    ids=["capitals", "code", "addresses", "accents", "short", "computing", "british", "endings"],
)
def test_spelling__what_might_be_right__stays(text: str) -> None:
    assert speller()(text) == text


def test_spelling__own_words__are_right() -> None:
    assert texts_after(made("spelling", own_words=["Pakage"]), chat("a pakage to recieve"))[0] == "a pakage to receive"
