"""The verb: make a dataset version of the answers."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Problem
from apps.datasets import services as datasets
from apps.datasets.amending import amend_version
from apps.datasets.making import freeze_made, write_made
from apps.datasets.models import Dataset, DatasetVersion
from apps.labeling.harvest.gathering import Harvest, harvest_by
from apps.labeling.harvest.shapes import shape_of
from apps.labeling.models import LabelProject
from apps.labeling.models.harvests import Rule
from apps.labeling.services import require_settled
from workers.formats.amending import is_worth_it
from workers.formats.chat import TrainingRow
from workers.formats.forms import key_of
from workers.formats.stored import read_rows

STEP = "label"


def freeze_labels(
    *,
    actor: Any,
    project: LabelProject,
    dataset: Dataset | None = None,
    name: str = "",
    partial: bool = False,
    rule: str = Rule.MAJORITY,
    form: str = "",
    question: str = "",
    also: Callable[[DatasetVersion], None] = lambda _version: None,
) -> DatasetVersion:
    """A new dataset version of the answers that count by `rule`, in the form of the source or of a question (shapes.shape_of).

    It goes to `dataset`, else to a new one called `name`, else to the dataset the project came from. `also` is done in the same
    transaction. Raises Conflict while people label, Problem when no row is left.
    """
    if rule not in Rule.values:
        raise Problem(_("A rule is one of %(rules)s.") % {"rules": ", ".join(Rule.values)}, field="rule")
    require_settled(project, partial=partial, what="partial=1")
    if dataset and dataset.workspace_id != project.workspace_id:
        raise Problem(_("The dataset is of another workspace."), field="dataset")
    harvest = harvest_by(project, Rule(rule), shape_of(project, form, question))
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        changes = _Changes(project.dataset_version)
        try:
            result = write_made(changes.watched(harvest.rows()), Path(folder))
        except Problem as problem:
            if problem.code != "no_rows":
                raise
            raise Problem(_("No row is left to freeze: %(why)s.") % {"why": harvest.said()}, code="no_rows") from None
        with transaction.atomic():
            target = _target(actor, project, dataset, name, harvest)
            version = _frozen(actor, target, harvest, result, changes, Path(folder))
            ledger.write(
                row=project, verb="labelproject.frozen", actor=actor, note=str(version), rows=version.row_count
            )
            also(version)
            live.ring(project)
    return version


def _target(actor: Any, project: LabelProject, dataset: Dataset | None, name: str, harvest: Harvest) -> Dataset:
    """Where the version goes. Rows of another form than a dataset's newest would be no next version of it."""
    source = project.dataset_version
    if dataset is None and (name.strip() or source is None):
        return datasets.create_dataset(actor=actor, workspace=project.workspace, name=name.strip() or project.name)
    if dataset is None:
        assert source is not None
        if not harvest.shape.is_same:
            taken = _("%(dataset)s, labelled") % {"dataset": source.dataset}
            return datasets.create_dataset(actor=actor, workspace=project.workspace, name=taken[:80])
        dataset = source.dataset
    return dataset


def _frozen(
    actor: Any, target: Dataset, harvest: Harvest, result: dict[str, Any], changes: "_Changes", folder: Path
) -> DatasetVersion:
    """Few changes to the very rows of the source keep its files and add a patch; else the rows are written anew."""
    project, source = harvest.project, harvest.project.dataset_version
    note, provenance = f"{project.name}: {harvest.said()}"[:200], ("labelproject", project.pk)
    found = changes.found() if source and source.dataset_id == target.pk and harvest.shape.is_same else None
    if source and found is not None:
        return amend_version(actor=actor, parent=source, changes=found, step=STEP, note=note, provenance=provenance)
    return freeze_made(
        actor=actor,
        dataset=target,
        result=result,
        folder=folder,
        form=harvest.shape.form,
        step=STEP,
        note=note,
        provenance=provenance,
        parent=source,
    )


class _Changes:
    """What becomes of the source's rows, as long as it is little: {place: the row that replaces it, or None where it goes}."""

    def __init__(self, source: DatasetVersion | None) -> None:
        self._count = source.row_count if source else 0
        self._before = enumerate(read_rows(source.shard_paths())) if source else iter(())
        self._changes: dict[int, TrainingRow | None] | None = {} if source else None

    def watched(self, rows: Iterator[tuple[int | None, TrainingRow]]) -> Iterator[TrainingRow]:
        for place, row in rows:
            if self._changes is not None:
                self._note(place, row)
            yield row

    def _note(self, place: int | None, row: TrainingRow) -> None:
        before = self._up_to(place) if place is not None else None
        if before is None:  # a task that was added, or another order than the source's
            self._changes = None
        elif before._replace(key=key_of(before)) != row and place is not None:
            self._put(place, row)

    def _up_to(self, place: int) -> TrainingRow | None:
        """The source's row at a place that is still to come; those before it go."""
        for at, row in self._before:
            if at >= place or self._changes is None:
                return row if at == place else None
            self._put(at, None)
        return None

    def _put(self, place: int, row: TrainingRow | None) -> None:
        if self._changes is not None:
            self._changes[place] = row
            if not is_worth_it(len(self._changes), self._count):
                self._changes = None

    def found(self) -> dict[int, TrainingRow | None] | None:
        """None when they are too many or none, or when the rows are not those of the source in their order."""
        for at, _row in self._before:
            if self._changes is None:
                return None
            self._put(at, None)
        return self._changes or None
