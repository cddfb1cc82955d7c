"""Doors to imports of labels: the pages, the API, the job; and who may not."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.core.errors import Conflict
from apps.labeling.exchange import jobs as kinds
from apps.labeling.exchange import receiving
from apps.labeling.models import Annotation, LabelImport, LabelProject
from tests.cast import Cast
from tests.labeling.test_queue import is_sound
from workers.context import Context, Spec
from workers.formats.problems import FileRefused
from workers.labels import reading
from workers.read_labels import main

pytestmark = pytest.mark.django_db

CSV = b"task,quality,annotator\n1,good,Mara\n2,great,Mara\n"


def file(content: bytes = CSV, name: str = "a.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_page__file__is_looked_at_then_taken(client: Client, cast: Cast, project: LabelProject) -> None:
    client.force_login(cast.curator)
    answer = client.post(reverse("labeling:import", args=[project.pk]), {"file": file(), "person": ""})
    assert answer.status_code == 302 and not Annotation.objects.exists()
    text = client.get(answer["Location"]).content.decode()
    assert "Nothing is taken yet" in text and "line 3" in text and "Mara" in text
    row = LabelImport.objects.get()
    assert client.post(reverse("labeling:label-import-start", args=[row.pk])).status_code == 302
    assert "Answers added" in client.get(answer["Location"]).content.decode() and Annotation.objects.count() == 1
    assert client.post(reverse("labeling:label-import-start", args=[row.pk])).status_code == 409
    assert "1 answer added" in client.get(reverse("labeling:formats", args=[project.pk])).content.decode()


def test_page__bad_file__is_told_on_the_page(client: Client, cast: Cast, project: LabelProject) -> None:
    client.force_login(cast.curator)
    address = reverse("labeling:import", args=[project.pk])
    for content, said in ((b"{", "alone is no row"), (b"hello", "format of the file"), (b"[[]]", "Nothing is taken")):
        answer = client.post(address, {"file": file(content, "a.json")}, follow=True)
        assert said in answer.content.decode(), content
    assert client.post(address).status_code == 400


def test_page__file_that_is_not_wanted__is_forgotten(client: Client, cast: Cast, project: LabelProject) -> None:
    client.force_login(cast.curator)
    client.post(reverse("labeling:import", args=[project.pk]), {"file": file()})
    row = LabelImport.objects.get()
    assert client.post(reverse("labeling:label-import-drop", args=[row.pk])).status_code == 302
    assert not LabelImport.objects.exists()


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("annotator", 403), ("stranger", 404)])
def test_pages_and_api__for_who_does_not_run_the_project__are_refused(
    client: Client, client_of: Any, cast: Cast, project: LabelProject, who: str, status: int
) -> None:
    row = receiving.receive(actor=cast.curator, project=project, file=file())
    client.force_login(getattr(cast, who))
    seen = {client.post(reverse("labeling:import", args=[project.pk]), {"file": file()}).status_code}
    assert seen == {status}
    program, api = client_of(who), "/api/v1/label-"
    assert program.post(f"{api}projects/{project.pk}/imports/", {"file": file()}).status_code == status
    assert program.get(f"{api}projects/{project.pk}/imports/").status_code == status
    for address in ("label-import-start", "label-import-drop"):  # an import is seen by who runs the project only
        assert client.post(reverse(f"labeling:{address}", args=[row.pk])).status_code == 404
    assert client.get(reverse("labeling:label-import", args=[row.pk])).status_code == 404
    assert program.get(f"{api}imports/{row.pk}/").status_code == 404
    assert program.post(f"{api}imports/{row.pk}/start/").status_code == 404
    assert program.delete(f"{api}imports/{row.pk}/").status_code == 404


def test_api__takes_at_once__or_looks_first(client_of: Any, project: LabelProject) -> None:
    program, address = client_of("curator"), f"/api/v1/label-projects/{project.pk}/imports/"
    looked = program.post(address, {"file": file(), "start": "false"})
    assert looked.status_code == 201 and looked.json()["state"] == "looked_at" and looked.json()["report"] is None
    assert looked.json()["preview"]["report"]["added"] == 1 and not Annotation.objects.exists()
    one = f"/api/v1/label-imports/{looked.json()['id']}/"
    taken = program.post(f"{one}start/")
    assert taken.status_code == 200 and taken.json()["report"]["told"][0]["place"] == "line 3"
    assert program.delete(one).status_code == 409 and program.get(one).json()["state"] == "finished"
    again = program.post(address, {"file": file(), "person": "x"})
    assert again.status_code == 201 and again.json()["report"]["repeated"] == 1
    assert len(program.get(address).json()) == 2
    bad = program.post(address, {"file": file(b"hello")})
    assert bad.status_code == 400 and bad.json()["error"]["field"] == "file"
    assert program.post(address, {"file": file(), "person": "a\x07"}).status_code == 400


@pytest.fixture
def large(cast: Cast, project: LabelProject, monkeypatch: pytest.MonkeyPatch) -> LabelImport:
    """A file of six answers whose job waits; two records are a portion."""
    monkeypatch.setattr(receiving, "AT_ONCE", 3)
    monkeypatch.setattr(receiving, "_PORTION", 2)
    lines = [json.dumps({"task": number, "quality": "good", "annotator": "Mara"}) for number in range(1, 7)]
    row = receiving.receive(actor=cast.curator, project=project, file=file("\n".join(lines).encode(), "a.jsonl"))
    row = receiving.start(actor=cast.curator, row=row)
    assert row.job and row.state == "running" and row.preview["report"]["records"] == 3
    return row


class _Silent:
    def progress(self, *_told: Any) -> None:
        """Nobody listens."""


def run_program(row: LabelImport) -> dict[str, Any]:
    job = row.job
    assert job
    spec = Spec("read_labels", job.folder, inputs=kinds._inputs(job), settings=job.settings)
    context = Context(spec, _Silent())  # type: ignore[arg-type]
    return main(context)


def test_job__killed_between_two_portions__goes_on_and_doubles_nothing(
    cast: Cast, large: LabelImport, project: LabelProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, job = run_program(large), large.job
    calls: list[int] = []
    assert job

    def killed() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(kinds, "check_alive", lambda job: killed)
    with pytest.raises(KeyboardInterrupt):
        kinds._take(job, result)
    assert Annotation.objects.count() == 4 and LabelImport.objects.get().taken == 4
    monkeypatch.setattr(kinds, "check_alive", lambda job: lambda: None)
    kinds._take(job, result)
    kinds._finish(job, result)
    row = LabelImport.objects.get()
    assert (row.state, row.taken, row.total, row.report["added"]) == ("finished", 6, 6, 6)
    assert Annotation.objects.count() == 6 and is_sound(project)


def test_job__of_a_project_that_was_closed__stops_and_says_so(
    client: Client, cast: Cast, large: LabelImport, project: LabelProject
) -> None:
    result = run_program(large)
    LabelProject.objects.filter(pk=project.pk).update(status="closed")
    job = large.job
    assert job
    job.status = "running"
    job.save()
    with pytest.raises(Conflict):
        kinds._take(job, result)
    job.status = "failed"
    job.save()
    client.force_login(cast.curator)
    assert "The job stopped after 0 records" in client.get(large.get_absolute_url()).content.decode()
    LabelProject.objects.filter(pk=project.pk).update(status="open")
    assert receiving.start(actor=cast.curator, row=large).job_id != job.pk


def test_cap__of_records__refuses_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_RECORDS", 2)
    path = tmp_path / "a.csv"
    path.write_bytes(b"task,quality\n" + b"1,good\n" * 3)
    with pytest.raises(FileRefused, match="at most 2 tasks"):
        list(reading.read(path, "csv"))
