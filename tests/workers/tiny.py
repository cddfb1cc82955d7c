"""A tiny random Llama with a small tokenizer of its own: an ordinary model folder, made in a second, nothing downloaded."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workers.masking import CHATML

SUBJECTS = ("boat", "lamp", "stove", "jacket", "rope", "tent", "compass", "anchor")
VERBS = ("mends", "sells", "carries", "cleans", "paints", "ships")


def conversation(number: int) -> list[dict[str, str]]:
    """One question and its answer; different for each number below 480."""
    subject, verb = SUBJECTS[number % 8], VERBS[number // 8 % 6]
    question = f"Who {verb} the {subject} number {number}?"
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": f"Mara {verb} the {subject}, order {number * 7}."},
    ]


def make_model(folder: Path, *, chat_template: bool = True, layers: int = 2, hidden: int = 32) -> Path:
    """Write config, random weights and tokenizer to `folder`. About 60,000 parameters by default."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer(chat_template=chat_template)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, bos_token_id=0, eos_token_id=1, pad_token_id=2, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer(*, chat_template: bool = True) -> Any:
    """A byte-level BPE trained on the conversations of this module, with ChatML's special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)  # as many tokenizers do
    special = ["<|im_start|>", "<|im_end|>", "<|pad|>"] if chat_template else ["<s>", "</s>", "<pad>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        [message["content"] for number in range(100) for message in conversation(number)], trainer
    )
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token=special[0], eos_token=special[1], pad_token=special[2]
    )
    if chat_template:
        fast.chat_template = CHATML
    return fast


def write_shard(path: Path, conversations: Sequence[Sequence[dict[str, str]]]) -> Path:
    """A canonical Parquet shard of these conversations."""
    import hashlib

    ids = [hashlib.sha256(json.dumps(row).encode()).hexdigest() for row in conversations]
    lines, extra = list(range(1, len(ids) + 1)), pa.array([None] * len(ids), pa.string())
    pq.write_table(pa.table({"row_id": ids, "messages": conversations, "source_line": lines, "extra": extra}), path)
    return path
