"""Which rows are measured or rated: a seeded choice that depends on the rows alone, not on their order."""

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets import rows
from apps.datasets.models import DatasetVersion
from apps.evaluation.models import Split
from apps.training.models import Run

JUDGED_FORMS = ("chat", "preference")  # of preference pairs the chosen answer is the reference
FEWEST_HELD_OUT = 5  # with fewer rows kept out of the training, all rows are drawn from


@dataclass(frozen=True)
class Chosen:
    """Rows as the workers read them, and how many there were to choose from."""

    rows: list[dict[str, Any]]
    available: int


def split_for(version: DatasetVersion, wanted: str, run: Run | None) -> Split:
    """The split that is wanted, or the best there is: test, validation, what the run kept out of its training, else a sample.

    Raises Problem when the wanted one has no rows.
    """
    version.require_form(*JUDGED_FORMS)
    counts = version.splits.get("counts", {}) if version.splits else {}
    there = [split for split in (Split.TEST, Split.VALIDATION) if counts.get(split.value)]
    if _held_out(version, run) >= FEWEST_HELD_OUT:
        there.append(Split.HELD_OUT)
    there.append(Split.SAMPLE)
    if not wanted:
        return there[0]
    if wanted not in there:
        message = _("This dataset version has no rows of that kind.")
        raise Problem(message, field="split", hint=", ".join(split.value for split in there))
    return Split(wanted)


def choose(version: DatasetVersion, *, split: str, most: int, seed: int, run: Run | None) -> Chosen:
    """`most` rows of the split that end with an answer, by a hash of seed and row, in the order of that hash."""
    if split == Split.HELD_OUT and run is not None:
        seed, most = (
            int(run.recipe["seed"]),
            min(most, _held_out(version, run)),
        )  # the smallest hashes are what it kept out
    is_named = split in (Split.TEST, Split.VALIDATION)
    found, available = list[tuple[int, int, dict[str, Any]]](), 0
    for row in _answered(rows.iterate(version, split=split if is_named else None)):
        available += 1
        entry = (-row_hash(row["row_id"], seed), -available, row)  # a number beside it: equal rows have equal hashes
        if len(found) < most:
            heapq.heappush(found, entry)
        elif entry[0] > found[0][0]:
            heapq.heapreplace(found, entry)
    ranked = sorted(found, key=lambda entry: (-entry[0], -entry[1]))
    return Chosen([row for _hash, _place, row in ranked], available)


def row_hash(row_id: str, seed: int) -> int:
    """The number by which training keeps rows out (workers.data.split_hash, which a web process must not import)."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{row_id}".encode(), digest_size=8).digest(), "big")


def _held_out(version: DatasetVersion, run: Run | None) -> int:
    """How many rows of this version the run kept out of its training by itself (workers.data.plan_split)."""
    if run is None or run.dataset_version_id != version.pk or version.splits:
        return 0
    recipe, total = run.recipe, version.row_count
    if not recipe["eval_fraction"] or total < 5:
        return 0
    return max(1, min(round(total * float(recipe["eval_fraction"])), int(recipe["eval_max_rows"])))


def _answered(stored: Iterator[Any]) -> Iterator[dict[str, Any]]:
    """A conversation up to its last question, and the answer that stands in the data."""
    for row in stored:
        places = [place for place, message in enumerate(row.messages) if message["role"] == "assistant"]
        if places and places[-1] > 0:
            question, answer = row.messages[: places[-1]], row.messages[places[-1]]["content"]
            yield {"row_id": row.row_id, "messages": question, "reference": answer}
