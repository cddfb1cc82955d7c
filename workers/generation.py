"""One answer, token by token, with a stop at any point between two of them."""

from collections.abc import Sequence
from typing import Any

import torch


class Stream:
    """The answer of one model to one prompt. Call `step` until it returns None.

    Greedy at temperature 0, else drawn from softmax(logits / temperature) by a generator of its own, so that two streams side by
    side do not disturb each other.
    """

    def __init__(
        self, model: Any, prompt: Sequence[int], ends: Sequence[int], most: int, temperature: float = 0.0, seed: int = 0
    ) -> None:
        from transformers import DynamicCache

        self.tokens: list[int] = []
        self.finish: str | None = None  # "stop": the model ended its turn; "length": `most` tokens are reached
        self._model, self._ends, self._most, self._temperature = model, frozenset(ends), most, temperature
        self._next = torch.tensor([list(prompt)], device=model.device)
        self._cache = DynamicCache()
        self._generator = torch.Generator(device=model.device).manual_seed(seed)

    def step(self) -> int | None:
        """The next token, or None when the answer is over (see `finish`)."""
        if self.finish is None and len(self.tokens) >= self._most:
            self.finish = "length"
        if self.finish is not None:
            return None
        token = self._choose(self._logits())
        if token in self._ends:
            self.finish = "stop"
            return None
        self.tokens.append(token)
        self._next = torch.tensor([[token]], device=self._next.device)
        return token

    @torch.inference_mode()
    def _logits(self) -> torch.Tensor:
        output = self._model(input_ids=self._next, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        logits: torch.Tensor = output.logits[0, -1].float()
        return logits

    def _choose(self, logits: torch.Tensor) -> int:
        if self._temperature <= 0:
            return int(logits.argmax())
        chances = torch.softmax(logits / self._temperature, dim=-1)
        return int(torch.multinomial(chances, 1, generator=self._generator))


class Deltas:
    """Turns tokens into text as it becomes certain: the bytes of one character may come in several tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer, self._told = tokenizer, ""

    def new_text(self, tokens: Sequence[int], *, is_last: bool = False) -> str:
        """What the tokens so far add to what was told before."""
        text = str(self._tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False))
        if not is_last and text.endswith("\ufffd"):
            return ""
        added, self._told = text[len(self._told) :], text
        return added
