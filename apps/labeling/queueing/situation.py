"""What must be known of a project before a person gets a task, in one question to the database.

Written as SQL: these are parts of every request for the next task, and five queries of the ORM cost five times as much.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.labeling.models import LabelProject, Share

_ASK = """
SELECT
  (SELECT COALESCE(SUM(finished), 0) FROM labeling_share WHERE project_id = %(project)s),
  EXISTS (SELECT 1 FROM labeling_share WHERE project_id = %(project)s AND ranges <> '[]' AND id <> %(share)s),
  EXISTS (SELECT 1 FROM labeling_reviewplan WHERE project_id = %(project)s AND gold_every > 0),
  EXISTS (SELECT 1 FROM labeling_task WHERE project_id = %(project)s AND open_slots > 0 AND accepted_id IS NULL
          AND returned_at IS NOT NULL {later})
"""


@dataclass(frozen=True)
class Situation:
    """`finished` tasks of the project; whether anybody else has tasks kept, gold is mixed in, tasks were given back that the person
    has not found."""

    finished: int
    is_any_kept: bool
    is_gold_mixed_in: bool
    is_any_returned: bool


def situation(project: LabelProject, share: Share) -> Situation:
    given: dict[str, Any] = {"project": project.pk.hex, "share": share.pk.hex}
    if share.returned_seen:
        given["seen"] = connection.ops.adapt_datetimefield_value(share.returned_seen)
    with connection.cursor() as cursor:
        cursor.execute(_ASK.format(later="AND returned_at > %(seen)s" if "seen" in given else ""), given)
        finished, *flags = cursor.fetchone()
    return Situation(int(finished), *map(bool, flags))
