"""The kinds of job that this stage owns: to measure a checkpoint, and to make the answers of a round."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.core.transitions import move
from apps.evaluation import freezing, sampling, services
from apps.evaluation.models import Item, MetricReport, Round, RoundStatus
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from apps.training import loading
from apps.training.models import Checkpoint


def _report_of(job: Job) -> MetricReport:
    rows = MetricReport.objects.select_related("checkpoint__run__base_model", "checkpoint__run__job", "dataset_version")
    report: MetricReport = rows.get(job=job)
    return report


def _round_of(job: Job) -> Round:
    """Raises Problem when the round was cancelled, or has a newer job."""
    rows = Round.objects.select_related("workspace", "dataset_version")
    found: Round | None = rows.filter(pk=job.inputs["round"], job=job, status=RoundStatus.PREPARING).first()
    if found is None:
        raise Problem(_("The round does not wait for these answers any more."))
    return found


def _model(checkpoint: Checkpoint) -> dict[str, Any]:
    """Folders of a checkpoint and its base. Raises Problem when the files are gone."""
    if not checkpoint.folder.is_dir():
        message = _("The files of a checkpoint are gone: newer ones took their place.")
        raise Problem(message, hint=_("Choose the best or the final checkpoint of its run."))
    return loading.of_checkpoint(checkpoint)


def _write_rows(job: Job, rows: Iterable[Mapping[str, Any]]) -> str:
    """The chosen rows as the program reads them; the same in every attempt."""
    path = job.folder / "work" / "rows.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def _read_result(job: Job, result: Event) -> Path:
    """The file that the program wrote, if it is the one it told of. Raises Problem."""
    path = job.folder / "artifacts" / Path(str(result.get("file"))).name
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != result.get("sha256"):
        raise Problem(_("The answers that the program wrote are missing or damaged."))
    return path


def _prepare_metrics(job: Job) -> dict[str, Any]:
    report = _report_of(job)
    chosen = sampling.choose(
        report.dataset_version,
        split=report.split,
        most=job.settings["max_rows"],
        seed=report.seed,
        run=report.checkpoint.run,
    )
    return {**_model(report.checkpoint), "rows": _write_rows(job, chosen.rows)}


def _verify_metrics(job: Job, result: Event) -> None:
    """Bring the answers into the storage. Safe to repeat."""
    key = _answers_key(_report_of(job))
    with tempfile.TemporaryDirectory(dir=Path(settings.TUNELOOP_DATA) / "tmp") as scratch:
        draft = Path(scratch) / "rows.jsonl"
        shutil.copyfile(_read_result(job, result), draft)
        storage().keep(draft, key)


def _on_metrics_success(job: Job, result: Event) -> None:
    report = _report_of(job)
    report.metrics, report.answers_key = dict(result["metrics"]), _answers_key(report)
    report.save(update_fields=["metrics", "answers_key"])


def _answers_key(report: MetricReport) -> str:
    return f"evaluation/reports/{report.pk}/rows.jsonl"


def _report_url(job: Job) -> str:
    found = MetricReport.objects.filter(job=job).first()
    return found.get_absolute_url() if found else ""


def _prepare_answers(job: Job) -> dict[str, Any]:
    round = _round_of(job)
    entrants = round.entrants.select_related("checkpoint__run__base_model", "checkpoint__run__job")
    sides = [{"place": entrant.place, **_model(entrant.checkpoint)} for entrant in entrants]
    rows = _write_rows(job, _sample(round))
    return {"rows": rows, "sides": sides}


def _sample(round: Round) -> list[dict[str, Any]]:
    run = services.entrants_of(round)[0].run
    return sampling.choose(
        round.dataset_version, split=round.split, most=round.sample_size, seed=round.seed, run=run
    ).rows


def _verify_answers(job: Job, result: Event) -> None:
    _read_result(job, result)


def _on_answers(job: Job, result: Event) -> None:
    """The answers become items, everything is hashed, and the raters may begin."""
    round = _round_of(job)
    rows = [json.loads(line) for line in (job.folder / "work" / "rows.jsonl").read_text("utf-8").splitlines()]
    entrants = {entrant.place: entrant for entrant in round.entrants.all()}
    round.items.all().delete()
    Item.objects.bulk_create(
        Item(
            round=round, entrant=entrants[line["place"]], number=line["index"], row_id=rows[line["index"]]["row_id"],
            messages=rows[line["index"]]["messages"], reference=rows[line["index"]]["reference"], answer=line["answer"],
        )
        for line in map(json.loads, _read_result(job, result).read_text("utf-8").splitlines())
    )  # fmt: skip
    hashed = freezing.fingerprint(round)
    move(round, RoundStatus.RATING, actor="evaluation", frozen_hash=hashed, opened_at=Now())


def _round_url(job: Job) -> str:
    found = Round.objects.filter(pk=job.inputs.get("round")).first()
    return found.get_absolute_url() if found else ""


EVALUATE = Kind(
    name=services.METRICS,
    label=gettext_lazy("Measure a checkpoint"),
    program="evaluate",
    queue="gpu",
    prepare=_prepare_metrics,
    verify=_verify_metrics,
    on_success=_on_metrics_success,
    url=_report_url,
)
ANSWERS = Kind(
    name=services.ANSWERS,
    label=gettext_lazy("Answers for a round"),
    program="answers",
    queue="gpu",
    prepare=_prepare_answers,
    verify=_verify_answers,
    on_success=_on_answers,
    url=_round_url,
)
