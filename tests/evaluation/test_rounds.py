"""A round from its draft to its verdict."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.core.ledger import history
from apps.evaluation import rating, services
from apps.evaluation.models import HumanScore, Item, Rating, Round, RoundStatus
from apps.jobs.models import Job, Status
from apps.training.models import Checkpoint
from tests.cast import Cast
from tests.evaluation.conftest import agreeing, answers_file, disagreeing, finish, job_of, opened, prepared, rate_all


def test_round__from_draft_to_passed__scores_stand_on_the_checkpoints(
    cast: Cast, closed_round: Round, checkpoints: list[Checkpoint]
) -> None:
    assert (closed_round.status, closed_round.outcome) == ("closed", "passed")
    assert closed_round.result["decision"] == {"outcome": "passed", "value": 1.0, "why": "", "criterion": "relevance"}
    assert closed_round.result["ratings"] == closed_round.result["wanted"] == 36
    scores = HumanScore.objects.filter(round=closed_round, checkpoint=checkpoints[0])
    assert {score.criterion: score.items for score in scores} == {"relevance": 6, "fluency": 6, "accuracy": 6}
    [verdict] = services.verdicts_of(checkpoints[0])
    assert (verdict.kind, verdict.state, verdict.url) == ("round", "passed", closed_round.get_absolute_url())
    assert "1.00" in verdict.text and "Mean scores" in verdict.text
    verbs = [line.verb for line in history(closed_round)]
    assert verbs == ["round.closed", "round.rating", "round.preparing", "round.created"]


def test_round__raters_apart__fails_and_attaches_nothing(
    cast: Cast, open_round: Round, raters: list[User], checkpoints: list[Checkpoint]
) -> None:
    rate_all(open_round, raters, disagreeing)
    closed = services.close_round(actor=cast.engineer, round=open_round)
    assert closed.outcome == "failed"
    assert closed.result["worst"]
    assert not HumanScore.objects.exists()
    assert [verdict.state for verdict in services.verdicts_of(checkpoints[0])] == ["failed"]


def test_round__one_value_for_everything__is_undefined_not_passed(
    cast: Cast, open_round: Round, raters: list[User]
) -> None:
    rate_all(open_round, raters, lambda *_place: 4)
    closed = services.close_round(actor=cast.engineer, round=open_round)
    assert closed.outcome == "undefined"
    assert closed.result["decision"]["why"] == "no variation"
    assert not HumanScore.objects.exists()


def test_round__frozen_content_changed_behind_its_back__is_undefined(
    cast: Cast, open_round: Round, raters: list[User]
) -> None:
    rate_all(open_round, raters, agreeing)
    Round.objects.filter(pk=open_round.pk).update(threshold=0.1)
    closed = services.close_round(actor=cast.engineer, round=open_round)
    assert (closed.outcome, closed.result["decision"]["why"]) == ("undefined", "changed")


CHANGES: dict[str, Any] = {
    "rubric": [{"key": "tone", "name": "Tone", "anchors": ["a", "b", "c", "d", "e", "f"]}],
    "threshold": 0.1,
    "statistic": "fleiss",
    "rule": "mean",
    "sample_size": 3,
    "seed": 8,
    "name": "other",
}


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("status", ["preparing", "rating", "closed", "cancelled"])
def test_edit__round_that_is_no_draft__is_refused(cast: Cast, draft: Round, field: str, status: str) -> None:
    Round.objects.filter(pk=draft.pk).update(status=status, outcome="passed" if status == "closed" else "")
    with pytest.raises(Conflict, match="no draft any more"):
        services.edit_round(actor=cast.engineer, round=draft, **{field: CHANGES[field]})


def test_edit__raters_and_checkpoints_of_an_open_round__are_refused(
    cast: Cast, open_round: Round, checkpoints: list[Checkpoint]
) -> None:
    for change in ({"raters": [cast.annotator, cast.owner]}, {"checkpoints": checkpoints[:1]}):
        with pytest.raises(Conflict):
            services.edit_round(actor=cast.engineer, round=open_round, **change)
    assert open_round.raters.count() == 3 and open_round.entrants.count() == 2


def test_rows__of_an_open_round__cannot_be_written(open_round: Round) -> None:
    item = open_round.items.first()
    assert item is not None
    item.answer = "better"
    with pytest.raises(TypeError, match="never changes"):
        item.save()
    with pytest.raises(TypeError, match="never changes"):
        Item.objects.filter(round=open_round).update(answer="better")
    open_round.rubric = []
    with pytest.raises(TypeError, match="transitions only"):
        open_round.save()


def test_edit__draft__changes_what_was_given_and_nothing_else(
    cast: Cast, draft: Round, checkpoints: list[Checkpoint]
) -> None:
    before = [rater.pk for rater in draft.raters.all()]
    services.edit_round(actor=cast.engineer, round=draft, checkpoints=checkpoints[1:], threshold=0.7)
    draft.refresh_from_db()
    assert services.entrants_of(draft) == checkpoints[1:]
    assert (draft.threshold, draft.sample_size, draft.name) == (0.7, 6, "support answers")
    assert [rater.pk for rater in draft.raters.all()] == before


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"checkpoints": []}, "checkpoints"),
        ({"sample_size": 1}, "sample_size"),
        ({"sample_size": True}, "sample_size"),
        ({"threshold": 1.0}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"statistic": "guess"}, "statistic"),
        ({"rule": "any"}, "rule"),
        ({"split": "test"}, "split"),
        ({"raters": []}, "raters"),
        ({"max_tokens": 5000}, "max_tokens"),
        ({"rubric_given": []}, "rubric"),
        ({"rubric_given": [{"key": "x", "name": "X", "anchors": ["only one"]}]}, "rubric.0.anchors"),
        ({"rubric_given": [{"key": "Not a key", "name": "X", "anchors": list("abcdef")}]}, "rubric.0.key"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_create__bad_value__names_its_field(make_draft: Callable[..., Round], values: Any, field: str) -> None:
    with pytest.raises(Problem) as refused:
        make_draft(**values)
    assert refused.value.field == field
    assert not Round.objects.exists()


def test_create__the_same_checkpoint_twice_or_a_stranger_as_rater__is_refused(
    cast: Cast, make_draft: Callable[..., Round], checkpoints: list[Checkpoint]
) -> None:
    with pytest.raises(Problem, match="two different"):
        make_draft(checkpoints=[checkpoints[0], checkpoints[0]])
    with pytest.raises(Problem, match="cannot rate"):
        make_draft(raters=[cast.annotator, cast.stranger])
    with pytest.raises(Problem, match="cannot rate"):
        make_draft(raters=[cast.annotator, cast.viewer])


def test_create__numbers__count_up_in_a_workspace(make_draft: Callable[..., Round]) -> None:
    assert [make_draft().number, make_draft().number] == [1, 2]


def test_open__sample__is_the_same_for_the_same_seed(cast: Cast, make_draft: Callable[..., Round]) -> None:
    def drawn(seed: int) -> list[str]:
        round = opened(make_draft(seed=seed, split="sample"), cast.engineer)
        return list(round.items.filter(entrant__place="A").order_by("number").values_list("row_id", flat=True))

    first, again, other = drawn(3), drawn(3), drawn(4)
    assert first == again != other
    assert len(set(first)) == 6


def test_open__answers_job__names_no_checkpoint(cast: Cast, draft: Round) -> None:
    services.open_round(actor=cast.engineer, round=draft)
    told = f"{job_of(draft).title} {job_of(draft).settings} {job_of(draft).inputs}"
    assert "secret-sauce" not in told and "run-" not in told
    assert not any(str(entrant.checkpoint_id) in told for entrant in draft.entrants.all())


def test_answers__of_a_cancelled_round__change_nothing(cast: Cast, draft: Round) -> None:
    services.open_round(actor=cast.engineer, round=draft)
    result = answers_file(job_of(draft))
    services.cancel_round(actor=cast.engineer, round=draft)
    assert job_of(draft).status == Status.CANCELLING
    with pytest.raises(Problem):
        finish(job_of(draft), result)
    assert not Item.objects.exists()


def test_answers__damaged_on_the_way__fail_the_job(cast: Cast, draft: Round) -> None:
    services.open_round(actor=cast.engineer, round=draft)
    result = answers_file(job_of(draft))
    (job_of(draft).folder / "artifacts" / "answers.jsonl").write_text("{}")
    with pytest.raises(Problem, match="damaged"):
        finish(job_of(draft), result)


def test_prepare_again__after_a_failed_job__makes_a_new_one(cast: Cast, draft: Round) -> None:
    services.open_round(actor=cast.engineer, round=draft)
    with pytest.raises(Conflict):
        services.prepare_again(actor=cast.engineer, round=draft)
    first = job_of(draft)
    Job.objects.filter(pk=first.pk).update(status=Status.FAILED)
    services.prepare_again(actor=cast.engineer, round=draft)
    draft.refresh_from_db()
    assert draft.job_id != first.pk
    finish(job_of(draft), answers_file(job_of(draft)))
    draft.refresh_from_db()
    assert draft.status == RoundStatus.RATING


def test_back_to_draft__while_answers_are_made__cancels_the_job(cast: Cast, draft: Round) -> None:
    services.open_round(actor=cast.engineer, round=draft)
    services.back_to_draft(actor=cast.engineer, round=draft)
    assert (draft.status, job_of(draft).status) == ("draft", "cancelled")
    services.edit_round(actor=cast.engineer, round=draft, sample_size=4)


def test_close__ratings_missing__needs_a_word(cast: Cast, open_round: Round, raters: list[User]) -> None:
    rate_all(open_round, raters[:2], agreeing)
    with pytest.raises(Conflict, match="12 of 36 ratings are missing"):
        services.close_round(actor=cast.engineer, round=open_round)
    closed = services.close_round(actor=cast.engineer, round=open_round, early=True)
    assert closed.outcome == "passed"
    with pytest.raises(Conflict):
        services.close_round(actor=cast.engineer, round=open_round, early=True)


def test_close__answers_that_cannot_be_judged__are_left_out(cast: Cast, open_round: Round, raters: list[User]) -> None:
    rate_all(open_round, raters, agreeing)
    item = open_round.items.first()
    assert item is not None
    rating.record_rating(actor=raters[0], round=open_round, item=item.pk, cannot_judge=True)
    closed = services.close_round(actor=cast.engineer, round=open_round)
    assert closed.outcome == "passed"
    assert Rating.objects.get(item=item, rater__user=raters[0]).scores == {}


def test_next_round__of_a_closed_one__takes_over_all_but_the_sample(cast: Cast, closed_round: Round) -> None:
    follower = services.next_round(actor=cast.engineer, round=closed_round)
    assert (follower.previous, follower.status, follower.number) == (closed_round, "draft", 2)
    assert follower.rubric == closed_round.rubric and follower.seed != closed_round.seed
    assert services.entrants_of(follower) == services.entrants_of(closed_round)
    assert follower.raters.count() == 3
    with pytest.raises(Conflict):
        services.next_round(actor=cast.engineer, round=follower)


def test_verdicts__of_an_open_round__are_told_to_nobody_who_rates(
    cast: Cast, open_round: Round, checkpoints: list[Checkpoint], raters: list[User]
) -> None:
    assert services.verdicts_of(checkpoints[0]) == []
    assert services.verdicts_of(checkpoints[0], user=raters[0]) == []
    assert [verdict.state for verdict in services.verdicts_of(checkpoints[0], user=cast.engineer)] == ["pending"]


def test_prepare__checkpoint_whose_files_are_gone__says_so(
    cast: Cast, draft: Round, checkpoints: list[Checkpoint]
) -> None:
    services.open_round(actor=cast.engineer, round=draft)
    checkpoints[1].folder.rmdir()
    with pytest.raises(Problem, match="gone"):
        prepared(job_of(draft))
