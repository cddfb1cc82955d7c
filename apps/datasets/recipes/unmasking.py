"""The way back from reversible masks, for owners: each use is a line in the ledger."""

from collections.abc import Mapping
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.datasets.downloads import changed_as_jsonl
from apps.datasets.models import DatasetVersion
from apps.datasets.recipes.keys import key_of
from workers.cleaning.sealing import unmask
from workers.failures import UserError

MOST_TEXTS = 1_000
MOST_CHARACTERS = 2_000_000


def unmask_texts(*, actor: Any, version: DatasetVersion, texts: Any, reason: str) -> list[str]:
    """The texts with what was masked in its place. Raises Problem for what cannot be opened. One line in the ledger, without the
    texts."""
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Problem(_("Send a list of texts."), field="texts")
    if len(texts) > MOST_TEXTS or sum(map(len, texts)) > MOST_CHARACTERS:
        told = _("At most %(count)s texts at once.") % {"count": MOST_TEXTS}
        raise Problem(told, field="texts", hint=_("Download the version for more."))
    key = _key(version.workspace)
    try:
        found = [unmask(text, key) for text in texts]
    except UserError as error:
        raise Problem(error.message, hint=error.hint, field="texts") from None
    _note(actor, version, reason, texts=len(texts))
    return found


def unmasked_rows(*, actor: Any, version: DatasetVersion, reason: str) -> StreamingHttpResponse:
    """All rows as a file, unmasked; what another workspace masked stays. The line in the ledger is written before the first is read."""
    key = _key(version.workspace)
    _note(actor, version, reason, rows=version.row_count)
    return changed_as_jsonl(version, lambda row: _opened(row, key))


def _opened(value: Any, key: bytes) -> Any:
    if isinstance(value, str):
        return unmask(value, key, leaves_others=True)
    if isinstance(value, Mapping):
        return {name: _opened(inner, key) for name, inner in value.items()}
    return [_opened(inner, key) for inner in value] if isinstance(value, list) else value


def _key(workspace: Workspace) -> bytes:
    key = key_of(workspace)
    if key is None:
        raise Conflict(_("Nothing was masked reversibly in this workspace."), code="no_key")
    return key


def _note(actor: Any, version: DatasetVersion, reason: str, **data: Any) -> None:
    reason = reason.strip() if isinstance(reason, str) else ""
    if not reason:
        raise Problem(_("Say why: the reason is kept in the ledger."), field="reason", code="required")
    ledger.write(row=version, verb="dataset.unmasked", actor=actor, note=reason[:300], **data)
