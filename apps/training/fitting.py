"""Whether a method can work with this model on these machines; told before the launch, with the field and the way out."""

import importlib.util
from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.training import hardware
from apps.training.models import BaseModel
from workers.objectives import OBJECTIVES
from workers.recipes import Recipe


def method_problems(recipe: Recipe, model: BaseModel) -> Iterator[Problem]:
    """All of them."""
    yield from _bitsandbytes_problems(recipe)
    blocks = int(model.facts.get("layers") or 0)
    if recipe.method == "frozen" and blocks and recipe.trained_layers > blocks:
        yield Problem(
            _("The model has %(blocks)s blocks.") % {"blocks": blocks},
            field="recipe.trained_layers",
            hint=_("Use %(blocks)s or fewer.") % {"blocks": blocks},
        )
    longest = int(model.facts.get("context_length") or 0)
    if recipe.method == "prompt" and longest and recipe.prompt_tokens + recipe.max_length > longest:
        yield Problem(
            _("Learned tokens and row together are longer than the %(longest)s tokens that the model reads.")
            % {"longest": longest},
            field="recipe.prompt_tokens",
            hint=_("Lower the longest row by as many tokens."),
        )
    if recipe.method == "prompt" and recipe.batching == "packed":
        yield Problem(
            _("Packed rows have no place for the learned tokens in front of each."),
            field="recipe.batching",
            hint=_("Use batches by length."),
        )


def objective_problems(recipe: Recipe) -> Iterator[Problem]:
    """Settings with which the objective cannot be learned."""
    objective = OBJECTIVES[recipe.objective]
    if objective.methods and recipe.method not in objective.methods:
        yield Problem(
            _("%(objective)s cannot be learned by this method.") % {"objective": _(objective.label)},
            field="recipe.method",
            hint=_("Choose one of: %(methods)s.") % {"methods": ", ".join(objective.methods)},
        )
    if recipe.batching == "packed" and not objective.can_pack:
        yield Problem(
            _("Rows of this objective cannot share a sequence."),
            field="recipe.batching",
            hint=_("Use batches by length."),
        )
    if recipe.batch_size < objective.fewest_rows:
        yield Problem(
            _("Rows of a batch are compared with each other, so there must be at least %(rows)s.")
            % {"rows": objective.fewest_rows},
            field="recipe.batch_size",
            hint=_("Use %(rows)s or more.") % {"rows": objective.fewest_rows},
        )


def _bitsandbytes_problems(recipe: Recipe) -> Iterator[Problem]:
    needs = [("method", recipe.is_quantized, _("Use LoRA."))]
    needs += [("optimizer", "8bit" in recipe.optimizer or "paged" in recipe.optimizer, _("Use AdamW or Adafactor."))]
    if importlib.util.find_spec("bitsandbytes") is None:
        for name, is_needed, hint in needs:
            if is_needed:
                yield Problem(
                    _("This needs bitsandbytes, which is not installed here."), field=f"recipe.{name}", hint=hint
                )
    elif "paged" in recipe.optimizer and hardware.trains_without_gpu():
        yield Problem(
            _("A paged optimizer moves its memory off a GPU, and the training slots have none."),
            field="recipe.optimizer",
            hint=_("Use AdamW, or AdamW in 8 bits."),
        )
