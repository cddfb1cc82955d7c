"""Answers of models to many questions, greedy and in fixed blocks, written down as they come so that a new attempt goes on.

Used by `evaluate` (a checkpoint beside its base) and `answers` (what people rate).
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.context import Context, Wish
from workers.failures import Interrupted, UserError
from workers.prepare_model import scanned
from workers.recipes import ADAPTERS

BLOCK = 8  # questions answered at once; the blocks are the same in every attempt
AsSide = Callable[[str], contextlib.AbstractContextManager[Any]]


@dataclass(frozen=True)
class Question:
    """A conversation up to its last question, and the answer of the data."""

    index: int
    row_id: str
    messages: list[dict[str, str]]
    reference: str


@dataclass(frozen=True)
class Pair:
    """A base model and what was made of it; for LoRA one model with its adapter on or off."""

    tokenizer: Any
    by_side: Mapping[str, Any]
    as_side: AsSide
    context_length: int


class Journal:
    """One JSON line for each piece of work, known again by its key after a restart. A torn last line counts as not written."""

    def __init__(self, path: Path, *names: str) -> None:
        self._names, self.lines = names, dict[tuple[Any, ...], dict[str, Any]]()
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.read_bytes().rpartition(b"\n")[0] + b"\n" if path.exists() else b""
        for line in whole.splitlines():
            if line.strip():
                self._note(json.loads(line))
        path.write_bytes(whole if self.lines else b"")
        self._file = open(path, "ab")  # noqa: SIM115 - open as long as the journal is

    def add(self, lines: Sequence[dict[str, Any]]) -> None:
        """Keep these lines, on disk when this returns."""
        self._file.write(b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines))
        self._file.flush()
        os.fsync(self._file.fileno())
        for line in lines:
            self._note(line)

    def has(self, *key: Any) -> bool:
        return key in self.lines

    def close(self) -> None:
        self._file.close()

    def _note(self, line: dict[str, Any]) -> None:
        self.lines[tuple(line[name] for name in self._names)] = line


def read_questions(path: Path) -> list[Question]:
    """The rows that the console chose, one JSON object a line. Raises UserError when there is none."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if not rows:
        raise UserError("There is no row with a question and an answer.", "Choose another split or version.", "split")
    return [Question(place, row["row_id"], row["messages"], row["reference"]) for place, row in enumerate(rows)]


def load_pair(model: Mapping[str, Any], tuned: Mapping[str, Any] | None) -> Pair:
    """Scan and load a base model and, beside it or in it, a checkpoint."""
    folder = Path(model["folder"])
    facts = scanned(folder)
    import torch

    from workers import modelling, tokens

    on_gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if on_gpu and torch.cuda.is_bf16_supported() else torch.float32
    place = "cuda" if on_gpu else "cpu"
    base = modelling.load_model(folder, dtype).to(place).eval()
    by_side: dict[str, Any] = {"base": base}
    as_side: AsSide = _as_loaded
    if tuned is not None and tuned["method"] in ADAPTERS:
        adapted = modelling.load_adapter(base, Path(tuned["folder"])).to(place).eval()
        by_side, as_side = {"base": adapted, "tuned": adapted}, _switching(adapted)
    elif tuned is not None:
        scanned(Path(tuned["folder"]))
        by_side["tuned"] = modelling.load_model(Path(tuned["folder"]), dtype).to(place).eval()
    return Pair(tokens.load_tokenizer(folder), by_side, as_side, facts.context_length or 2048)


def readable(pair: Pair, questions: Sequence[Question]) -> list[Question]:
    """Questions that the model's template takes and that leave room for an answer."""
    from workers import tokens

    kept = []
    for question in questions:
        try:
            length = len(tokens.prompt_ids(pair.tokenizer, question.messages))
        except Exception:  # noqa: S112 - templates raise what they like about roles; such a row is counted as left out
            continue
        if length < pair.context_length:
            kept.append(question)
    if not kept:
        raise UserError(
            "The model can read none of these rows: too long, or roles that its template refuses.",
            "Choose other rows.",
            "split",
        )
    return kept


def blocks(questions: Sequence[Question]) -> Iterator[Sequence[Question]]:
    for start in range(0, len(questions), BLOCK):
        yield questions[start : start + BLOCK]


def answer(context: Context, pair: Pair, side: str, block: Sequence[Question], max_tokens: int) -> list[str]:
    """The greedy answers of one side to a block. Raises Interrupted when told to leave, with nothing half done."""
    from workers import tokens
    from workers.samples import greedy_answers

    def leave_now() -> bool:
        context.reporter.still_at_work()  # a long block must not look stalled
        return context.should_stop() != Wish.CONTINUE

    leave_if_told(context)
    prompts = [tokens.prompt_ids(pair.tokenizer, question.messages) for question in block]
    most = min(max_tokens, pair.context_length - max(map(len, prompts)))
    with pair.as_side(side):
        said = greedy_answers(pair.by_side[side], pair.tokenizer, prompts, most, leave_now)
    leave_if_told(context)
    return said


def leave_if_told(context: Context) -> None:
    """These programs have no half result: to stop is to leave."""
    wish = context.should_stop()
    if wish != Wish.CONTINUE:
        raise Interrupted(wish.name.lower())


@contextlib.contextmanager
def _as_loaded(_side: str) -> Iterator[None]:
    yield


def _switching(adapted: Any) -> AsSide:
    """Base and tuned in one model: the adapter is off while the base side works."""

    def as_side(side: str) -> contextlib.AbstractContextManager[Any]:
        off: contextlib.AbstractContextManager[Any] = adapted.disable_adapter()
        return off if side == "base" else contextlib.nullcontext()

    return as_side
