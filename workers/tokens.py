"""The tokenizer of a model, ready to render conversations, mask them and know where an answer ends. No torch."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workers.failures import UserError
from workers.masking import CHATML, Encoded, Masker, Message

TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|endofturn|>", "<|return|>")


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in `folder`, with a chat template (ChatML when it has none) and a pad token. Raises UserError."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not getattr(tokenizer, "is_fast", False):
        raise UserError("The model's tokenizer has no fast form.", "Use a model with a tokenizer.json.", "model")
    if tokenizer.eos_token is None:
        raise UserError("The model's tokenizer has no end token.", "Set eos_token in tokenizer_config.json.", "model")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if not tokenizer.chat_template:
        tokenizer.chat_template = chatml_for(tokenizer)
    return tokenizer


def chatml_for(tokenizer: Any) -> str:
    """ChatML; a vocabulary without <|im_end|> ends its turns with its own end token, which it knows how to produce."""
    has_im_end = tokenizer.convert_tokens_to_ids("<|im_end|>") not in (None, tokenizer.unk_token_id)
    return CHATML if has_im_end else CHATML.replace("<|im_end|>", str(tokenizer.eos_token))


def render(tokenizer: Any, messages: Sequence[Message], opening: bool) -> str:
    """The conversation as text, with the opening of the assistant's next turn when asked."""
    return str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=opening))


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The tokens after which the assistant answers."""
    return list(tokenizer(render(tokenizer, messages, True), add_special_tokens=False)["input_ids"])


def end_ids(tokenizer: Any) -> list[int]:
    """The tokens at which an answer is over: the end token and whatever else ends a turn in this vocabulary."""
    known = {tokenizer.convert_tokens_to_ids(text) for text in TURN_ENDS} - {None, tokenizer.unk_token_id}
    return sorted(known | {tokenizer.eos_token_id})


def masker_for(tokenizer: Any, max_length: int) -> Masker:
    """A Masker over this tokenizer."""
    special = [str(tokenizer.eos_token), *TURN_ENDS, *map(str, tokenizer.all_special_tokens)]

    def encode(texts: list[str]) -> list[Encoded]:
        with _whole_offsets(tokenizer):
            batch = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [Encoded(*pair) for pair in zip(batch["input_ids"], batch["offset_mapping"], strict=True)]

    return Masker(
        render=lambda messages, opening: render(tokenizer, messages, opening),
        encode=encode,
        end_tokens=tuple(dict.fromkeys(special)),
        max_length=max_length,
    )


@contextlib.contextmanager
def _whole_offsets(tokenizer: Any) -> Iterator[None]:
    """Offsets that keep white space: some tokenizers trim it, and a newline inside an answer would seem to be nowhere."""
    from tokenizers import processors

    backend = tokenizer.backend_tokenizer
    usual = backend.post_processor
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    try:
        yield
    finally:
        backend.post_processor = usual
