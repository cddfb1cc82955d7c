"""Verbs of saved recipes: save, read from a file, write to one, delete."""

import json
from typing import Any
from uuid import UUID

import yaml
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.datasets import preparing
from apps.datasets.models import SavedRecipe

EDITION = 1  # of the layout of an exported recipe
MOST_BYTES = 512 * 1024
FORMATS = ("yaml", "json")


@transaction.atomic
def save_recipe(
    *,
    actor: Any,
    workspace: Workspace,
    name: Any,
    steps: Any,
    split: Any,
    description: str = "",
    line: UUID | None = None,
) -> SavedRecipe:
    """Save a recipe. One of the same name (or of `line`, which may be renamed so) gets a next edition; what it was stays. Raises
    Problem for a bad recipe or name, Conflict where a line would take another's name."""
    name, checked = _checked_name(name), preparing.read(steps, split)
    Workspace.objects.select_for_update().get(
        pk=workspace.pk
    )  # two that save one name at once come one after the other
    newest = SavedRecipe.objects.filter(workspace=workspace).newest()
    namesake, before = newest.filter(name__iexact=name).first(), newest.filter(line=line).first() if line else None
    if before and namesake and namesake.line != before.line:
        told = _("There is already a recipe “%(name)s”.") % {"name": namesake.name}
        raise Conflict(told, field="name", code="duplicate_name")
    before = before or namesake
    edition = {"line": before.line, "number": before.number + 1} if before else {}
    saved = SavedRecipe.objects.create(
        workspace=workspace,
        created_by=actor,
        name=name,
        description=str(description).strip()[:300],
        **checked.as_saved(),
        **edition,
    )
    ledger.write(row=saved, verb="recipe.saved", actor=actor, number=saved.number)
    return saved


def _checked_name(name: Any) -> str:
    text: str = name.strip() if isinstance(name, str) else ""
    if not text:
        raise Problem(_("Give the recipe a name."), field="name", code="required")
    if len(text) > 80 or not text.isprintable():
        raise Problem(_("A name has at most 80 printable characters."), field="name")
    return text


@transaction.atomic
def delete_recipe(*, actor: Any, saved: SavedRecipe) -> None:
    """Delete a recipe with all its editions. Versions that were made with it keep their steps."""
    ledger.write(row=saved, verb="recipe.deleted", actor=actor)
    SavedRecipe.objects.filter(workspace=saved.workspace, line=saved.line).delete()


def editions_of(saved: SavedRecipe) -> list[SavedRecipe]:
    """All editions of a recipe, newest first."""
    return list(SavedRecipe.objects.filter(line=saved.line).select_related("created_by").order_by("-number")[:200])


def written(saved: SavedRecipe, format: str) -> str:
    """A recipe as a file. Raises Problem for a format that is not written."""
    told = {"tuneloop_recipe": EDITION, **saved.as_dict()}
    if format == "json":
        return json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    if format != "yaml":
        raise Problem(_("A recipe is written as yaml or json."), field="format")
    return str(yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=100))


def file_name(saved: SavedRecipe, format: str) -> str:
    return f"{slugify(saved.name) or 'recipe'}-{saved.number}.{format}"


def read_file(content: bytes) -> dict[str, Any]:
    """Name, description, steps and split of an exported recipe (YAML or JSON). Raises Problem saying what is wrong with the file."""
    if len(content) > MOST_BYTES:
        raise Problem(_("A recipe has at most %(size)s kB.") % {"size": MOST_BYTES // 1024}, field="file")
    try:
        told = yaml.load(content.decode("utf-8-sig"), Loader=_Plain)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        where, what = getattr(error, "problem_mark", None), getattr(error, "problem", "")
        hint = _("Line %(line)s: %(what)s.") % {"line": where.line + 1, "what": what} if where else ""
        raise Problem(_("The file is neither YAML nor JSON."), field="file", hint=hint) from None
    if not isinstance(told, dict) or "steps" not in told:
        hint = _("It has the keys tuneloop_recipe, name, description, steps and split.")
        raise Problem(_("The file is no recipe: it has no steps."), field="file", hint=hint)
    if told.get("tuneloop_recipe", EDITION) != EDITION:
        raise Problem(_("The recipe was written by a later release of this console."), field="file")
    return {
        "name": told.get("name") or "",
        "description": str(told.get("description") or ""),
        "steps": told["steps"],
        "split": told.get("split"),
    }


class _Plain(yaml.SafeLoader):
    """YAML without references: a few lines of them can stand for more data than there is memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                None,
                None,
                "references (*name) are not read",
                self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        return super().compose_node(parent, index)
