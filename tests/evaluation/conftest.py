"""Two checkpoints with files, data of sixty rows, and rounds at every point of their life. Nothing here loads torch."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Membership, User, Workspace
from apps.datasets.models import DatasetVersion
from apps.evaluation import rating, services
from apps.evaluation.models import MetricReport, Round
from apps.jobs import kinds, protocol
from apps.jobs.models import Job, Status
from apps.training import services as training
from apps.training.models import BaseModel, Checkpoint
from tests.cast import Cast, make_user
from tests.make import as_jsonl, make_api_key, make_version
from tests.training.folders import FACTS, make_folder

ROWS = [{"prompt": f"Where is order {n}?", "completion": f"Order {n} is on its way."} for n in range(60)]


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path) -> Path:
    data = tmp_path / "data"
    (data / "tmp").mkdir(parents=True)
    settings.TUNELOOP_DATA = data
    settings.TUNELOOP_STORAGE = f"file://{data}/files"
    settings.MODEL_FOLDERS = [str(tmp_path / "shelf")]
    (tmp_path / "shelf").mkdir()
    return tmp_path


@pytest.fixture
def version(workspace: Workspace) -> DatasetVersion:
    return make_version(workspace, as_jsonl(ROWS))


@pytest.fixture
def model(workspace: Workspace, own_folders: Path) -> BaseModel:
    folder = make_folder(own_folders / "shelf" / "tiny")
    made: BaseModel = BaseModel.objects.create(
        workspace=workspace, name="Tiny", slug="tiny", source="folder", path=str(folder), facts=FACTS
    )
    return made


@pytest.fixture
def checkpoints(cast: Cast, model: BaseModel, version: DatasetVersion) -> list[Checkpoint]:
    """Of one run that has ended: steps 10 and 20."""
    run = training.launch_run(
        actor=cast.engineer, workspace=cast.workspace, name="secret-sauce", base_model=model, dataset_version=version,
        recipe={"max_steps": 20},
    )  # fmt: skip
    Job.objects.filter(pk=run.job_id).update(status=Status.SUCCEEDED)
    found = []
    for step in (10, 20):
        made = Checkpoint.objects.create(
            run=run, workspace=run.workspace, step=step, name=f"checkpoints/step-{step:08d}"
        )
        (run.job.folder / made.name).mkdir(parents=True)
        found.append(made)
    return found


@pytest.fixture
def raters(cast: Cast) -> list[User]:
    """Anton and two other annotators."""
    others = [make_user("Berta"), make_user("Cesar")]
    for person in others:
        Membership.objects.create(workspace=cast.workspace, user=person, role="annotator")
    return [cast.annotator, *others]


@pytest.fixture
def make_draft(
    cast: Cast, checkpoints: list[Checkpoint], version: DatasetVersion, raters: list[User]
) -> Callable[..., Round]:
    def go(**values: Any) -> Round:
        given = {
            "actor": cast.engineer, "workspace": cast.workspace, "name": "support answers", "checkpoints": checkpoints,
            "dataset_version": version, "raters": raters, "sample_size": 6, "seed": 7,
        }  # fmt: skip
        return services.create_round(**{**given, **values})

    return go


@pytest.fixture
def draft(make_draft: Callable[..., Round]) -> Round:
    return make_draft()


@pytest.fixture
def open_round(cast: Cast, draft: Round) -> Round:
    return opened(draft, cast.engineer)


@pytest.fixture
def closed_round(cast: Cast, open_round: Round, raters: list[User]) -> Round:
    rate_all(open_round, raters, agreeing)
    return services.close_round(actor=cast.engineer, round=open_round)


def opened(draft: Round, actor: User) -> Round:
    """What the workers would do: claim, answer, succeed."""
    services.open_round(actor=actor, round=draft)
    finish(job_of(draft), answers_file(job_of(draft)))
    draft.refresh_from_db()
    return draft


def job_of(round: Round) -> Job:
    """The job that makes its answers."""
    assert round.job is not None
    round.job.refresh_from_db()
    return round.job


def prepared(job: Job) -> dict[str, Any]:
    """Claimed by a worker; the inputs of its program."""
    claimed = protocol.claim(queue=job.queue, slot=f"h:{job.queue}0", worker="w")
    assert claimed is not None and claimed.pk == job.pk
    job.refresh_from_db()
    return kinds.get(job.kind).prepare(job)


def answers_file(job: Job) -> dict[str, Any]:
    """The answers of both sides to the prepared rows, as workers.answers writes them."""
    inputs = prepared(job)
    count = len(Path(inputs["rows"]).read_text().splitlines())
    lines = [
        {"index": index, "place": side["place"], "answer": f"answer of {side['place']} to {index}"}
        for index in range(count)
        for side in inputs["sides"]
    ]
    return write_artifact(job, "answers.jsonl", lines)


def write_artifact(job: Job, name: str, lines: Sequence[Any]) -> dict[str, Any]:
    path = job.folder / "artifacts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_jsonl(lines))
    return {"file": f"artifacts/{name}", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def finish(job: Job, result: dict[str, Any]) -> None:
    job.refresh_from_db()
    protocol.succeed(job=job, epoch=job.epoch, result=result)


Score = Callable[[int, int, str], int]  # place of the item, place of the rater, criterion -> score


def agreeing(item: int, _rater: int, _criterion: str) -> int:
    return item % 6


def disagreeing(item: int, rater: int, _criterion: str) -> int:
    return (item * 7 + rater * (2 + item)) % 6


def rate_all(round: Round, people: Sequence[User], score: Score) -> None:
    for place, item in enumerate(round.items.order_by("number", "entrant__place")):
        for number, person in enumerate(people):
            scores = {criterion: score(place, number, criterion) for criterion in round.criteria}
            rating.record_rating(actor=person, round=round, item=item.pk, scores=scores)


FIGURE = {"value": 1.5, "low": 1.2, "high": 1.8}
METRICS = {
    **{side: dict.fromkeys(("loss", "perplexity", "rouge_l", "exact_match"), FIGURE) for side in ("tuned", "base")},
    "difference": {name: {"value": -0.5, "low": -0.7, "high": -0.3} for name in ("loss", "perplexity", "rouge_l", "exact_match")},
    "rows": 2, "tokens": 20, "cut": 0, "left_out": 0, "max_tokens": 128,
}  # fmt: skip
SIDE = {"answer": "On its way.", "nll": 3.0, "rouge_l": 0.5, "exact": False}
REPORT_ROWS = [
    {"row_id": f"r{n}", "messages": [{"role": "user", "content": f"Where is {n}?"}], "reference": "On its way now.", "tokens": 10,
     "is_cut": False, "tuned": SIDE, "base": SIDE} for n in range(2)
]  # fmt: skip


@pytest.fixture
def report(cast: Cast, checkpoints: list[Checkpoint]) -> MetricReport:
    return services.create_report(actor=cast.engineer, checkpoint=checkpoints[1])


@pytest.fixture
def finished_report(report: MetricReport) -> MetricReport:
    prepared(report.job)
    result = write_artifact(report.job, "rows.jsonl", REPORT_ROWS)
    finish(report.job, {**result, "metrics": METRICS})
    report.refresh_from_db()
    return report


@pytest.fixture
def client_of(cast: Cast) -> Callable[[Any], Client]:
    """A program's client of a person, by role or as a user."""

    def client(who: Any) -> Client:
        person = cast.by_role(who) if isinstance(who, str) else who
        workspace = cast.other_workspace if person == cast.stranger else cast.workspace
        return Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(person, workspace)}")

    return client


def post(client: Client, address: str, body: Any = None) -> Any:
    return client.post(address, json.dumps(body or {}), content_type="application/json")
