"""A Label Studio server in the words of the console. The one module that uses label-studio-sdk as a client, imported at its first use.

The SDK's own retries are off: it would send an import again after a broken connection, and every row would be there twice.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import httpx

from workers.failures import UserError
from workers.studio.guard import guarded_client

KEY = "tuneloop"  # where a remote task's meta keeps the id of ours
PAGE = 100
_CLOCK = "%Y-%m-%dT%H:%M:%S.%fZ"  # in a filter any other spelling is answered 500
_PASSING = (408, 425, 429, 500, 502, 503, 504)


class Away(UserError):
    """The server cannot be asked at the moment; later it may."""


class Denied(UserError):
    """The server refuses, and will again."""

    status = 0


@dataclass(frozen=True)
class About:
    """Who answers at an address, and as whom it knows us."""

    version: str
    edition: str
    person: str


@dataclass(frozen=True)
class Answer:
    """An annotation as the server has it, unchecked."""

    id: int
    task: int
    result: Any
    person: str
    seconds: Any
    updated_at: str
    is_cancelled: bool

    def as_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


class Studio:
    """One server. Every method raises Away, Denied or Refused, with words for the page."""

    def __init__(self, url: str, token: str, *, allowed: Iterable[str], seconds: float = 60.0) -> None:
        self.url = url
        sdk = import_module("label_studio_sdk")
        self._http = guarded_client(allowed, seconds)
        self._client = self._ask(
            lambda: sdk.LabelStudio(base_url=f"{url}/", api_key=token, httpx_client=self._http, max_retries=0)
        )
        self._people: dict[int, str] = {}

    def close(self) -> None:
        self._http.close()

    def about(self) -> About:
        """Whether this is Label Studio and the token is good."""
        version = self._ask(self._client.versions.get)
        release = getattr(version, "release", None)
        if not isinstance(release, str):
            raise Denied(
                "This address answers, but not as Label Studio does.", "Give the address of its start page.", "url"
            )
        person = self._ask(self._client.users.whoami)
        return About(release[:20], str(version.edition or "")[:20], str(person.email or "")[:254])

    def make_project(self, title: str, config: str, people: int, mark: str) -> int:
        """The project that carries `mark` in its description; made when there is none. Its id."""
        for known in self._all(lambda: self._client.projects.list(page_size=PAGE)):
            if mark in str(getattr(known, "description", None) or ""):
                return int(known.id)
        made = self._ask(
            lambda: self._client.projects.create(
                title=title[:50].ljust(3, "."),
                description=f"Kept in step with Tuneloop ({mark}). Leave this line as it is.",
                label_config=config,
                maximum_annotations=people,
            )
        )
        return int(made.id)

    def require_project(self, project: int) -> None:
        """Raises Denied when it is not there, or not for us."""
        try:
            self._ask(lambda: self._client.projects.get(project))
        except Denied as denied:
            if denied.status in (403, 404):
                hint = "Restore it there, or disconnect and connect again: a new one is made."
                raise Denied(f"Project {project} is gone from the server, or the token may not see it.", hint) from None
            raise

    def tasks(self, project: int, after: int = 0) -> Iterator[tuple[int, str]]:
        """(id, our id or "") of each task with an id above `after`, ascending."""
        query = _query([("tasks:id", "greater", "Number", after)], "tasks:id") if after else _query([], "tasks:id")
        for task in self._pages(project, query, include="id,meta", fields="task_only", page_size=1000):
            yield int(task.id), _key_of(getattr(task, "meta", None))

    def add_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Import; what came of it is asked with `tasks`."""
        self._ask(lambda: self._client.projects.import_tasks(id=project, request=list(tasks), return_task_ids=False))

    def newest_change(self, project: int) -> str:
        """The time of the last change of any task, by the server's clock, "" when there is none."""
        query = _query([], "-tasks:updated_at")
        listed = self._ask(
            lambda: self._client.tasks.list(
                project=project, page_size=1, query=query, include="id,updated_at", fields="task_only"
            )
        )
        first = next(iter(listed.items or []), None)
        return _moment(getattr(first, "updated_at", None))

    def changed(self, project: int, since: str) -> Iterator[tuple[int, list[Answer]]]:
        """Each task that has answers and was changed since, with all its answers; by id, so that what changes meanwhile is not skipped."""
        query = _query([("tasks:total_annotations", "greater", "Number", 0), *_since(since)], "tasks:id")
        for task in self._pages(project, query, fields="all", page_size=PAGE):
            yield int(task.id), [self._answer(int(task.id), one) for one in task.annotations or []]

    def emptied(self, project: int, since: str) -> Iterator[int]:
        """Tasks without an answer that were changed since."""
        query = _query([("tasks:total_annotations", "equal", "Number", 0), *_since(since)], "tasks:id")
        for task in self._pages(project, query, include="id", fields="task_only", page_size=1000):
            yield int(task.id)

    def answer(self, annotation: int) -> Answer:
        found = self._ask(lambda: self._client.annotations.get(annotation))
        values = {name: getattr(found, name, None) for name in _ANSWER}
        return self._answer(int(found.task), values)

    def change_answer(self, annotation: int, result: list[dict[str, Any]]) -> None:
        self._ask(lambda: self._client.annotations.update(annotation, result=result))

    def add_webhook(self, project: int, url: str, headers: dict[str, str]) -> int:
        """Let the server tell of annotations. Its id."""
        actions = ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"]
        values = {"url": url, "project": project, "actions": actions, "headers": headers}
        try:
            made = self._ask(
                lambda: self._client.webhooks.create(**values, send_payload=False, send_for_all_actions=False)
            )
        except Denied as denied:
            if denied.status not in (400, 403):
                raise
            hint = "It calls public addresses only, unless its SSRF_PROTECTION settings allow ours. The timetable does without."
            raise Denied("The server refuses to call this console's address.", hint, "url") from None
        return int(made.id)

    def remove_webhook(self, webhook: int) -> None:
        self._ask(lambda: self._client.webhooks.delete(webhook))

    def _pages(self, project: int, query: str, **options: Any) -> Iterator[Any]:
        return self._all(lambda: self._client.tasks.list(project=project, query=query, **options))

    def _all(self, first: Callable[[], Any]) -> Iterator[Any]:
        """The rows of every page. Beyond the last one the server answers 404; how long a page may be is its own choice."""
        pager = self._ask(first)
        while pager is not None:
            if not pager.items:
                return
            yield from pager.items
            try:
                pager = self._ask(pager.next_page)
            except Denied as denied:
                if denied.status != 404:
                    raise
                return

    def _answer(self, task: int, given: Any) -> Answer:
        given = given if isinstance(given, dict) else {}
        return Answer(
            id=int(given.get("id") or 0),
            task=task,
            result=given.get("result"),
            person=self._person(given.get("completed_by")),
            seconds=given.get("lead_time"),
            updated_at=_moment(given.get("updated_at")),
            is_cancelled=bool(given.get("was_cancelled")),
        )

    def _person(self, who: Any) -> str:
        if isinstance(who, dict):
            return str(who.get("email") or who.get("id") or "")
        if isinstance(who, int) and who not in self._people:
            known = self._ask(self._client.users.list)
            self._people = {int(one.id): str(one.email) for one in known}
            self._people.setdefault(who, str(who))
        return self._people.get(who, "") if isinstance(who, int) else str(who or "")

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except UserError:
            raise
        except httpx.TransportError as exc:
            raise Away(
                f"{self.url} does not answer ({type(exc).__name__}).", "Look whether the server runs.", "url"
            ) from exc
        except Exception as exc:
            raise _told(exc) from exc


_ANSWER = ("id", "result", "completed_by", "lead_time", "updated_at", "was_cancelled")


def _told(exc: Exception) -> Exception:
    """What the SDK raised, in words; a fault of ours as it is."""
    status = getattr(exc, "status_code", None)
    if isinstance(status, int):
        return _refusal(status, getattr(exc, "body", None))
    if type(exc).__name__ in ("ValidationError", "JSONDecodeError", "ParsingError"):
        return Denied(
            "This address answers, but not as Label Studio does.", "Give the address of its start page.", "url"
        )
    return exc


def _refusal(status: int, body: Any) -> UserError:
    """Never the whole body: it is another server's, and may be anything."""
    if status in _PASSING:
        return Away(f"The server answers {status} at the moment.", "Look at its log; it is asked again later.", "url")
    if status in (401, 403):
        hint = "Copy a personal access token (or a legacy token, where these are allowed) from the account page there."
        denied = Denied("The server does not take this token.", hint, "token")
    elif 300 <= status < 400:
        denied = Denied("The server sends us elsewhere.", "Give the address that the browser shows in the end.", "url")
    elif status == 404:
        denied = Denied(
            "There is no such thing on the server.", "Is this the address of Label Studio's start page?", "url"
        )
    else:
        detail = body.get("detail") if isinstance(body, dict) else None
        said = f" It says: {detail[:200]}" if isinstance(detail, str) else ""
        denied = Denied(f"The server refuses this ({status}).{said}", "Look at its log.")
    denied.status = status
    return denied


def _query(filters: list[tuple[str, str, str, Any]], ordering: str) -> str:
    items = [
        {"filter": f"filter:{name}", "operator": operator, "type": kind, "value": value}
        for name, operator, kind, value in filters
    ]
    return json.dumps({"filters": {"conjunction": "and", "items": items}, "ordering": [ordering]})


def _moment(given: Any) -> str:
    """One spelling for the times that the SDK gives sometimes as text, sometimes read: the one that filters take. "" for what is none."""
    try:
        read = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        return ""
    return read.astimezone(UTC).strftime(_CLOCK)


def _since(moment: str) -> list[tuple[str, str, str, Any]]:
    return [("tasks:updated_at", "greater_or_equal", "Datetime", _moment(moment))] if moment else []


def _key_of(meta: Any) -> str:
    key = meta.get(KEY) if isinstance(meta, dict) else None
    return key if isinstance(key, str) else ""
