"""A row of a version as a base model reads it, rendered by a small process with limits."""

from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.base_models import folder_of
from apps.datasets.models import DatasetVersion
from apps.datasets.rehearsing import ask
from apps.datasets.rows import StoredRow, read_page
from workers.chat_template import TIMEOUT


def row_at(version: DatasetVersion, said: str) -> StoredRow:
    """The row at a place, from 0. Raises Problem when there is none."""
    if said.isascii() and said.isdigit() and len(said) < 12 and int(said) < version.row_count:
        page = read_page(version.shard_paths(), start=int(said), limit=1, total=version.row_count)
        if page.rows:
            return page.rows[0]
    raise Problem(_("There is no such row."), field="row")


def rendered(version: DatasetVersion, row: StoredRow, slug: str) -> str:
    """The row in the words of a base model's chat template. Raises Problem."""
    if not row.messages:
        raise Problem(
            _("This row is no conversation."), field="row", hint=_("Write it as instruction first, by a recipe.")
        )
    request: dict[str, Any] = {
        "folder": str(folder_of(version.workspace, slug, field="model")),
        "messages": row.messages,
    }
    answer = ask("workers.chat_template", request, timeout=TIMEOUT, field="model")
    if refused := answer.get("refused"):
        raise Problem(refused["message"], field="model", hint=refused["hint"])
    return str(answer["text"])
