"""Training rows: from Parquet shards to tokens with labels, at constant memory.

A version whose rows name their splits is trained on "train" and measured on "validation"; its "test" rows are never touched. Of any
other version some rows are kept for measuring, by a seeded hash of the row's id: the same rows whatever the order of the shards, and
two equal rows never stand on both sides.
"""

import hashlib
import heapq
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from workers.context import Context
from workers.failures import UserError, first_line
from workers.formats.stored import Stored
from workers.masking import MaskedRow, Masker, Message
from workers.recipes import Recipe

BATCH_ROWS = 256
PROGRESS_EVERY_S = 1.0
ROW = "source_row"  # column of every ready row: its number in the version, from 1; no model sees it
SCHEMA = pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.list_(pa.int32()))])


@dataclass
class Counts:
    """What became of the rows."""

    rows: int = 0
    train_rows: int = 0
    eval_rows: int = 0
    aside_rows: int = (
        0  # of a version with splits: its test rows, and validation rows beyond the most that are measured
    )
    truncated_rows: int = 0
    dropped_rows: int = 0  # no assistant's token left to learn from, or the template refused them
    train_tokens: int = 0
    taught_tokens: int = 0
    longest_row: int = 0
    first_problem: str = ""


@dataclass(frozen=True)
class Rows:
    """What is learned and what is measured. The two Arrow files are already unlinked; they live as long as they are open."""

    train: Any  # columns: those of the encoder's schema
    evaluation: Any | None
    fingerprint: str  # of all row ids, in order
    counts: Counts
    questions: list[list[Message]] = field(
        default_factory=list
    )  # conversations of the evaluation split, up to their last question
    labels: tuple[str, ...] = ()  # of a classifier, in the order of its outputs


@dataclass(frozen=True)
class Example:
    """One row ready for the model: a value for each column of the schema, and what is counted of it, in tokens."""

    values: Mapping[str, Any]
    length: int
    taught: int  # those that bear loss; a row without any is dropped
    full_length: int  # before the cut at max_length


class Encoder(Protocol):
    """What turns stored rows into examples."""

    schema: pa.Schema
    columns: tuple[str, ...]  # of the version, beside row_id and split

    def encode(self, rows: Sequence[dict[str, Any]]) -> list[Example]:
        """An example for each row. May raise whatever a template raises: then the rows are tried one by one."""
        ...

    def question(self, row: Mapping[str, Any]) -> list[Message] | None:
        """The conversation up to its last question, for sample answers; None where the model writes none."""
        ...


class Conversations:
    """Rendered, encoded, and taught on the assistant's tokens only."""

    schema = SCHEMA
    columns: tuple[str, ...] = ("messages",)

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def encode(self, rows: Sequence[dict[str, Any]]) -> list[Example]:
        """One example for each conversation. Raises what its template raises."""
        return [_example(row) for row in self._masker.mask([row["messages"] for row in rows])]

    def question(self, row: Mapping[str, Any]) -> list[Message] | None:
        """Up to the question before its last answer."""
        return question_of(row["messages"])


def _example(row: MaskedRow) -> Example:
    values = {"input_ids": row.input_ids, "labels": row.labels}
    return Example(values, len(row.input_ids), row.taught, row.full_length)


Parts = Callable[[Example], list[Example]]


def _whole(example: Example) -> list[Example]:
    return [example]


def tokenize(context: Context, encoder: Encoder, recipe: Recipe, parts: Parts = _whole) -> Rows:
    """Read the shards of the spec, split and encode their rows. Raises UserError when nothing is left to learn from.

    `parts` may make several examples of one row; all of them stay on the row's side of the split.
    """
    shards = [Path(shard) for shard in context.spec.inputs["shards"]]
    split = plan_split(shards, recipe)
    sides = {side: context.folder / "work" / f"{side}-{context.spec.epoch}.arrow" for side in ("train", "eval")}
    questions: list[list[Message]] = []
    (context.folder / "work").mkdir(exist_ok=True)
    with _Sides(sides, encoder.schema) as writers:
        for rows in _batches(context, shards, split, encoder.columns):
            _tokenize_batch(rows, encoder, recipe, split, writers, questions, parts)
    counts = writers.counts
    _require_rows(counts, recipe)
    train, evaluation = _opened(sides["train"]), _opened(sides["eval"]) if counts.eval_rows else None
    return Rows(train, evaluation, split.fingerprint, counts, questions)


@dataclass(frozen=True)
class Split:
    """Which rows are learned from and which are measured."""

    seed: int
    last_kept: int  # the greatest hash that is kept for measuring; -1: none
    is_named: bool  # whether the rows name their splits
    fingerprint: str  # of all row ids, and splits where there are some, in order
    total: int

    def side_of(self, row: Mapping[str, Any]) -> str:
        """ "train", "eval", or "" for a row that this run does not touch."""
        if self.is_named and row["split"] != "validation":
            return "train" if row["split"] == "train" else ""
        if split_hash(row["row_id"], self.seed) <= self.last_kept:
            return "eval"
        return "" if self.is_named else "train"


def plan_split(shards: Sequence[Path], recipe: Recipe) -> Split:
    """Look at all row ids once. Of named validation rows too, at most `eval_max_rows` are measured."""
    is_named = has_splits(shards)
    stored = Stored(shards)
    total = stored.rows
    wanted = recipe.kept_rows(total)
    if is_named:
        wanted = recipe.eval_max_rows if recipe.eval_fraction else 0
    digest, smallest = hashlib.blake2b(digest_size=16), list[int]()
    for _first, batch in stored.groups(columns=_columns(is_named)):
        for row in batch.to_pylist():
            digest.update(f"{row['row_id']} {row['split']}".encode() if is_named else row["row_id"].encode())
            if not is_named or row["split"] == "validation":
                _keep_smallest(smallest, split_hash(row["row_id"], recipe.seed), wanted)
    return Split(recipe.seed, -smallest[0] if smallest else -1, is_named, digest.hexdigest(), total)


def has_splits(shards: Sequence[Path]) -> bool:
    """Whether the rows of a version name their splits: all do, or none."""
    for _first, rows in Stored(shards).groups(columns=["split"]):
        if rows.num_rows:
            return bool(rows.column(0)[0].is_valid)
    return False


def _columns(is_named: bool, *more: str) -> list[str]:
    return ["row_id", *more, *(["split"] if is_named else [])]


def split_hash(row_id: str, seed: int) -> int:
    """A number in [0, 2**64) that depends on the row and the seed only."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{row_id}".encode(), digest_size=8).digest(), "big")


def facts(counts: Counts) -> dict[str, int]:
    """The counts that are worth showing on the page of a run."""
    return {name: value for name, value in asdict(counts).items() if isinstance(value, int)}


class _Sides:
    """The two files being written."""

    def __init__(self, paths: dict[str, Path], schema: pa.Schema) -> None:
        self._paths, self._schema, self.counts = paths, schema.append(pa.field(ROW, pa.int64())), Counts()

    def __enter__(self) -> "_Sides":
        self._writers = {side: pa.ipc.new_stream(str(path), self._schema) for side, path in self._paths.items()}
        return self

    def __exit__(self, *_exc: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, side: str, rows: Sequence[tuple[int, Example]]) -> None:
        """Add examples, each with its row's number in the version (from 1)."""
        if rows:
            columns = [[row.values[name] for _number, row in rows] for name in self._schema.names[:-1]]
            columns.append([number for number, _row in rows])
            self._writers[side].write_batch(pa.record_batch(columns, schema=self._schema))


def _batches(
    context: Context, shards: Sequence[Path], split: Split, wanted: Sequence[str]
) -> Iterator[list[dict[str, Any]]]:
    """The rows in order, with progress and a look at the supervisor's wishes between batches."""
    done, next_word, columns = 0, 0.0, _columns(split.is_named, *wanted)
    for first, group in Stored(shards).groups(columns=columns):
        for low in range(0, group.num_rows, BATCH_ROWS):
            context.check()
            batch = group.slice(low, BATCH_ROWS)
            yield [{**row, ROW: first + low + place + 1} for place, row in enumerate(batch.to_pylist())]
            done += batch.num_rows
            if time.monotonic() >= next_word:
                context.reporter.progress(done, split.total, "rows", "Preparing the rows")
                next_word = time.monotonic() + PROGRESS_EVERY_S


def _tokenize_batch(
    rows: list[dict[str, Any]],
    encoder: Encoder,
    recipe: Recipe,
    split: Split,
    sides: _Sides,
    questions: list[list[Message]],
    parts: Parts,
) -> None:
    counts = sides.counts
    counts.aside_rows += len(rows)
    rows = [row for row in rows if split.side_of(row)]
    counts.aside_rows -= len(rows)
    examples = _encoded(rows, encoder, counts) if rows else []
    kept: dict[str, list[tuple[int, Example]]] = {"train": [], "eval": []}
    for row, result in zip(rows, examples, strict=True):
        counts.rows += 1
        if result is None or not result.taught:
            counts.dropped_rows += 1
            continue
        is_eval = split.side_of(row) == "eval"
        kept["eval" if is_eval else "train"] += [(row[ROW], part) for part in parts(result)]
        _count(counts, result, is_eval)
        if is_eval and len(questions) < recipe.sample_count and (question := encoder.question(row)):
            questions.append(question)
    for side, side_rows in kept.items():
        sides.write(side, side_rows)


def question_of(messages: Sequence[Message]) -> list[Message]:
    """A conversation up to the question before its last answer."""
    answers = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    return [dict(message) for message in messages[: answers[-1]]]


def _encoded(rows: list[dict[str, Any]], encoder: Encoder, counts: Counts) -> list[Example | None]:
    """All rows at once; one by one when the template refuses one of them, so that only the culprit is lost."""
    try:
        return list(encoder.encode(rows))
    except Exception:  # templates raise what they like (jinja2.TemplateError, TypeError, ValueError)
        return [_encoded_alone(row, encoder, counts) for row in rows]


def _encoded_alone(row: dict[str, Any], encoder: Encoder, counts: Counts) -> Example | None:
    try:
        return encoder.encode([row])[0]
    except Exception as exc:
        counts.first_problem = counts.first_problem or first_line(exc)
        return None


def _count(counts: Counts, row: Example, is_eval: bool) -> None:
    counts.longest_row = max(counts.longest_row, row.full_length)
    counts.truncated_rows += row.full_length > row.length
    if is_eval:
        counts.eval_rows += 1
        return
    counts.train_rows += 1
    counts.train_tokens += row.length
    counts.taught_tokens += row.taught


def _keep_smallest(heap: list[int], value: int, most: int) -> None:
    """Keep the `most` smallest values, negated, in a heap whose first entry is the greatest of them."""
    if len(heap) < most:
        heapq.heappush(heap, -value)
    elif most and -value > heap[0]:
        heapq.heapreplace(heap, -value)


def _require_rows(counts: Counts, recipe: Recipe) -> None:
    if counts.aside_rows and counts.rows == counts.eval_rows:
        told = "No row of this version is in its train split."
        raise UserError(told, "Choose a version that is split otherwise.", "dataset_version")
    if counts.rows == 0:
        raise UserError("The data set has no rows.", "Choose a version with rows.", "dataset_version")
    if counts.train_rows:
        return
    if counts.first_problem:
        raise UserError(
            f"The model's chat template accepts none of the rows: {counts.first_problem}",
            "Look at the roles of the messages: user and assistant in turn, a system message only at the start.",
            "dataset_version",
        )
    raise UserError(
        f"No row has an answer within {recipe.max_length} tokens, so there is nothing to learn from.",
        "Raise the maximum length, or give rows with an assistant's message.",
        "max_length",
    )


def _opened(path: Path) -> Any:
    from datasets import Dataset

    dataset = Dataset.from_file(str(path))
    path.unlink()  # the mapping stays; nothing is left behind however the program ends
    return dataset
