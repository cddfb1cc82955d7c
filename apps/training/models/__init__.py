"""Base models, runs and what comes out of them; ways of looking at runs that were kept."""

from apps.training.models.comparing import RunView
from apps.training.models.runs import (
    BUNDLED_FOLDER,
    SHARING,
    BaseModel,
    BaseModelState,
    Checkpoint,
    Run,
    Sample,
    Scoped,
    Source,
    Turn,
)
from apps.training.models.sweeps import Sweep, SweepStatus, Trial, TrialStatus

__all__ = [
    "BUNDLED_FOLDER",
    "SHARING",
    "BaseModel",
    "BaseModelState",
    "Checkpoint",
    "Run",
    "RunView",
    "Sample",
    "Scoped",
    "Source",
    "Sweep",
    "SweepStatus",
    "Trial",
    "TrialStatus",
    "Turn",
]
