"""Where two answers part, and what a cut leaves of them."""

import json
from typing import Any

from tests.workers import tiny
from workers import preferences, tokens

ASKED = [{"role": "user", "content": "Hello?"}]


def answer(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def row(messages: list[dict[str, str]], rejected: list[dict[str, str]]) -> dict[str, Any]:
    return {"messages": messages, "content": json.dumps({"rejected": rejected})}


def pairs(rows: list[dict[str, Any]], max_length: int = 64) -> tuple[list[Any], Any]:
    tokenizer = tiny.make_tokenizer()
    return preferences.Pairs(tokens.masker_for(tokenizer, max_length)).encode(rows), tokenizer


def test_conversations__several_rejected_turns__stand_for_as_many_at_the_end() -> None:
    talk = [*ASKED, answer("a"), {"role": "user", "content": "b"}, answer("c")]
    chosen, rejected = preferences.conversations_of(row(talk, [answer("x"), talk[2], answer("y")]))
    assert chosen == talk
    assert rejected == [*ASKED, answer("x"), talk[2], answer("y")]


def test_pair__answers_that_begin_alike__begin_behind_the_prompt() -> None:
    (example,), tokenizer = pairs([row([*ASKED, answer("Yes, at ten.")], [answer("Yes, at noon.")])])
    assert tokenizer.decode(example.values["prompt_ids"]).endswith("<|im_start|>assistant\n")
    assert tokenizer.decode(example.values["chosen_ids"]) == "Yes, at ten.<|im_end|>\n"
    assert tokenizer.decode(example.values["rejected_ids"]) == "Yes, at noon.<|im_end|>\n"


def test_pair__cut_before_the_answers_differ__teaches_nothing() -> None:
    (example,), _tokenizer = pairs([row([*ASKED, answer("Yes")], [answer("No")])], max_length=8)
    assert example.taught == 0 and example.full_length > example.length
