"""Keeps a label project in step with a project of a Label Studio server: tasks out, chosen answers out, answers in.

It may be killed at any moment. A task is known by our id in its meta, so before anything is sent the server is asked what it has; an
import whose answer was lost is looked up, never sent again blindly. What came in is a file for the console to check: the server
checks nothing.
"""

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from workers.context import Context
from workers.failures import UserError
from workers.studio.client import KEY, Away, Denied, Studio
from workers.studio.patience import patiently

TOKEN = "TUNELOOP_LABEL_STUDIO_TOKEN"  # noqa: S105 - the name of the variable
TASKS, SEND, PULLED, KNOWN = "tasks.jsonl", "send.jsonl", "pulled.jsonl", "known.json"
BATCH = 500  # tasks of one import
OVERLAP = timedelta(minutes=2)  # looked at again: a change may be written later than it is dated
MAX_RESULT = 1_000_000  # characters of one answer


class Sync:
    """One attempt."""

    def __init__(self, context: Context, studio: Studio) -> None:
        self.context, self.studio = context, studio
        self.inputs = context.spec.inputs
        self.project = int(self.inputs.get("remote_project") or 0)
        self.retries = 0

    def ask(self, question: Callable[[], Any]) -> Any:
        return patiently(question, check=self.context.check, tell=self._away)

    def _away(self, text: str) -> None:
        self.retries += 1
        self.context.reporter.log("warning", text)

    def run(self) -> dict[str, Any]:
        if self.project:
            self.ask(lambda: self.studio.require_project(self.project))
        else:
            title, config, mark = (str(self.inputs[name]) for name in ("title", "config", "mark"))
            people = int(self.inputs["people"])
            self.project = self.ask(lambda: self.studio.make_project(title, config, people, mark))
            self.context.reporter.emit("remote_project", id=self.project)
        pushed = self.push()
        sent = self.send()
        return {**self.pull(), "pushed": pushed, "sent": sent, "retries": self.retries}

    # ---- out

    def push(self) -> int:
        """Send the tasks that the server does not have; how many."""
        total, path = int(self.inputs["total"]), self.context.folder / TASKS
        if not total and not self.inputs.get("full"):
            return 0
        known = self.ask(lambda: dict(_first_wins(self.studio.tasks(self.project))))
        top, done, pushed = max(known.values(), default=0), 0, 0
        for batch in _batches(_lines(path), BATCH):
            self.context.check()
            fresh = [task for task in batch if task["meta"][KEY] not in known]
            if fresh:
                found = self._import(fresh, top)
                known |= found
                top = max([top, *found.values()])
                pushed += len(fresh)
            self._tell([task["meta"][KEY] for task in batch], known)
            done += len(batch)
            self.context.reporter.progress(done, total, "tasks", "Sending tasks")
        _write_json(self.context.folder / "artifacts" / KNOWN, sorted(known.values()))
        return pushed

    def _import(self, fresh: list[dict[str, Any]], top: int) -> dict[str, int]:
        """Their ids on the server, by ours. After a broken connection what arrived is looked up, and only the rest sent again."""

        def attempt() -> dict[str, int]:
            found = dict(_first_wins(self.studio.tasks(self.project, after=top)))
            rest = [task for task in fresh if task["meta"][KEY] not in found]
            if rest:
                self.studio.add_tasks(self.project, rest)
                found = dict(_first_wins(self.studio.tasks(self.project, after=top)))
            missing = sum(task["meta"][KEY] not in found for task in fresh)
            if missing:
                raise Away(f"The server took a batch, and {missing} of its tasks are not there yet.")
            return found

        return dict(self.ask(attempt))

    def _tell(self, keys: list[str], known: dict[str, int]) -> None:
        self.context.reporter.emit("linked", tasks=[[key, known[key]] for key in keys])

    def send(self) -> int:
        """Answers of ours that somebody chose over the server's: where the server still has what was seen."""
        sent = 0
        for item in _lines(self.context.folder / SEND):
            self.context.check()
            try:
                there = self.ask(partial(self.studio.answer, item["remote"]))
            except Denied as denied:
                if denied.status != 404:
                    raise
                continue
            if there.updated_at == item["seen"]:
                self.ask(partial(self.studio.change_answer, item["remote"], item["result"]))
                there = self.ask(partial(self.studio.answer, item["remote"]))
                self.context.reporter.emit(
                    "sent", answer=item["remote"], digest=item["digest"], updated_at=there.updated_at
                )
                sent += 1
        return sent

    # ---- in

    def pull(self) -> dict[str, Any]:
        """Write down every answer of tasks that changed since the last time."""
        full = bool(self.inputs.get("full"))
        since = "" if full else _earlier(str(self.inputs.get("cursor") or ""))
        cursor = self.ask(lambda: self.studio.newest_change(self.project))
        path = self.context.folder / "artifacts" / PULLED
        path.parent.mkdir(parents=True, exist_ok=True)
        tasks, answers = self.ask(lambda: self._write(path, since))
        return {"cursor": cursor or str(self.inputs.get("cursor") or ""), "looked_at": tasks, "answers": answers}

    def _write(self, path: Path, since: str) -> tuple[int, int]:
        tasks = answers = 0
        with open(path, "w", encoding="utf-8") as target:
            for task, given in self.studio.changed(self.project, since):
                self.context.check()
                kept = [_bounded(answer.as_dict()) for answer in given]
                target.write(json.dumps({"task": task, "answers": kept}) + "\n")
                tasks, answers = tasks + 1, answers + len(kept)
                if tasks % 50 == 0:
                    self.context.reporter.progress(tasks, 0, "tasks", "Fetching answers")
            for task in self.studio.emptied(self.project, since) if self.inputs.get("has_answers") else ():
                self.context.check()
                target.write(json.dumps({"task": task, "answers": []}) + "\n")
        return tasks, answers


def _bounded(answer: dict[str, Any]) -> dict[str, Any]:
    too_large = len(json.dumps(answer["result"])) > MAX_RESULT
    return {**answer, "result": None, "note": "The answer is too large."} if too_large else answer


def _earlier(cursor: str) -> str:
    """The moment from which is asked. A cursor that is no time asks for everything."""
    try:
        return (datetime.fromisoformat(cursor) - OVERLAP).isoformat()
    except ValueError:
        return ""


def _first_wins(tasks: Iterator[tuple[int, str]]) -> Iterator[tuple[str, int]]:
    """Our id -> theirs; if somebody copied a task there, the oldest counts."""
    seen: set[str] = set()
    for remote, key in tasks:
        if key and key not in seen:
            seen.add(key)
            yield key, remote


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        with open(path, encoding="utf-8") as source:
            for line in source:
                yield json.loads(line)


def _batches(items: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(items, size)):
        yield batch


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def main(context: Context) -> dict[str, Any]:
    """Bring both sides in step."""
    token = os.environ.get(TOKEN, "")
    if not token:
        raise UserError("There is no token.", f"Set {TOKEN}.")
    studio = Studio(str(context.spec.inputs["url"]), token, allowed=context.spec.inputs["allowed"])
    try:
        return Sync(context, studio).run()
    finally:
        studio.close()
