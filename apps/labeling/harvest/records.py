"""Whose answers were right most often: the order of people that the rule “best annotator” goes by."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count, Q

from apps.labeling.harvest.answered import Answered, each
from apps.labeling.harvest.combining import TIE, combined
from apps.labeling.models import AssignmentStatus, GoldAnswer, LabelProject
from apps.labeling.schema.parts import Config


def ranks(project: LabelProject) -> dict[str, int]:
    """{person: place}, the best 0. By the share of right answers to gold tasks where there are any; else by the share of own answers
    that are the majority's, over tasks that two people or more answered. Of two alike the one with more of them comes first."""
    records = _by_gold(project) or _by_majority(project.config, each(project))
    ordered = sorted(
        records, key=lambda person: (-records[person][0] / records[person][1], -records[person][1], person)
    )
    return {person: place for place, person in enumerate(ordered)}


def _by_gold(project: LabelProject) -> dict[str, tuple[int, int]]:
    rows = GoldAnswer.objects.filter(
        project=project, is_training=False, annotator__isnull=False, assignment__status=AssignmentStatus.SUBMITTED
    )
    counted = (
        rows.order_by().values_list("annotator").annotate(right=Count("pk", filter=Q(is_right=True)), n=Count("pk"))
    )
    return {str(person): (right, judged) for person, right, judged in counted}


def _by_majority(config: Config, tasks: Iterable[Answered]) -> dict[str, tuple[int, int]]:
    right, judged = Counter[str](), Counter[str]()
    for one in tasks:
        if len(one.said) < 2:
            continue
        most = combined(config, [said.answers for said in one.said])
        asked = [name for name, answer in most.items() if answer is not TIE]
        for said in one.said:
            own = combined(config, [said.answers])
            judged[said.person] += len(asked)
            right[said.person] += sum(own.get(name) == most[name] for name in asked)
    return {person: (right[person], count) for person, count in judged.items() if count}
