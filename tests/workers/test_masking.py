"""The loss mask: exactly the assistant's tokens and the token that ends its turn."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.workers.tiny import make_tokenizer
from workers.masking import CHATML, IGNORED, Encoded, MaskedRow, Masker, Message, answer_spans
from workers.tokens import chatml_for, end_ids, masker_for, prompt_ids

TALK: list[Message] = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Who mends the boat?"},
    {"role": "assistant", "content": "Mara\n\nmends it. "},
    {"role": "user", "content": "And the ⛵ sail?"},
    {"role": "assistant", "content": "ü ⛵ Jo.\n"},
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tokenizer()


def chatml(messages: Sequence[Message], opening: bool) -> str:
    text = "".join(f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n" for message in messages)
    return text + ("<|im_start|>assistant\n" if opening else "")


def bytes_as_tokens(texts: list[str]) -> list[Encoded]:
    return [
        Encoded([ord(letter) for letter in text], [(place, place + 1) for place in range(len(text))]) for text in texts
    ]


def taught_text(row: MaskedRow) -> str:
    return "".join(chr(label) for label in row.labels if label != IGNORED)


def masker(max_length: int = 10_000) -> Masker:
    return Masker(chatml, bytes_as_tokens, ("<|im_end|>",), max_length)


def test_mask__two_answers__are_taught_with_their_end_token_and_nothing_else() -> None:
    (row,) = masker().mask([TALK])
    assert taught_text(row) == "Mara\n\nmends it. <|im_end|>ü ⛵ Jo.\n<|im_end|>"
    assert not row.is_truncated


def test_mask__real_tokenizer__decodes_to_exactly_the_answers(tokenizer: Any) -> None:
    (row,) = masker_for(tokenizer, 512).mask([TALK])
    taught = [label for label in row.labels if label != IGNORED]
    assert tokenizer.decode(taught) == "Mara\n\nmends it. <|im_end|>ü ⛵ Jo.\n<|im_end|>"
    assert row.taught == len(taught)


def test_mask__answer__begins_right_behind_what_generation_is_given(tokenizer: Any) -> None:
    (row,) = masker_for(tokenizer, 512).mask([TALK[:3]])
    prompt = prompt_ids(tokenizer, TALK[:2])
    assert row.input_ids[: len(prompt)] == prompt
    assert set(row.labels[: len(prompt)]) == {IGNORED}
    assert row.labels[len(prompt)] == row.input_ids[len(prompt)]


def test_mask__row_over_the_limit__is_cut_and_counted() -> None:
    (whole,) = masker().mask([TALK])
    (row,) = masker(max_length=100).mask([TALK])
    assert (len(row.input_ids), row.full_length, row.is_truncated) == (100, len(whole.input_ids), True)
    assert row.labels == whole.labels[:100]


def test_mask__answer_cut_away__teaches_nothing() -> None:
    (row,) = masker(max_length=30).mask([TALK])
    assert row.taught == 0


def test_mask__no_assistant__teaches_nothing() -> None:
    (row,) = masker().mask([TALK[:2]])
    assert row.taught == 0


def test_mask__template_without_end_token__gets_one() -> None:
    def plain(messages: Sequence[Message], opening: bool) -> str:
        return "".join(f"{message['role']}: {message['content']}\n" for message in messages) + (
            "assistant: " if opening else ""
        )

    text, spans = answer_spans(plain, TALK[1:3], ("</s>", "<|im_end|>"))
    assert text.endswith("mends it. \n</s>")
    assert text[slice(*spans[0])] == "Mara\n\nmends it. \n</s>"


def test_mask__template_that_rewrites_earlier_answers__still_finds_them() -> None:
    def forgetful(messages: Sequence[Message], opening: bool) -> str:
        """Like Qwen3: only the last answer keeps an (empty) thought."""
        parts = []
        for place, message in enumerate(messages):
            thought = "<think>\n\n</think>\n\n" if message["role"] == "assistant" and place == len(messages) - 1 else ""
            parts.append(f"<|im_start|>{message['role']}\n{thought}{message['content'].strip()}<|im_end|>\n")
        return "".join(parts) + ("<|im_start|>assistant\n" if opening else "")

    text, spans = answer_spans(forgetful, TALK, ("<|im_end|>",))
    assert text[slice(*spans[0])] == "Mara\n\nmends it.<|im_end|>"
    assert text[slice(*spans[1])] == "<think>\n\n</think>\n\nü ⛵ Jo.<|im_end|>"


def test_mask__template_that_adds_a_system_prompt__does_not_teach_it() -> None:
    def with_default(messages: Sequence[Message], opening: bool) -> str:
        has_system = bool(messages) and messages[0]["role"] == "system"
        return chatml(
            messages if has_system or not messages else [{"role": "system", "content": "Default."}, *messages], opening
        )

    text, spans = answer_spans(with_default, [{"role": "assistant", "content": "Hello."}, *TALK[1:3]], ("<|im_end|>",))
    assert [text[slice(*span)] for span in spans] == ["Hello.<|im_end|>", "Mara\n\nmends it. <|im_end|>"]


def test_chatml_fallback__vocabulary_without_im_end__uses_its_own_end_token() -> None:
    plain = make_tokenizer(chat_template=False)
    assert "</s>" in chatml_for(plain) and "<|im_end|>" not in chatml_for(plain)
    assert chatml_for(make_tokenizer()) == CHATML


def test_end_ids__of_a_chat_vocabulary__hold_the_turn_end(tokenizer: Any) -> None:
    assert end_ids(tokenizer) == [tokenizer.convert_tokens_to_ids("<|im_end|>")]
