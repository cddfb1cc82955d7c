"""Rows for a round that is being rated, as training and the answering worker would leave them; run inside the console's environment.

python -m tests.e2e.seed_round <e-mail of a rater>      prints {"round": id}
"""

import json
import os
import sys
from typing import Any

PROMPTS = (
    "My stove hisses where it screws onto the canister. Is it safe to use tomorrow?",
    "Where is order 4711?",
    "Can I return a tent that I have slept in twice?",
)


def main(email: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    import django

    django.setup()
    from django.db import transaction

    with transaction.atomic():
        print(json.dumps({"round": str(seed(email))}))


def seed(email: str) -> Any:
    from apps.accounts.models import Membership, User, Workspace
    from apps.evaluation import freezing, rubric
    from apps.evaluation.models import Entrant, Item, Rater, Round, RoundStatus

    workspace, owner = Workspace.objects.get(slug="home"), User.objects.get(email=email)
    other = User.objects.create_user(email="second@example.com", name="Second Rater")
    Membership.objects.create(workspace=workspace, user=other, role="annotator")
    version, checkpoints = _trained(workspace)
    round = Round(
        workspace=workspace, number=_next(Round, workspace), name="support answers", dataset_version=version, split="sample",
        sample_size=3, seed=5, rubric=rubric.default(),
    )  # fmt: skip
    round.save()
    for user in (owner, other):
        Rater.objects.create(round=round, user=user)
    for place, checkpoint in zip("AB", checkpoints, strict=True):
        entrant = Entrant.objects.create(round=round, checkpoint=checkpoint, place=place)
        for number, prompt in enumerate(PROMPTS):
            asked = [{"role": "user", "content": prompt}]
            answer = f"Answer {number + 1} in {'few' if place == 'A' else 'many more'} words. <b>Bold</b> is text."
            Item.objects.create(
                round=round, entrant=entrant, number=number, row_id=str(number), messages=asked, answer=answer
            )
    frozen = freezing.fingerprint(round)
    Round.objects.filter(pk=round.pk).update(status=RoundStatus.RATING, frozen_hash=frozen)
    return round.pk


def _next(kind: Any, workspace: Any) -> int:
    """The number after the newest: tests before this one may have made some in the same console."""
    from django.db.models import Max

    newest: int | None = kind.objects.filter(workspace=workspace).aggregate(newest=Max("number"))["newest"]
    return (newest or 0) + 1


def _trained(workspace: Any) -> tuple[Any, list[Any]]:
    from apps.datasets.models import Dataset, DatasetVersion
    from apps.jobs.models import Job
    from apps.training.models import BaseModel, Checkpoint, Run
    from workers.recipes import Recipe

    dataset = Dataset.objects.create(workspace=workspace, name="support-chat")
    version = DatasetVersion.objects.create(
        workspace=workspace, dataset=dataset, number=1, content_hash="0" * 64, row_count=3, layout="messages"
    )
    base = BaseModel.objects.create(
        workspace=workspace, name="Seeded", slug="seeded", source="folder", facts={"layers": 1}
    )
    job = Job.objects.create(
        workspace=workspace, kind="training.sft", title="run-1 seeded", queue="gpu", status="succeeded"
    )
    run = Run.objects.create(
        workspace=workspace, number=_next(Run, workspace), name="hush-hush", base_model=base, dataset_version=version,
        recipe=Recipe().as_dict(), job=job,
    )  # fmt: skip
    made = [
        Checkpoint.objects.create(workspace=workspace, run=run, step=step, name=f"checkpoints/step-{step}")
        for step in (1, 2)
    ]
    return version, made


if __name__ == "__main__":
    main(sys.argv[1])
