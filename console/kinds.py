"""Every kind of job, from the stages that own them."""

from apps.datasets.browsing.jobs import KIND as INDEX
from apps.datasets.drafts.jobs import KIND as AMEND
from apps.datasets.duplicates.kind import DUPLICATES
from apps.datasets.jobs import IMPORT, PREPARE
from apps.datasets.quality.kind import PROFILE
from apps.datasets.versions.jobs import COMPARE
from apps.evaluation.jobs import ANSWERS, EVALUATE
from apps.jobs.kinds import Kind
from apps.labeling.exchange.jobs import KIND as TAKE
from apps.labeling.queueing.jobs import KIND as FILL
from apps.labeling.suggesting.jobs import MODEL as SUGGEST_MODEL
from apps.labeling.suggesting.jobs import RULES as SUGGEST_RULES
from apps.labeling.syncing.jobs import KIND as SYNC
from apps.serving.jobs import SERVE
from apps.training.jobs import CHAT, PREPARE_MODEL, PROBE, SFT

_ALL: tuple[Kind, ...] = (
    IMPORT,
    PREPARE,
    INDEX,
    AMEND,
    COMPARE,
    PROFILE,
    DUPLICATES,
    FILL,
    TAKE,
    SUGGEST_RULES,
    SUGGEST_MODEL,
    SYNC,
    SFT,
    PREPARE_MODEL,
    PROBE,
    CHAT,
    SERVE,
    EVALUATE,
    ANSWERS,
)
KINDS = {kind.name: kind for kind in _ALL}
