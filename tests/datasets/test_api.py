"""The doors of datasets for programs: what they take, what they refuse, and whom."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.core.storage import storage
from apps.datasets.models import Dataset, Upload
from apps.jobs.models import Job
from tests.cast import Cast
from tests.make import PAIRS, as_jsonl, finish_import, make_api_key, make_upload, make_version

URL = "/api/v1/datasets/"
GOOD = as_jsonl(PAIRS)
CSV = "question,reply\nWhere is it?,On its way.\n"


@pytest.fixture
def client_of(cast: Cast) -> Callable[[str], Client]:
    def client(role: str) -> Client:
        person = cast.by_role(role)
        workspace = cast.other_workspace if role == "stranger" else cast.workspace
        return Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(person, workspace)}")

    return client


@pytest.fixture
def engineer(client_of: Callable[[str], Client]) -> Client:
    return client_of("engineer")


def post(client: Client, content: bytes, file: str = "rows.jsonl", **fields: str) -> Any:
    headers = {"Idempotency-Key": fields.pop("key")} if "key" in fields else {}
    upload = io.BytesIO(content)
    upload.name = file
    return client.post(URL, {"name": "support", "file": upload, **fields}, headers=headers)


def test_create__good_file__answers_dataset_and_queued_job(engineer: Client, hints: list[str]) -> None:
    response = post(engineer, GOOD)
    body = response.json()
    assert response.status_code == 201, body
    assert body["name"] == "support" and body["state"] == "importing" and body["newest_version"] is None
    assert body["job"]["status"] == "queued" and body["job"]["kind"] == "datasets.import"
    upload = Upload.objects.get(dataset=body["id"])
    assert upload.mapping == {
        "layout": "prompt_completion",
        "columns": {"prompt": "prompt", "completion": "completion"},
    }
    assert storage().size(upload.key) == len(GOOD)


def test_create__mapping_given__is_used(engineer: Client) -> None:
    rows = as_jsonl([{"a": "x", "b": "y", "c": "z"}])
    response = post(engineer, rows, mapping='{"prompt": "c", "completion": "a"}')
    assert response.status_code == 201, response.json()
    mapping = Upload.objects.get().mapping
    assert mapping and mapping["columns"] == {"prompt": "c", "completion": "a"}


def zip_bomb() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.jsonl", b"0" * 20_000_000)
    return held.getvalue()


REFUSED: dict[str, tuple[bytes, str, dict[str, str], str, str]] = {
    # id: content, file name, fields, field of the error, words of the message
    "B2 zip bomb named jsonl": (zip_bomb(), "rows.jsonl", {}, "file", "zip archive"),
    "B12 empty": (b"", "rows.jsonl", {}, "file", "empty"),
    "B12 header only": (b"prompt,completion\n", "rows.csv", {}, "file", "no rows"),
    "B12 mark only": (b"\xef\xbb\xbf", "rows.csv", {}, "file", "white space"),
    "B13 depth": (b'{"prompt": ' + b"[" * 100_000, "rows.jsonl", {}, "file", "nested deeper"),
    "B14 NaN": (b'{"prompt": "a", "completion": NaN}\n', "rows.jsonl", {}, "file", "NaN is not a number"),
    "B16 digits": (b'{"prompt": "a", "n": ' + b"9" * 10_000 + b"}\n", "rows.jsonl", {}, "file", "10000 digits"),
    "B17 surrogate": (b'{"prompt": "\\ud800", "completion": "b"}\n', "rows.jsonl", {}, "file", "surrogate"),
    "B18 Latin-1": ("prompt,completion\ncafé,ça va\n".encode("latin-1"), "rows.csv", {}, "encoding", "Line 2 is not UTF-8"),
    "B18 unknown encoding": (GOOD, "rows.jsonl", {"encoding": "klingon"}, "encoding", "no encoding"),
    "B19 long line": (b'{"prompt": "' + b"a" * 5_000_000 + b'"}\n', "rows.jsonl", {}, "file", "longer than 4 MiB"),
    "B20 trailing comma": (b'[{"prompt": "a", "completion": "b"},]', "rows.json", {}, "file", "comma before"),
    "B20 array said to be lines": (b'[{"prompt": "a"}]', "rows.json", {"format": "jsonl"}, "format", "one JSON array"),
    "truncated": (b'[{"prompt": "a", "completion": "b"},\n{"prompt": "a", "comp', "rows.json", {}, "file", "line 2, column"),
    "B22 unclosed quote": (b'prompt,completion\na,b\n"c,d\ne,f\n', "rows.csv", {}, "file", "opened on line 3"),
    "B25 not Parquet": (b"PAR1" + b"x" * 40 + b"PAR1", "rows.parquet", {}, "file", "Parquet"),
    "unknown format": (GOOD, "rows.jsonl", {"format": "xml"}, "format", "no format"),
    "missing column": (GOOD, "rows.jsonl", {"mapping": '{"prompt": "no", "completion": "x"}'}, "mapping.prompt", "no column “no”"),
    "mapping is no JSON": (GOOD, "rows.jsonl", {"mapping": "{"}, "mapping", "not JSON"),
    "no mapping fits": (b"weight\n1\n", "rows.csv", {}, "mapping", "fit no known layout"),
    "all rows bad": (as_jsonl([{"prompt": "a", "completion": ""}] * 3), "rows.jsonl", {}, "mapping", "None of the 3 rows"),
    "no name": (GOOD, "rows.jsonl", {"name": "  "}, "name", "name"),
    "name with a line break": (GOOD, "rows.jsonl", {"name": "a\nb"}, "name", "printable"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_create__bad_input__is_a_4xx_that_names_the_place(case: str, engineer: Client, own_storage: Path) -> None:
    content, file, fields, field, words = REFUSED[case]
    response = post(engineer, content, file, **fields)
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert error["field"] == field and words in error["message"], error
    assert not Dataset.objects.exists() and not Job.objects.exists()
    assert not [path for path in own_storage.rglob("*") if path.is_file()]


def test_create__no_file__names_the_field(engineer: Client) -> None:
    response = engineer.post(URL, {"name": "support"})
    assert response.status_code == 400 and response.json()["error"]["field"] == "file"


def test_create__json_body__is_415_in_the_shape_of_errors(engineer: Client) -> None:
    response = engineer.post(URL, json.dumps({"name": "a"}), content_type="application/json")
    assert response.status_code == 415 and response.json()["error"]["code"]


def test_create__name_taken_in_other_case__is_a_conflict(engineer: Client, workspace: Workspace) -> None:
    make_upload(workspace, name="Support")
    response = post(engineer, GOOD)
    assert response.status_code == 409 and response.json()["error"]["field"] == "name"


def test_create__above_the_size_limit__is_413(engineer: Client, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    response = post(engineer, GOOD)
    assert response.status_code == 413 and response.json()["error"]["code"] == "too_large"


def test_create__same_idempotency_key__starts_nothing_twice(engineer: Client) -> None:
    first, second = post(engineer, GOOD, key="k1"), post(engineer, GOOD, key="k1")
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    assert Job.objects.count() == Dataset.objects.count() == 1
    assert post(engineer, GOOD[:-1] + b" \n", key="k1").status_code == 409


def test_create__refused_with_a_key__may_be_mended_under_the_same_key(engineer: Client) -> None:
    assert post(engineer, b"", key="k1").status_code == 400
    assert post(engineer, GOOD, key="k1").status_code == 201


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("annotator", 403), ("curator", 201), ("owner", 201)])
def test_create__role__decides(role: str, status: int, client_of: Callable[[str], Client]) -> None:
    assert post(client_of(role), GOOD).status_code == status


def test_create__nobody__is_401(db: None) -> None:
    assert post(Client(), GOOD).status_code in (401, 403)


def test_detail__after_the_import__tells_the_version(engineer: Client, workspace: Workspace) -> None:
    version = make_version(workspace)
    body = engineer.get(f"{URL}{version.dataset_id}/").json()
    assert body["state"] == "ready" and body["newest_version"]["number"] == 1
    assert body["newest_version"]["content_hash"] == version.content_hash
    assert engineer.get(f"{URL}{version.dataset_id}/versions/").json()["results"][0]["id"] == str(version.pk)
    assert engineer.get(f"{URL}{version.dataset_id}/versions/1/").json()["row_count"] == 6
    assert engineer.get(f"{URL}?q=supp").json()["results"][0]["name"] == "support"
    assert engineer.get(f"{URL}?q=other").json()["results"] == []


def test_rows__paged_by_cursor__gives_every_row_once(engineer: Client, workspace: Workspace) -> None:
    version = make_version(workspace)
    url, seen = f"{URL}{version.dataset_id}/versions/1/rows/?limit=4", []
    while url:
        page = engineer.get(url).json()
        seen += page["results"]
        url = page["next"]
    assert [row["index"] for row in seen] == list(range(6))
    assert seen[3]["messages"] == [
        {"role": "user", "content": "Question 3?"},
        {"role": "assistant", "content": "Answer 3."},
    ]
    assert seen[3]["source_line"] == 4 and seen[3]["extra"] == {"topic": "odd"}


def test_rows__search__finds_in_any_message_and_any_case(engineer: Client, workspace: Workspace) -> None:
    version = make_version(workspace)
    url = f"{URL}{version.dataset_id}/versions/1/rows/"
    assert [row["index"] for row in engineer.get(url, {"q": "ANSWER 4"}).json()["results"]] == [4]
    assert engineer.get(url, {"q": "nothing like it"}).json() == {"results": [], "next": None, "scanned": 6}


@pytest.mark.parametrize("query", ["cursor=x", "cursor=-1", "cursor=99", "limit=a", "q=" + "a" * 300, "cursor=²"])
def test_rows__bad_parameter__is_400(query: str, engineer: Client, workspace: Workspace) -> None:
    version = make_version(workspace)
    response = engineer.get(f"{URL}{version.dataset_id}/versions/1/rows/?{query}")
    assert response.status_code == 400 and response.json()["error"]["field"] in ("cursor", "limit", "q")


def test_quarantine__bad_rows__come_with_line_and_reason(engineer: Client, workspace: Workspace) -> None:
    content = GOOD + b"not json\n" + as_jsonl([{"prompt": "", "completion": "b"}] * 3)
    version = make_version(workspace, content)
    assert version.quarantined_count == 4 and version.reasons == {"bad_json": 1, "empty_question": 3}
    url, seen = f"{URL}{version.dataset_id}/versions/1/quarantine/?limit=3", []
    while url:
        page = engineer.get(url).json()
        seen += page["results"]
        url = page["next"]
    assert [row["line"] for row in seen] == [7, 8, 9, 10] and seen[0]["raw"] == "not json"
    assert engineer.get(f"{URL}{version.dataset_id}/versions/1/quarantine/?cursor=5").status_code == 400
    download = engineer.get(f"{URL}{version.dataset_id}/versions/1/quarantine/download/")
    assert len(b"".join(download).splitlines()) == 4 and "attachment" in download["Content-Disposition"]


def test_download__version__gives_the_rows_back(engineer: Client, workspace: Workspace) -> None:
    version = make_version(workspace, name="Früh & Spät")
    download = engineer.get(f"{URL}{version.dataset_id}/versions/1/download/")
    rows = [json.loads(line) for line in b"".join(download).splitlines()]
    assert len(rows) == 6 and rows[1]["topic"] == "odd" and rows[1]["messages"][1]["content"] == "Answer 1."
    assert download["Content-Disposition"] == 'attachment; filename="fruh-spat-v1.jsonl"'
    assert engineer.get(f"{URL}{version.dataset_id}/versions/1/quarantine/download/").status_code == 404


def test_new_version__by_upload__becomes_the_next_number(engineer: Client, workspace: Workspace) -> None:
    version = make_version(workspace)
    file = io.BytesIO(GOOD + GOOD)
    file.name = "more.jsonl"
    response = engineer.post(f"{URL}{version.dataset_id}/versions/", {"file": file})
    assert response.status_code == 201, response.json()
    second = finish_import(Upload.objects.filter(dataset=version.dataset).order_by("-created_at")[0])
    assert second.number == 2 and second.parent == version and second.row_count == 12


def test_delete__by_role__and_by_state(client_of: Callable[[str], Client], workspace: Workspace) -> None:
    version = make_version(workspace)
    url, folder = f"{URL}{version.dataset_id}/", f"datasets/{version.dataset_id}"
    assert client_of("viewer").delete(url).status_code == 403
    assert client_of("curator").delete(url).status_code == 204
    assert client_of("viewer").get(url).status_code == 404
    assert storage().exists(folder)  # files go on commit, which a test never reaches


DOORS = [
    "",
    "versions/",
    "versions/1/",
    "versions/1/rows/",
    "versions/1/quarantine/",
    "versions/1/download/",
    "versions/1/quarantine/download/",
]


@pytest.mark.parametrize("door", DOORS)
def test_every_door__stranger__sees_nothing(
    door: str, client_of: Callable[[str], Client], workspace: Workspace
) -> None:
    version = make_version(workspace, GOOD + b"x\n")
    stranger, viewer = client_of("stranger"), client_of("viewer")
    assert viewer.get(f"{URL}{version.dataset_id}/{door}").status_code == 200
    for method in ("get", "post", "delete"):
        answer = getattr(stranger, method)(f"{URL}{version.dataset_id}/{door}")
        assert answer.status_code in (404, 405), (method, answer.content)
    assert stranger.get(URL).json()["results"] == []
    assert Client().get(f"{URL}{version.dataset_id}/{door}").status_code in (401, 403)


def test_detail__id_that_is_no_uuid__is_404(engineer: Client) -> None:
    response = engineer.get(f"{URL}../../etc/")
    assert response.status_code == 404
    assert engineer.get(f"{URL}1%20or%201/").json()["error"]["code"] == "not_found"
