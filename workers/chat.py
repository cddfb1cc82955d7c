"""Talk to a fine-tuned model beside its base: the same question, both answers, word by word. Lives until nobody asks any more.

Spec: inputs {"model": {"folder": abs}, "tuned": {"folder": abs, "method": "lora" | "full"} | null}; settings {"idle_s": 300}.
Message: {"id", "messages": [{"role", "content"}], "max_tokens": 200, "temperature": 0.0, "sides": ["base", "tuned"]}, or
{"id", "cancel": true} to end the answer to that request. Every request ends with one `done` reply for each of its sides.
"""

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.answering import Pair, load_pair
from workers.context import Context, Wish
from workers.failures import Interrupted, UserError, classify

MOST_TOKENS = 2048
DEFAULT_TOKENS = 200
MOST_TEMPERATURE = 2.0
LOOK_EVERY_S = 0.02
TELL_EVERY_S = 0.05  # at most 20 replies a second and side
SIGN_OF_LIFE_S = 30.0
ROLES = frozenset({"system", "user", "assistant"})


@dataclass(frozen=True)
class Request:
    """One question, checked."""

    id: str
    messages: list[dict[str, str]]
    max_tokens: int
    temperature: float
    sides: list[str]


@dataclass
class Answer:
    """One side of one request while it is being written."""

    side: str
    stream: Any
    deltas: Any
    told_at: float = 0.0


def main(context: Context) -> dict[str, Any]:
    """Load the models, answer messages until told to leave or idle for `idle_s` seconds. Result: {"answered": n}."""
    models = load(context)
    context.reporter.progress(1, 1, "models", "Ready")
    return {"answered": Conversation(context, models).serve(float(context.spec.settings.get("idle_s", 300)))}


def load(context: Context) -> Pair:
    """Scan and load what the spec names."""
    context.reporter.progress(0, 1, "models", "Loading the model")
    return load_pair(context.spec.inputs["model"], context.spec.inputs.get("tuned"))


class Conversation:
    """Takes requests in order and writes their answers, both sides in turn, a token each."""

    def __init__(self, context: Context, models: Pair) -> None:
        self._context, self._models = context, models
        self._waiting: deque[dict[str, Any]] = deque()
        self._cancelled: set[str] = set()

    def serve(self, idle_s: float) -> int:
        """Answer until told to leave or idle for `idle_s` seconds; how many were answered."""
        answered, last, sign = 0, time.monotonic(), time.monotonic()
        while time.monotonic() - last < idle_s and not self._is_over():
            self._look()
            if self._waiting:
                self._answer_next()
                answered, last = answered + 1, time.monotonic()
            elif time.monotonic() - sign > SIGN_OF_LIFE_S:
                sign = time.monotonic()
                self._context.reporter.progress(1, 1, "models", "Waiting for a question")
            else:
                time.sleep(LOOK_EVERY_S)
        return answered

    def _is_over(self) -> bool:
        wish = self._context.should_stop()
        if wish >= Wish.LEAVE:
            raise Interrupted(wish.name.lower())
        return wish == Wish.STOP_AND_SAVE

    def _look(self) -> None:
        for message in self._context.take_messages():
            if message.get("cancel"):
                self._cancelled.add(str(message.get("id")))
            else:
                self._waiting.append(message)

    def _answer_next(self) -> None:
        raw = self._waiting.popleft()
        sides = [side for side in raw.get("sides") or self._models.by_side if isinstance(side, str)]
        try:
            request = checked(raw, list(self._models.by_side))
            answers = self._begin(request)
        except UserError as error:
            for side in sides or ["base"]:
                self._reply(
                    str(raw.get("id")), side, "", done=True, finish="error", error=error.message, hint=error.hint
                )
            return
        try:
            self._write(request, answers)
        except Exception as exc:  # one bad request (no memory for its length, say) must not end the conversation
            failure = classify(exc)
            for answer in answers:
                self._reply(
                    request.id, answer.side, "", done=True, finish="error", error=failure.message, hint=failure.hint
                )

    def _begin(self, request: Request) -> list[Answer]:
        from workers import tokens
        from workers.generation import Deltas, Stream

        tokenizer = self._models.tokenizer
        try:
            prompt = tokens.prompt_ids(tokenizer, request.messages)
        except Exception as exc:  # templates raise what they like about roles
            raise UserError(f"The model's chat template refuses these messages: {classify(exc).message}") from exc
        room = self._models.context_length - len(prompt)
        if room < 1:
            raise UserError(
                f"The question is too long: the model reads {self._models.context_length} tokens.", "Shorten it."
            )
        ends, most = tokens.end_ids(tokenizer), min(request.max_tokens, room)
        streams = {
            side: Stream(self._models.by_side[side], prompt, ends, most, request.temperature) for side in request.sides
        }
        return [Answer(side, stream, Deltas(tokenizer)) for side, stream in streams.items()]

    def _write(self, request: Request, answers: list[Answer]) -> None:
        open_answers = list(answers)
        while open_answers:
            self._look()
            wish = self._context.should_stop()
            if request.id in self._cancelled or wish != Wish.CONTINUE:
                for answer in open_answers:
                    self._finish(request, answer, "cancelled")
                answers.clear()
                return
            for answer in list(open_answers):
                with self._models.as_side(answer.side):
                    token = answer.stream.step()
                if token is None:
                    self._finish(request, answer, answer.stream.finish)
                    open_answers.remove(answer)
                    answers.remove(answer)
                else:
                    self._tell(request, answer)

    def _tell(self, request: Request, answer: Answer) -> None:
        now = time.monotonic()
        if now - answer.told_at < TELL_EVERY_S:
            return
        text = answer.deltas.new_text(answer.stream.tokens)
        if text:
            answer.told_at = now
            self._reply(request.id, answer.side, text, done=False)

    def _finish(self, request: Request, answer: Answer, finish: str) -> None:
        text = answer.deltas.new_text(answer.stream.tokens, is_last=True)
        self._reply(request.id, answer.side, text, done=True, finish=finish, tokens=len(answer.stream.tokens))

    def _reply(self, request_id: str, side: str, text: str, *, done: bool, **more: Any) -> None:
        self._context.reporter.emit("reply", request=request_id, side=side, text=text, done=done, **more)


def checked(raw: Mapping[str, Any], known_sides: list[str]) -> Request:
    """The request in a message, or a UserError that says what is wrong with it."""
    messages, sides = raw.get("messages"), raw.get("sides") or known_sides
    if not isinstance(messages, list) or not messages or not all(_is_message(message) for message in messages):
        raise UserError(
            "The messages are not a list of roles and texts.", 'Send [{"role": "user", "content": "..."}].', "messages"
        )
    if not isinstance(sides, list) or not set(sides) <= set(known_sides):
        raise UserError(f"There is no side {sides!r}.", f"Sides are: {', '.join(known_sides)}.", "sides")
    most = _number(raw.get("max_tokens", DEFAULT_TOKENS), 1, MOST_TOKENS, "max_tokens")
    temperature = _number(raw.get("temperature", 0.0), 0, MOST_TEMPERATURE, "temperature")
    plain = [{"role": message["role"], "content": message["content"]} for message in messages]
    return Request(str(raw.get("id")), plain, int(most), temperature, list(dict.fromkeys(sides)))


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in ROLES and isinstance(message.get("content"), str)


def _number(value: Any, low: float, high: float, name: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise UserError(f"{name} is not a number from {low:g} to {high:g}.", "Correct it.", name)
    return float(value)
