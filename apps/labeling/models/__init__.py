"""Label projects, their tasks and what people answered."""

from apps.labeling.models.harvests import HarvestPlan, Rule
from apps.labeling.models.imports import LabelImport
from apps.labeling.models.projects import MAX_OVERLAP, LabelProject, ProjectQuerySet, ProjectStatus, TaskOrder
from apps.labeling.models.reviews import (
    Comment,
    Gold,
    GoldAnswer,
    Hold,
    ReviewMode,
    ReviewPlan,
    Said,
    Verdict,
)
from apps.labeling.models.shares import Share, WorkDay
from apps.labeling.models.suggestions import Assist, Suggester, SuggesterKind, Suggestion
from apps.labeling.models.syncing import (
    Choice,
    Connection,
    DisputeKind,
    HeldAnswer,
    RemoteAnswer,
    RemoteTask,
    SyncConflict,
    SyncRun,
)
from apps.labeling.models.tasks import (
    Annotation,
    Assignment,
    AssignmentStatus,
    OwnQuerySet,
    Task,
    TaskQuerySet,
)

__all__ = [
    "MAX_OVERLAP",
    "Annotation",
    "Assignment",
    "AssignmentStatus",
    "Assist",
    "Choice",
    "Comment",
    "Connection",
    "DisputeKind",
    "Gold",
    "GoldAnswer",
    "HarvestPlan",
    "HeldAnswer",
    "Hold",
    "LabelImport",
    "LabelProject",
    "OwnQuerySet",
    "ProjectQuerySet",
    "ProjectStatus",
    "RemoteAnswer",
    "RemoteTask",
    "ReviewMode",
    "ReviewPlan",
    "Rule",
    "Said",
    "Share",
    "Suggester",
    "SuggesterKind",
    "Suggestion",
    "SyncConflict",
    "SyncRun",
    "Task",
    "TaskOrder",
    "TaskQuerySet",
    "Verdict",
    "WorkDay",
]
