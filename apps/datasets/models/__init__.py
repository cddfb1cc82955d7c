"""What datasets are made of."""

from apps.datasets.models.base import Form, Layout, Scoped, State
from apps.datasets.models.drafts import Draft, DraftEdit, DraftState
from apps.datasets.models.quality import Profile, QualityLimits
from apps.datasets.models.receptions import Reception
from apps.datasets.models.recipes import SavedRecipe, WorkspaceKey
from apps.datasets.models.sets import (
    Dataset,
    DatasetQuerySet,
    DatasetVersion,
    Purge,
    Upload,
    VersionQuerySet,
    attach_newest,
    new_key,
)
from apps.datasets.models.tags import VersionTag

__all__ = [
    "Dataset",
    "DatasetQuerySet",
    "DatasetVersion",
    "Draft",
    "DraftEdit",
    "DraftState",
    "Form",
    "Layout",
    "Profile",
    "Purge",
    "QualityLimits",
    "Reception",
    "SavedRecipe",
    "Scoped",
    "State",
    "Upload",
    "VersionQuerySet",
    "VersionTag",
    "WorkspaceKey",
    "attach_newest",
    "new_key",
]
