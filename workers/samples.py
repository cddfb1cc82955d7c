"""The same few questions at every evaluation, answered by the model as it is and as it was before training."""

import contextlib
from collections.abc import Sequence
from typing import Any

import torch

from workers.context import Context, Wish
from workers.masking import Message
from workers.objectives import OBJECTIVES
from workers.recipes import Recipe
from workers.tokens import end_ids, prompt_ids


class Samples:
    """Questions, the base model's answers to them (asked once), and the event for each new answer."""

    def __init__(
        self, context: Context, tokenizer: Any, questions: Sequence[Sequence[Message]], recipe: Recipe
    ) -> None:
        asked = recipe.sample_prompts if OBJECTIVES[recipe.objective].writes_text else ()
        own = [[{"role": "user", "content": prompt}] for prompt in asked]
        self.questions: list[Sequence[Message]] = [*own, *questions]
        self.base_answers: list[str] | None = None
        self._context, self._tokenizer, self._most = context, tokenizer, recipe.sample_max_tokens

    def ask_base(self, model: Any) -> None:
        """Ask the model while it is still the base, unless the answers are known (from a checkpoint)."""
        if self.questions and self.base_answers is None:
            self._context.reporter.progress(0, len(self.questions), "answers", "Asking the base model")
            self.base_answers = self._answers(model)

    def report(self, model: Any, step: int) -> None:
        """Answer all questions and tell. With an adapter the base is the same model with the adapter switched off."""
        if not self.questions:
            return
        answers = self._answers(model)
        if self.base_answers is None and hasattr(model, "disable_adapter"):
            with model.disable_adapter():
                self.base_answers = self._answers(model)
        for index, (question, answer) in enumerate(zip(self.questions, answers, strict=True)):
            base = self.base_answers[index] if self.base_answers else None
            prompt = question[-1]["content"]
            self._context.reporter.emit(
                "sample", step=step, index=index, prompt=prompt, answer=answer, base_answer=base
            )

    def _answers(self, model: Any) -> list[str]:
        prompts = [prompt_ids(self._tokenizer, question) for question in self.questions]
        was_training = model.training
        model.eval()
        try:
            return greedy_answers(model, self._tokenizer, prompts, self._most, self._leave_now)
        finally:
            model.train(was_training)

    def _leave_now(self) -> bool:
        self._context.reporter.still_at_work()
        return self._context.should_stop() >= Wish.LEAVE


def greedy_answers(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], most: int, leave_now: Any
) -> list[str]:
    """The most likely answer to each prompt, all in one batch (padded on the left), at most `most` tokens each."""
    from transformers import GenerationConfig

    width, pad = max(map(len, prompts)), tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=most, do_sample=False, eos_token_id=end_ids(tokenizer), pad_token_id=pad, use_cache=True
    )
    with torch.no_grad(), autocast(model):
        output = model.generate(
            input_ids=ids, attention_mask=mask, generation_config=config,
            stopping_criteria=[lambda tokens, _scores: torch.full((len(tokens),), leave_now(), device=tokens.device)],
        )  # fmt: skip
    return [str(text).strip() for text in tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)]


def autocast(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Half-precision weights beside fp32 adapters need autocast outside of training too."""
    kinds = {parameter.dtype for parameter in model.parameters()}
    half = next((kind for kind in (torch.bfloat16, torch.float16) if kind in kinds), None)
    return torch.autocast(model.device.type, dtype=half) if half and len(kinds) > 1 else contextlib.nullcontext()
