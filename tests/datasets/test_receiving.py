"""Files that come in pieces, through their doors: the rules of tus, whose they are, what becomes of them."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.core.storage import storage
from apps.datasets.models import Dataset, Reception, Upload
from apps.datasets.receiving import partial
from apps.jobs.models import Job
from tests.cast import Cast
from tests.make import PAIRS, as_jsonl, finish_import, make_api_key, make_upload, make_version

GOOD = as_jsonl(PAIRS)
URL = "/api/v1/uploads/"
CHUNK = "application/offset+octet-stream"
Answer = Any


@pytest.fixture
def client(cast: Cast) -> Client:
    return Client(headers={"Authorization": f"Bearer {make_api_key(cast.engineer, cast.workspace)}"})


@pytest.fixture(autouse=True)
def own_data(settings: Any, tmp_path: Any) -> None:
    settings.TUNELOOP_DATA = tmp_path


def begin(client: Client, size: int = len(GOOD), **fields: Any) -> str:
    answer = client.post(URL, {"name": "rows.jsonl", "size": size, **fields}, content_type="application/json")
    assert answer.status_code == 201, answer.json()
    return str(answer.json()["id"])


def send(client: Client, pk: str, offset: Any, data: bytes, **headers: str) -> Answer:
    return client.patch(f"{URL}{pk}/", data, content_type=CHUNK, headers={"Upload-Offset": str(offset), **headers})


def offset_of(client: Client, pk: str) -> int:
    return int(client.head(f"{URL}{pk}/")["Upload-Offset"])


def finish(client: Client, pk: str, **wish: Any) -> Answer:
    return client.post(f"{URL}{pk}/finish/", wish, content_type="application/json")


def whole(client: Client, content: bytes = GOOD, **fields: Any) -> str:
    pk = begin(client, len(content), **fields)
    assert send(client, pk, 0, content).status_code == 204
    return pk


def code_of(answer: Answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_upload__in_pieces__becomes_the_very_file(client: Client, workspace: Workspace) -> None:
    pk = begin(client, dataset_name="support", fingerprint="17")
    for start in range(0, len(GOOD), 100):
        answer = send(client, pk, start, GOOD[start : start + 100])
        assert answer.status_code == 204 and answer["Upload-Offset"] == str(min(start + 100, len(GOOD)))
        assert answer["Tus-Resumable"] == "1.0.0" and "Upload-Expires" in answer
    answer = finish(client, pk)
    upload = Upload.objects.get()
    assert answer.status_code == 201 and answer.json()["url"] == upload.get_absolute_url()
    assert storage().open(upload.key).read() == GOOD
    assert (upload.name, upload.size, upload.sha256) == ("rows.jsonl", len(GOOD), hashlib.sha256(GOOD).hexdigest())
    assert (upload.dataset.name, upload.job) == ("support", None)
    assert list(partial.folder().iterdir()) == []
    assert finish(client, pk).json()["url"] == upload.get_absolute_url()  # told twice, done once
    assert Dataset.objects.count() == 1 and client.get(URL).json()["results"] == []
    assert finish_import(upload).row_count == len(PAIRS)


def test_begin__as_tus_says_it__answers_where_to_send(client: Client) -> None:
    words = {"filename": "Ärger.csv", "fingerprint": "x", "dataset_name": "tus"}
    pairs = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in words.items())
    answer = client.post(
        URL, headers={"Upload-Length": "9", "Upload-Metadata": f"{pairs},empty", "Tus-Resumable": "1.0.0"}
    )
    assert answer.status_code == 201 and answer["Upload-Offset"] == "0"
    assert client.head(answer["Location"])["Upload-Length"] == "9"
    told = client.get(answer["Location"]).json()
    assert (told["name"], told["dataset_name"], told["fingerprint"]) == ("Ärger.csv", "tus", "x")


def test_options__ask_what_is_spoken__is_told(client: Client, settings: Any) -> None:
    answer = client.options(URL)
    assert answer.status_code == 204 and answer["Tus-Version"] == "1.0.0"
    assert answer["Tus-Max-Size"] == str(settings.MAX_UPLOAD_BYTES)
    assert answer["Tus-Extension"] == "creation,termination,checksum,expiration"
    other = client.post(URL, headers={"Tus-Resumable": "0.2", "Upload-Length": "3"})
    assert code_of(other) == (412, "tus_version") and other["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize("offset", [0, 20, "x", "-1", "", 10**25])
def test_patch__elsewhere_than_told__is_refused_and_changes_nothing(client: Client, offset: Any) -> None:
    pk = begin(client)
    send(client, pk, 0, GOOD[:10])
    answer = send(client, pk, offset, GOOD[10:])
    assert answer.status_code == (409 if isinstance(offset, int) and offset < 10**20 else 400)
    assert offset_of(client, pk) == 10
    assert send(client, pk, 10, GOOD[10:]).status_code == 204


def test_patch__beyond_the_size__is_413_and_keeps_what_was(client: Client) -> None:
    pk = begin(client)
    send(client, pk, 0, GOOD[:10])
    assert code_of(send(client, pk, 10, GOOD)) == (413, "beyond_size")
    assert (offset_of(client, pk), partial.path_of(Reception.objects.get().pk).stat().st_size) == (10, 10)


def test_patch__of_another_media_type__is_415(client: Client) -> None:
    pk = begin(client)
    answer = client.patch(f"{URL}{pk}/", GOOD, content_type="text/plain", headers={"Upload-Offset": "0"})
    assert answer.status_code == 415


@pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
def test_patch__with_a_checksum__takes_only_those_bytes(client: Client, name: str) -> None:
    pk = begin(client)
    good = base64.b64encode(hashlib.new(name, GOOD).digest()).decode()
    bad = send(client, pk, 0, GOOD[::-1], **{"Upload-Checksum": f"{name} {good}"})
    assert code_of(bad) == (460, "checksum_mismatch") and offset_of(client, pk) == 0
    assert send(client, pk, 0, GOOD, **{"Upload-Checksum": f"{name} {good}"}).status_code == 204
    for text in ("crc32 AAAA", "sha256 !!", "sha256"):
        assert send(client, begin(client), 0, GOOD, **{"Upload-Checksum": text}).status_code in (400, 460)


def test_patch__while_another_one_writes__is_a_conflict(client: Client) -> None:
    pk = begin(client)
    with partial.held(Reception.objects.get().pk):
        assert code_of(send(client, pk, 0, GOOD)) == (409, "upload_busy")
        assert code_of(finish(client, pk)) == (409, "upload_busy")
        assert code_of(client.delete(f"{URL}{pk}/")) == (409, "upload_busy")
    assert send(client, pk, 0, GOOD).status_code == 204


def test_patch__after_a_disk_was_restored__tells_the_bytes_that_are_there(client: Client) -> None:
    pk = begin(client)
    send(client, pk, 0, GOOD[:50])
    with partial.path_of(Reception.objects.get().pk).open("r+b") as file:
        file.truncate(30)
    assert code_of(send(client, pk, 50, GOOD[50:])) == (409, "wrong_offset")
    assert offset_of(client, pk) == 30 and send(client, pk, 30, GOOD[30:]).status_code == 204
    assert finish(client, pk).status_code == 201 and storage().open(Upload.objects.get().key).read() == GOOD


def test_delete__unfinished__leaves_nothing(client: Client) -> None:
    pk = whole(client)
    assert client.delete(f"{URL}{pk}/").status_code == 204
    assert client.head(f"{URL}{pk}/").status_code == 404
    assert list(partial.folder().iterdir()) == []


def test_finish__bytes_missing__is_a_conflict(client: Client) -> None:
    pk = begin(client)
    send(client, pk, 0, GOOD[:10])
    assert code_of(finish(client, pk)) == (409, "incomplete")
    assert not Dataset.objects.exists()


def test_finish__refused_file__may_be_finished_with_another_wish(client: Client, workspace: Workspace) -> None:
    make_upload(workspace, name="rows")
    pk = whole(client, GOOD + b"\n")
    assert code_of(finish(client, pk)) == (409, "duplicate_name")  # named by the file
    assert finish(client, pk, name="other", mapping={"prompt": "nope"}, start=True).status_code == 400
    assert Dataset.objects.count() == 1
    started = finish(client, pk, name="other", start=True)
    assert started.status_code == 201 and Job.objects.get().status == "queued"
    assert started.json()["job"]["id"] == str(Job.objects.get().pk)


def test_finish__no_table__says_why_and_stays(client: Client) -> None:
    pk = whole(client, b"PK\x03\x04" + bytes(300))
    answer = finish(client, pk)
    assert answer.status_code == 400 and answer.json()["error"]["message"]
    assert offset_of(client, pk) == 304 and not Upload.objects.exists()


def test_finish__same_file_twice__is_told_and_imported_when_wanted(client: Client, cast: Cast) -> None:
    version = make_version(cast.workspace)
    pk = whole(client, dataset_name="once more")
    answer = finish(client, pk)
    assert code_of(answer) == (409, "same_file") and "support v1" in answer.json()["error"]["message"]
    [holder] = client.get(f"{URL}{pk}/").json()["same_as"]
    assert (holder["dataset_name"], holder["version"], holder["url"]) == ("support", 1, version.get_absolute_url())
    assert finish(client, pk, again=True).status_code == 201
    assert set(Dataset.objects.values_list("name", flat=True)) == {"support", "once more"}


def test_finish__same_file_elsewhere__is_no_secret_told(client: Client, cast: Cast) -> None:
    make_upload(cast.other_workspace)
    assert finish(client, whole(client)).status_code == 201


def test_begin__for_a_dataset__becomes_its_next_version(client: Client, workspace: Workspace) -> None:
    first = make_version(workspace)
    pk = whole(client, GOOD * 2, dataset=str(first.dataset_id))
    assert finish(client, pk, start=True).status_code == 201
    assert finish_import(Upload.objects.latest("created_at")).number == 2


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "a", "size": 0}, 400, "size"),
        ({"name": "a", "size": -1}, 400, "size"),
        ({"name": "a", "size": 2**60}, 413, "file"),
        ({"name": "a", "size": "many"}, 400, "size"),
        ({"size": 3}, 400, "name"),
        ({"name": "a", "size": 3, "dataset": "x"}, 400, "dataset"),
        ({"name": "a", "size": 3, "dataset_name": "x" * 81}, 400, "name"),
        ([1], 400, "name"),
    ],
)
def test_begin__bad_input__names_the_field(client: Client, body: Any, status: int, field: str) -> None:
    answer = client.post(URL, json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


@pytest.mark.parametrize("headers", [{"Upload-Length": "x"}, {"Upload-Metadata": "filename %%", "Upload-Length": "3"}])
def test_begin__bad_headers__are_400(client: Client, headers: dict[str, str]) -> None:
    assert client.post(URL, headers=headers).status_code == 400


def test_begin__dataset_of_strangers__is_404(client: Client, cast: Cast) -> None:
    other = make_upload(cast.other_workspace).dataset
    answer = client.post(URL, {"name": "a", "size": 3, "dataset": str(other.pk)}, content_type="application/json")
    assert answer.status_code == 404


def test_begin__beyond_what_a_workspace_may_leave_unfinished__is_a_conflict(client: Client, settings: Any) -> None:
    settings.MAX_UNFINISHED_BYTES = 1000
    begin(client, 600)
    answer = client.post(URL, {"name": "b", "size": 600}, content_type="application/json")
    assert code_of(answer) == (409, "too_much_unfinished")
    client.delete(f"{URL}{Reception.objects.get().pk}/")
    begin(client, 600)


@pytest.mark.parametrize("who", ["curator", "owner", "viewer", "stranger"])
def test_reception__of_somebody_else__is_404(
    client: Client, cast: Cast, browser_of: Callable[..., Client], who: str
) -> None:
    pk, other = begin(client), browser_of(cast.by_role(who))
    url = f"{URL}{pk}/"
    asked = [other.head(url), other.get(url), other.delete(url), other.post(f"{url}finish/"), send(other, pk, 0, GOOD)]
    assert {answer.status_code for answer in asked} <= ({403, 404} if who == "viewer" else {404})
    assert other.get(URL).json()["results"] == []
    assert offset_of(client, pk) == 0
