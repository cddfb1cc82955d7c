"""How a model is fine-tuned: every setting with its bounds and a line of help. No torch, so that web pages may import it.

A recipe is checked where it comes in and again where it is used. Each refusal names the field, what is wrong and what would be right.
"""

from workers.recipes.cautions import Caution
from workers.recipes.fields import RecipeError
from workers.recipes.presets import PRESETS, Preset
from workers.recipes.recipe import ADAPTERS, LORAS, METHODS, Recipe, bounds_of, choices_of, help_of, relevance_of

__all__ = [
    "ADAPTERS", "LORAS", "METHODS", "PRESETS", "Caution", "Preset", "Recipe", "RecipeError",
    "bounds_of", "choices_of", "help_of", "relevance_of",
]  # fmt: skip
