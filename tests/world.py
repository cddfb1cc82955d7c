"""One object of every kind in the cast's workspace, by name: for tests that go through every door."""

from typing import Any

from apps.accounts.models import ApiKey, Membership
from apps.datasets.drafts import services as drafts
from apps.datasets.receiving.services import begin as receive
from apps.datasets.recipes import saving
from apps.datasets.versions import tagging
from apps.evaluation import rubric
from apps.evaluation.models import MetricReport, Round
from apps.feedback import services as feedback
from apps.labeling import queue
from apps.labeling.models import Annotation, Connection, LabelImport, Suggester, SyncConflict
from apps.labeling.reviewing import comments
from apps.registry import services as registry
from apps.rollout import services as rollout
from apps.training.models import Checkpoint, Run, RunView, Sweep, Turn
from tests.cast import Cast
from tests.feedback.conftest import ROWS, make_deployment, make_exchange
from tests.make import as_jsonl, make_api_key, make_job
from tests.overview.test_whole_ring import make_round

World = dict[str, Any]


def _make_report(cast: Cast, checkpoint: Checkpoint) -> MetricReport:
    job = make_job(cast.workspace, actor=cast.engineer, kind="datasets.import")
    rows = checkpoint.run.dataset_version
    return MetricReport.objects.create(
        workspace=cast.workspace, checkpoint=checkpoint, dataset_version=rows, split="sample", job=job
    )


def _make_suggester(cast: Cast, project: Any) -> Suggester:
    spec = {"question": "x", "lines": {}}
    made: Suggester = Suggester.objects.create(
        workspace=cast.workspace, project=project, name="By words", kind="words", spec=spec
    )
    return made


def _make_sweep(cast: Cast, run: Run) -> Sweep:
    values = {"base_model": run.base_model, "dataset_version": run.dataset_version, "strategy": "tpe"}
    made: Sweep = Sweep.objects.create(workspace=cast.workspace, name="rates", space={}, trials_wanted=1, **values)
    return made


def _make_label_import(cast: Cast, project: Any) -> LabelImport:
    values = {"name": "answers.jsonl", "format": "jsonl", "size": 1, "preview": {"is_whole": False, "report": None}}
    made: LabelImport = LabelImport.objects.create(workspace=cast.workspace, project=project, **values)
    return made


def _synced(cast: Cast, annotation: Annotation) -> World:
    common = {"workspace": cast.workspace, "created_by": cast.curator}
    connection = Connection.objects.create(
        **common, project=annotation.project, url="https://labels.example.com", token=b""
    )
    values = {"task": annotation.task, "annotation": annotation, "kind": "both_changed", "theirs": annotation.result}
    conflict = SyncConflict.objects.create(**common, connection=connection, remote_id=1, **values)
    return {"annotation": annotation, "connection": connection, "conflict": conflict}


def _of_runs(cast: Cast, run: Run) -> World:
    view = RunView.objects.create(workspace=cast.workspace, name="best")
    return {"run": run, "run_view": view, "sweep": _make_sweep(cast, run)}


def make_world(cast: Cast) -> World:
    deployment = make_deployment(cast, content=as_jsonl(ROWS) + b'{"prompt": "no end\n')  # a row for the quarantine
    version = deployment.model_version
    run = version.checkpoint.run
    exchange = make_exchange(deployment)
    signal, _new = feedback.give_feedback(actor=cast.engineer, exchange=exchange, said={"correction": "By train."})
    project = feedback.send_to_labeling(actor=cast.curator, signals=[signal], name="July")
    assignment = queue.take_next(actor=cast.annotator, project=project)
    assert assignment is not None
    better = {"from_name": "answer", "to_name": "conversation", "type": "textarea", "value": {"text": ["Soon."]}}
    registry.set_alias(actor=cast.engineer, model=version.model, name="candidate", version=version)
    toggle = rollout.create_rollout(
        actor=cast.engineer,
        workspace=cast.workspace,
        name="answers",
        control=deployment,
        candidate=make_deployment(cast, name="next"),
    )
    report = _make_report(cast, version.checkpoint)
    make_api_key(cast.owner, cast.workspace)
    opened = make_round(cast, deployment, [cast.annotator])
    Round.objects.filter(pk=opened.pk).update(rubric=rubric.default())
    draft = drafts.open_draft(actor=cast.engineer, base=run.dataset_version)
    things: World = {
        **_synced(cast, queue.submit(actor=cast.annotator, assignment=assignment, result=[better])),
        "assignment": assignment,
        "base_model": run.base_model,
        "checkpoint": version.checkpoint,
        "comment": comments.say(actor=cast.curator, task=assignment.task, text="By which train?"),
        "dataset": run.dataset_version.dataset,
        "deployment": deployment,
        "draft": draft,
        "draft_edit": drafts.delete_row(actor=cast.engineer, draft=draft, place=0),
        "exchange": exchange,
        "job": run.job,
        "key": ApiKey.objects.get(workspace=cast.workspace),
        "label_import": _make_label_import(cast, project),
        "membership": Membership.objects.get(workspace=cast.workspace, user=cast.viewer),
        "model": version.model,
        "project": project,
        "reception": receive(actor=cast.owner, workspace=cast.workspace, name="more.jsonl", size=1000),
        "recipe": saving.save_recipe(
            actor=cast.curator, workspace=cast.workspace, name="usual", steps=["html"], split=None
        ),
        "report": report,
        "rollout": toggle,
        "round": opened,
        **_of_runs(cast, run),
        "signal": signal,
        "suggester": _make_suggester(cast, project),
        "turn": Turn.objects.create(workspace=cast.workspace, base_model=run.base_model, messages=[], sides=[]),
        "upload": run.dataset_version.provenance_id,
        "version": tagging.set_tag(actor=cast.curator, version=run.dataset_version, name="gold").version,
        "workspace": cast.workspace,
    }
    places = {"labelproject": "project", "basemodel": "base_model", "modelversion": ""}
    same = ("version", "run", "checkpoint", "report", "round", "deployment", "rollout", "exchange", "signal")
    kinds = {kind: things[name].pk for kind, name in {**{n: n for n in same}, **places}.items() if name}
    things["kinds"] = {**kinds, "upload": things["upload"], "modelversion": version.pk}
    return things
