"""Continuous batching: at every step all open answers get their next token together, whoever asked and whichever adapter.

A new request joins between two steps: its prompt is read alone, then its keys and values are put beside the others', padded on the
left, where the attention mask hides them. An answer that is over leaves the same way. Orca (Yu et al., OSDI 2022, section 3.1)
calls this iteration-level scheduling.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import torch
from torch.nn.functional import pad

from workers.failures import classify
from workers.residents import Residents
from workers.wording import Words

MOST_FAILURES = 3  # steps in a row that raised: then it is not the requests, and the engine had better start anew


@dataclass(frozen=True)
class Ask:
    """One request, checked and as tokens."""

    name: str
    prompt: Sequence[int]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stops: tuple[str, ...] = ()


@dataclass(eq=False)
class Answer:
    """What the asker holds: pieces of text as they come, then one end. `cancel` may be called from any thread."""

    ask: Ask
    pieces: SimpleQueue[dict[str, Any]] = field(default_factory=SimpleQueue)
    is_cancelled: bool = False
    asked_at: float = field(default_factory=time.monotonic)

    def cancel(self) -> None:
        self.is_cancelled = True


class Full(Exception):
    """More requests wait than the engine takes."""


class Closed(Exception):
    """The engine, or this model of it, takes no new requests."""


@dataclass(eq=False)
class Row:
    """One open answer in the batch."""

    answer: Answer
    words: Words
    generator: torch.Generator
    length: int  # tokens of it whose keys and values are kept
    tokens: list[int] = field(default_factory=list)
    finish: str = ""
    queue_ms: int = 0

    def take(self, logits: torch.Tensor, ends: frozenset[int]) -> None:
        """Choose the next token from the logits of this row and tell what it adds."""
        ask = self.answer.ask
        token = choose(logits, ask.temperature, ask.top_p, self.generator)
        if token in ends:
            self.finish = "stop"
        else:
            self.tokens.append(token)
        is_last = bool(self.finish) or len(self.tokens) >= ask.max_tokens
        text = self.words.new_text(self.tokens, is_last=is_last)
        if text:
            self.answer.pieces.put({"text": text})
        if self.words.is_stopped:
            self.finish = "stop"
        elif is_last:
            self.finish = self.finish or "length"

    def end(self, **more: Any) -> None:
        usage = {"prompt_tokens": len(self.answer.ask.prompt), "completion_tokens": len(self.tokens)}
        self.answer.pieces.put({"done": True, "finish": self.finish, "usage": usage, "queue_ms": self.queue_ms, **more})


class Batcher:
    """The open answers of one engine. `submit` is for any thread; everything else for the one that computes."""

    def __init__(
        self, residents: Residents, tokenizer: Any, ends: Sequence[int], *, most_open: int = 8, most_waiting: int = 64
    ) -> None:
        self.residents, self._tokenizer, self._ends = residents, tokenizer, frozenset(ends)
        self._most_open, self._most_waiting = most_open, most_waiting
        self._waiting: deque[Answer] = deque()
        self._rows: list[Row] = []
        self._cache: Any = None
        self._news = threading.Event()
        self._failures = 0
        self.closed: set[str] = set()  # models that are on their way out
        self.is_closed = False

    # ---- from any thread

    def submit(self, ask: Ask) -> Answer:
        """Put a request in line. Raises Full, or Closed when its model is not (or no longer) here."""
        if self.is_closed or ask.name in self.closed or ask.name not in self.residents:
            raise Closed
        if len(self._waiting) >= self._most_waiting:
            raise Full
        answer = Answer(ask)
        self._waiting.append(answer)
        self._news.set()
        return answer

    def load_of(self) -> tuple[int, int]:
        """(answers being written, requests in line)."""
        return len(self._rows), len(self._waiting)

    # ---- from the thread that computes

    @property
    def is_idle(self) -> bool:
        return not self._rows and not self._waiting

    def is_busy_with(self, name: str) -> bool:
        waiting = list(self._waiting)  # other threads add to it
        return any(answer.ask.name == name for answer in [*waiting, *(row.answer for row in self._rows)])

    def wait(self, seconds: float) -> None:
        """Sleep until a request comes in, at most so long."""
        self._news.wait(seconds)
        self._news.clear()

    def step(self) -> bool:
        """One token for every open answer, after at most one new request has joined. False when there is nothing to do."""
        self._drop_cancelled()
        if self._waiting and len(self._rows) < self._most_open:
            self._admit(self._waiting.popleft())
        if not self._rows:
            return bool(self._waiting)
        try:
            self._decode()
        except Exception as exc:  # what one batch ran into must not end the engine, unless it goes on so
            self._failures += 1
            self.fail_all(classify(exc).message)
            if self._failures >= MOST_FAILURES:
                raise
            return True
        self._failures = 0
        return True

    def warm_up(self, name: str, prompt: Sequence[int]) -> None:
        """Answer two tokens to nobody: the first request shall not pay for what is made on first use."""
        logits, cache = self._read(name, prompt)
        token = torch.tensor([[int(logits.argmax())]], device=self.residents.device)
        whole = torch.ones((1, len(prompt) + 1), dtype=torch.long, device=self.residents.device)
        self.residents.logits([name], token, cache, whole, torch.tensor([[len(prompt)]], device=self.residents.device))

    def fail_all(self, message: str) -> None:
        """End every open answer with an error."""
        for row in self._rows:
            row.finish = "error"
            row.end(error=message)
        self._rows, self._cache = [], None

    def close(self) -> None:
        """Take no new requests; those in line and those being answered go on."""
        self.is_closed = True

    def abandon(self, message: str) -> None:
        """Nobody is answered any more."""
        self.close()
        self.fail_all(message)
        while self._waiting:
            answer = self._waiting.popleft()
            answer.pieces.put({"done": True, "finish": "error", "error": message})

    # ---- inside

    def _drop_cancelled(self) -> None:
        if any(row.answer.is_cancelled for row in self._rows):
            for row in self._rows:
                if row.answer.is_cancelled:
                    row.finish = "cancelled"
                    row.end()
            self._keep([row for row in self._rows if not row.finish])
        while self._waiting and self._waiting[0].is_cancelled:
            self._waiting.popleft()

    def _admit(self, answer: Answer) -> None:
        """Read the prompt alone and put the row beside the others."""
        ask = answer.ask
        generator = torch.Generator(device=self.residents.device).manual_seed(ask.seed)
        row = Row(answer, Words(self._tokenizer, ask.stops), generator, len(ask.prompt))
        row.queue_ms = int((time.monotonic() - answer.asked_at) * 1000)
        try:
            logits, cache = self._read(ask.name, ask.prompt)
            row.take(logits[0], self._ends)
        except Exception as exc:  # no memory for its length, say: the others go on
            row.finish = "error"
            row.end(error=classify(exc).message)
            return
        if row.finish:
            row.end()
            return
        self._cache = cache if self._cache is None else beside(self._cache, cache)
        self._rows.append(row)

    def _read(self, name: str, prompt: Sequence[int]) -> tuple[torch.Tensor, Any]:
        from transformers import DynamicCache

        cache, device = DynamicCache(), self.residents.device
        tokens = torch.tensor([list(prompt)], device=device)
        positions = torch.arange(len(prompt), device=device)[None]
        return self.residents.logits([name], tokens, cache, torch.ones_like(tokens), positions), cache

    def _decode(self) -> None:
        device = self.residents.device
        lengths = torch.tensor([row.length for row in self._rows], device=device)
        tokens = torch.tensor([[row.tokens[-1]] for row in self._rows], device=device)
        kept = max(row.length for row in self._rows)
        places = torch.arange(kept + 1, device=device)[None]
        mask = (places >= (kept - lengths)[:, None]).long()
        names = [row.answer.ask.name for row in self._rows]
        logits = self.residents.logits(names, tokens, self._cache, mask, lengths[:, None])
        for row, scores in zip(self._rows, logits, strict=True):
            row.length += 1
            row.take(scores, self._ends)
            if row.finish:
                row.end()
        self._keep([row for row in self._rows if not row.finish])

    def _keep(self, rows: list[Row]) -> None:
        """Let the other rows go, and padding that nobody needs any more."""
        if len(rows) == len(self._rows):
            return
        if not rows:
            self._rows, self._cache = [], None
            return
        staying = set(rows)
        which = torch.tensor([n for n, row in enumerate(self._rows) if row in staying], device=self.residents.device)
        narrow(self._cache, which, max(row.length for row in rows))
        self._rows = rows


def choose(logits: torch.Tensor, temperature: float, top_p: float, generator: torch.Generator) -> int:
    """A token id: the likeliest at temperature 0, else drawn from softmax(logits / temperature), of which with `top_p` below 1
    only the likeliest tokens that together reach it are kept (Holtzman et al. 2020, section 3.1)."""
    if temperature <= 0:
        return int(logits.argmax())
    chances = torch.softmax(logits / temperature, dim=-1)
    if top_p < 1:
        ordered, places = chances.sort(descending=True)
        ordered[ordered.cumsum(-1) - ordered > top_p] = 0
        chances = torch.zeros_like(chances).scatter_(0, places, ordered)
    return int(torch.multinomial(chances, 1, generator=generator))


def beside(cache: Any, other: Any) -> Any:
    """`cache` with the rows of `other` added, both padded on the left to the longer one."""
    length = max(cache.get_seq_length(), other.get_seq_length())
    for mine, theirs in zip(cache.layers, other.layers, strict=True):
        mine.keys = torch.cat([to_length(mine.keys, length), to_length(theirs.keys, length)])
        mine.values = torch.cat([to_length(mine.values, length), to_length(theirs.values, length)])
    return cache


def narrow(cache: Any, rows: torch.Tensor, length: int) -> None:
    """Keep these rows of a cache and its last `length` places."""
    for layer in cache.layers:
        layer.keys = layer.keys.index_select(0, rows)[:, :, -length:].contiguous()
        layer.values = layer.values.index_select(0, rows)[:, :, -length:].contiguous()


def to_length(states: torch.Tensor, length: int) -> torch.Tensor:
    """(rows, heads, n, size) with zeros on the left up to `length`."""
    return pad(states, (0, 0, length - states.shape[-2], 0))
