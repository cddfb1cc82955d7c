"""An engine: answers for deployed models until it is told to leave.

Spec: inputs {"model": {"folder": abs}, "own": name | null, "merge"?: abs, "adapters": [{"name", "folder": abs}],
"listen": {"host", "port": 0},
"token": text}; settings {"most_open": 8, "most_waiting": 64}. `own` is the name of the weights themselves,
with the adapter in `merge` folded in where there is one.
Messages: {"load": {"name", "folder"}}, {"unload": name}; each may come twice.
Events: listening {address}; model {model, state: ready | failed | unloaded, message, hint}.
"""

import contextlib
import math
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.batching import Ask, Batcher
from workers.context import Context, Wish
from workers.engine_door import Door
from workers.failures import Interrupted, UserError, classify
from workers.prepare_model import scanned
from workers.residents import Residents, load_base, load_merged

ROLES = frozenset({"system", "user", "assistant"})
MOST_TOKENS = 4096
MOST_TEMPERATURE = 2.0
MOST_STOPS = 8
LOOK_EVERY_S = 0.05
SIGN_OF_LIFE_S = 30.0
DRAIN_S = {Wish.STOP_AND_SAVE: 60.0, Wish.LEAVE: 10.0}  # a deploy waits less long for answers than a person who stops
STOPPING = "The engine is stopping."
WARM_UP = [{"role": "user", "content": "Hello"}]


def main(context: Context) -> dict[str, Any]:
    """Load, open the door, compute until told to leave. Result: {"drained": true} once everything open was answered."""
    engine = Engine(context)
    try:
        engine.open()
        engine.run()
    finally:
        engine.shut()
    return {"drained": True}


class Reader:
    """Turns a request's body into what the batch needs. Used by the threads of the door."""

    def __init__(self, tokenizer: Any, context_length: int) -> None:
        self._tokenizer, self._context_length = tokenizer, context_length
        self._lock = threading.Lock()  # fast tokenizers change their padding while they encode

    def __call__(self, raw: Mapping[str, Any]) -> Ask:
        messages = raw.get("messages")
        if not isinstance(messages, list) or not messages or not all(_is_message(message) for message in messages):
            raise UserError("The messages are not a list of roles and texts.", field="messages")
        prompt = self.prompt_of([{"role": one["role"], "content": one["content"]} for one in messages])
        room = self._context_length - len(prompt)
        if room < 1:
            told = (
                f"The messages have {len(prompt)} tokens; the model reads {self._context_length}, its answer included."
            )
            raise UserError(told, "Send fewer or shorter messages.", "messages")
        stops = raw.get("stop") or []
        if not isinstance(stops, list) or len(stops) > MOST_STOPS or not all(isinstance(stop, str) for stop in stops):
            raise UserError("stop is not a list of a few texts.", field="stop")
        return Ask(
            name=str(raw.get("model")),
            prompt=prompt,
            max_tokens=min(int(_number(raw, "max_tokens", 256, 1, MOST_TOKENS)), room),
            temperature=_number(raw, "temperature", 0.0, 0, MOST_TEMPERATURE),
            top_p=_number(raw, "top_p", 1.0, 0, 1),
            seed=int(_number(raw, "seed", secrets.randbelow(2**63), 0, 2**63 - 1)),
            stops=tuple(stops),
        )

    def prompt_of(self, messages: list[dict[str, str]]) -> list[int]:
        from workers import tokens

        try:
            with self._lock:
                return tokens.prompt_ids(self._tokenizer, messages)
        except Exception as exc:  # templates raise what they like about roles
            told = f"The model's chat template refuses these messages: {classify(exc).message}"
            raise UserError(told, field="messages") from exc


class Engine:
    """What is loaded, the door to it, and the loop that computes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._door: Door | None = None
        self._drain_until = math.inf
        self._sign = time.monotonic()

    def open(self) -> None:
        """Base first, then the door, then the adapters one by one: each is told of once it is warm."""
        from workers import tokens

        inputs, settings = self._context.spec.inputs, self._context.spec.settings
        folder = Path(inputs["model"]["folder"])
        facts = scanned(folder)
        self._context.reporter.progress(0, 1, "models", "Loading the model")
        tokenizer = tokens.load_tokenizer(folder)
        merge = inputs.get("merge")
        self._residents = Residents(load_base(folder) if merge is None else load_merged(folder, Path(merge)))
        self._reader = Reader(tokenizer, facts.context_length or 2048)
        limits = {name: int(settings[name]) for name in ("most_open", "most_waiting") if name in settings}
        self._batcher = Batcher(self._residents, tokenizer, tokens.end_ids(tokenizer), **limits)
        listen = inputs["listen"]
        self._door = Door(listen["host"], int(listen["port"]), inputs["token"], self._batcher, self._reader)
        self._door.start()
        self._context.reporter.emit("listening", address=self._door.address)
        if inputs.get("own"):
            self._bring_up(inputs["own"], None)
        for adapter in inputs.get("adapters", []):
            self._context.check()
            self._bring_up(adapter["name"], Path(adapter["folder"]))
        self._context.reporter.progress(1, 1, "models", "Ready")

    def run(self) -> None:
        """Until told to leave; then until the open answers are written, or for as long as there is patience."""
        while not self._is_over():
            for order in self._context.take_messages():
                self._obey(order)
            self._let_go()
            if not self._batcher.step():
                self._batcher.wait(LOOK_EVERY_S)
            self._give_sign()
        wish = self._context.should_stop()
        self._batcher.abandon(STOPPING)
        time.sleep(LOOK_EVERY_S)  # the door's threads write their last lines
        if wish >= Wish.LEAVE:
            raise Interrupted(wish.name.lower())

    def shut(self) -> None:
        """Close the door; whoever still waits is told."""
        if self._door is not None:
            self._batcher.abandon(STOPPING)
            self._door.close()

    def _is_over(self) -> bool:
        wish = self._context.should_stop()
        if wish == Wish.CONTINUE:
            return False
        if wish == Wish.CANCEL:
            return True
        if not self._batcher.is_closed:
            self._batcher.close()
        self._drain_until = min(self._drain_until, time.monotonic() + DRAIN_S[wish])
        return self._batcher.is_idle or time.monotonic() > self._drain_until

    def _obey(self, order: Mapping[str, Any]) -> None:
        if isinstance(load := order.get("load"), dict):
            is_own = load["name"] == self._context.spec.inputs.get("own")
            self._bring_up(load["name"], None if is_own else Path(load["folder"]))
        elif name := order.get("unload"):
            self._batcher.closed.add(str(name))

    def _bring_up(self, name: str, folder: Path | None) -> None:
        """Load one model and warm it. What is wrong with one does not touch the others."""
        self._batcher.closed.discard(name)
        try:
            if folder is None:
                self._residents.add_own(name)
            else:
                self._residents.load(name, folder)
            self._batcher.warm_up(name, self._reader.prompt_of(WARM_UP))
        except Exception as exc:  # a damaged file, no memory left: the page says so, the others go on
            with contextlib.suppress(Exception):
                self._residents.unload(name)
            failure = classify(exc)
            self._tell(name, "failed", message=failure.message, hint=failure.hint)
        else:
            self._tell(name, "ready")

    def _let_go(self) -> None:
        """Take models out that are on their way out and that nobody waits for any more."""
        for name in sorted(self._batcher.closed):
            if name in self._residents and self._batcher.is_busy_with(name):
                continue
            self._residents.unload(name)
            self._batcher.closed.discard(name)
            self._tell(name, "unloaded")

    def _tell(self, name: str, state: str, **more: Any) -> None:
        self._context.reporter.emit("model", model=name, state=state, **more)

    def _give_sign(self) -> None:
        if time.monotonic() - self._sign > SIGN_OF_LIFE_S:
            self._sign = time.monotonic()
            self._context.reporter.progress(1, 1, "models", "Ready")


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in ROLES and isinstance(message.get("content"), str)


def _number(raw: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = raw.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UserError(f"{name} is not a number from {low:g} to {high:g}.", field=name)
    return value
