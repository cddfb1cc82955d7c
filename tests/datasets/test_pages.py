"""The pages of datasets: a newcomer's path, what is refused and where it is said, and who sees nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User, Workspace
from apps.core.storage import storage
from apps.datasets.models import Dataset, Upload
from apps.jobs.models import Job, Status
from tests.cast import Cast
from tests.make import PAIRS, as_jsonl, finish_import, make_api_key, make_upload, make_version

Browser = Callable[[User], Client]
Answer = Any  # of the test client
GOOD = as_jsonl(PAIRS)


@pytest.fixture
def page(cast: Cast, browser_of: Browser) -> Client:
    return browser_of(cast.engineer)


def send(page: Client, content: bytes, file: str = "rows.jsonl", name: str = "support", **headers: str) -> Any:
    return page.post("/datasets/new/", {"name": name, "file": SimpleUploadedFile(file, content)}, headers=headers)


def test_list__no_data__teaches_and_offers_the_sample(page: Client) -> None:
    text = page.get("/datasets/").content.decode()
    assert "Everything starts here" in text and "/datasets/new/" in text and "/datasets/demo/" in text


def test_path_of_a_newcomer__upload_map_import_rows(page: Client) -> None:
    sent = send(page, GOOD)
    upload = Upload.objects.get()
    assert sent.status_code == 302 and sent.url == upload.get_absolute_url()
    mapping = page.get(sent.url).content.decode()
    assert "Question 0?" in mapping and "Import 6 rows" in mapping
    assert "waits for its columns" in page.get(upload.dataset.get_absolute_url()).content.decode()
    form = {
        "layout": "prompt_completion",
        "was": "prompt_completion",
        "role-prompt": "completion",
        "role-completion": "prompt",
    }
    started: Answer = page.post(sent.url, form)
    assert started.status_code == 302 and started.url == upload.dataset.get_absolute_url()
    assert "Importing now" in page.get(started.url).content.decode()
    upload.refresh_from_db()
    version = finish_import(upload)
    Job.objects.update(status=Status.SUCCEEDED)
    text = page.get(started.url).content.decode()
    assert "Answer 0." in text and version.content_hash in text and f"?version={version.pk}" in text
    assert "Importing now" not in text


def test_upload__by_script__answers_where_to_go(page: Client) -> None:
    response = send(page, GOOD, accept="application/json")
    assert response.status_code == 201 and response.json()["url"] == Upload.objects.get().get_absolute_url()


def test_upload__refused__says_so_beside_the_field_and_keeps_the_name(page: Client) -> None:
    response = send(page, b'a,b\n"1,2\n', "rows.csv")
    text = response.content.decode()
    assert response.status_code == 400 and "opened on line 2" in text and 'value="support"' in text
    by_script = send(page, b"", accept="application/json")
    assert by_script.status_code == 400 and by_script.json()["error"]["field"] == "file"
    assert not Dataset.objects.exists()


def test_upload__name_taken__is_said_beside_the_name(page: Client, workspace: Workspace) -> None:
    make_upload(workspace)
    response = send(page, GOOD)
    assert response.status_code == 409 and "already a dataset" in response.content.decode()


def test_upload__latin1__shows_the_guess_and_takes_another(page: Client) -> None:
    sent = send(page, "prompt,completion\ncafé,b\n".encode("latin-1"), "rows.csv")
    text = page.get(sent.url).content.decode()
    assert "It is not UTF-8 from line 2 on." in text and "café" in text
    other = page.get(sent.url, {"encoding": "cp1251"}, headers={"HX-Request": "true"}).content.decode()
    assert "cafй" in other and "<html" not in other


def test_mapping__read_in_another_encoding__takes_the_columns_by_their_new_names(
    page: Client, workspace: Workspace
) -> None:
    upload = make_upload(workspace, "prénom,réponse\na,b\n".encode("latin-1"), file="rows.csv")
    chosen = {"layout": "prompt_completion", "was": "prompt_completion", "encoding": "cp1251", "read-as": "cp1252"}
    roles = {"role-prompt": "prénom", "role-completion": "réponse"}
    text = page.get(upload.get_absolute_url(), {**chosen, **roles}).content.decode()
    assert "<option selected>prйnom</option>" in text and "<option selected>rйponse</option>" in text
    assert "Import 1 row" in text


def test_mapping__layout_changed__fills_the_roles_again(page: Client, workspace: Workspace) -> None:
    upload = make_upload(workspace)
    text = page.get(upload.get_absolute_url(), {"layout": "alpaca", "was": "prompt_completion"}).content.decode()
    assert 'id="role-instruction"' in text and "Import 6 rows" in text


def test_mapping__column_missing__is_said_and_nothing_starts(page: Client, workspace: Workspace) -> None:
    upload = make_upload(workspace)
    form = {
        "layout": "prompt_completion",
        "was": "prompt_completion",
        "role-prompt": "nope",
        "role-completion": "prompt",
    }
    for response in (page.get(upload.get_absolute_url(), form), page.post(upload.get_absolute_url(), form)):
        assert "no column “nope”" in response.content.decode()
    assert response.status_code == 400 and not Job.objects.exists()


def test_mapping__no_good_row__cannot_be_imported(page: Client, workspace: Workspace) -> None:
    upload = make_upload(workspace, as_jsonl([{"prompt": "a", "completion": ""}]))
    assert "Import 0 rows" in page.get(upload.get_absolute_url()).content.decode()
    response = page.post(upload.get_absolute_url(), {"layout": "", "was": ""})
    assert response.status_code == 400 and "None of the 1 rows" in response.content.decode()


def test_mapping__imported_twice_at_once__is_a_conflict(page: Client, workspace: Workspace) -> None:
    upload = make_upload(workspace)
    assert page.post(upload.get_absolute_url(), {}).status_code == 302
    response = page.post(upload.get_absolute_url(), {})
    assert response.status_code == 409 and "being imported already" in response.content.decode()
    assert Job.objects.count() == 1


def test_cancel__queued_import__ends_it_and_offers_it_again(page: Client, workspace: Workspace) -> None:
    upload = make_upload(workspace, start=True)
    response = page.post(f"{upload.get_absolute_url()}cancel/", follow=True)
    assert "was cancelled" in response.content.decode()
    assert Job.objects.get().status == Status.CANCELLED


def test_detail__import_failed__says_why_and_what_to_do(page: Client, workspace: Workspace) -> None:
    upload = make_upload(workspace, start=True)
    Job.objects.update(status=Status.FAILED, failure_message="The quote is open.", failure_hint="Close it.")
    text = page.get(upload.dataset.get_absolute_url()).content.decode()
    assert "The quote is open." in text and "Close it." in text and "Look at it again" in text


def test_rows__text_of_rows__is_escaped(page: Client, workspace: Workspace) -> None:
    """B30"""
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    version = make_version(workspace, as_jsonl([{"prompt": attack, "completion": attack, attack: attack}]))
    for path in (version.get_absolute_url(), version.provenance_id and Upload.objects.get().get_absolute_url()):
        text = page.get(str(path)).content.decode()
        assert "&lt;script&gt;alert" in text and "<script>alert" not in text and "<img src=x" not in text


def test_rows__search_and_partial__give_the_table_alone(page: Client, workspace: Workspace) -> None:
    version = make_version(workspace)
    part = page.get(version.get_absolute_url(), {"q": "answer 3"}, headers={"HX-Request": "true", "HX-Target": "rows"})
    text = part.content.decode()
    assert "Question 3?" in text and "Question 2?" not in text and "<html" not in text
    row = page.get(version.get_absolute_url(), {"row": "2"}, headers={"HX-Request": "true", "HX-Target": "row"})
    assert "Answer 2." in row.content.decode() and "Question 3?" not in row.content.decode()
    assert "No row has these words" in page.get(version.get_absolute_url(), {"q": "zzz"}).content.decode()


def test_rows__pages__lead_on_and_back(page: Client, workspace: Workspace) -> None:
    rows = [{"prompt": f"Q{n}", "completion": "A"} for n in range(60)]
    url = make_version(workspace, as_jsonl(rows)).get_absolute_url()
    second = page.get(url, {"cursor": "25"}).content.decode()
    assert "26 to 50 of 60" in second and "cursor=50" in second and "?cursor=0" in second
    assert page.get(url, {"cursor": "x"}).status_code == 400


def test_quarantine__bad_rows__are_listed_with_line_and_reason(page: Client, workspace: Workspace) -> None:
    version = make_version(workspace, GOOD + b"<b>no json</b>\n")
    text = page.get(f"{version.get_absolute_url()}quarantine/").content.decode()
    assert "Not JSON at column 1" in text and "&lt;b&gt;no json" in text and "quarantine/download/" in text
    download = page.get(f"{version.get_absolute_url()}quarantine/download/")
    assert b"no json" in b"".join(download)
    assert b"Question 0?" in b"".join(page.get(f"{version.get_absolute_url()}download/"))


def test_versions__second_upload__stands_above_the_first(page: Client, workspace: Workspace) -> None:
    first = make_version(workspace)
    second = finish_import(make_upload(workspace, GOOD * 2, dataset=first.dataset))
    text = page.get(f"/datasets/{first.dataset_id}/versions/").content.decode()
    assert text.index("v2") < text.index("after v1") and second.content_hash[:12] in text
    assert "New version of support" in page.get(f"/datasets/{first.dataset_id}/new-version/").content.decode()


def test_delete__name_typed__removes_rows_and_files(
    page: Client, workspace: Workspace, django_capture_on_commit_callbacks: Any
) -> None:
    version = make_version(workspace)
    url = f"/datasets/{version.dataset_id}/delete/"
    assert "not the name" in page.post(url, {"name": "other"}).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert page.post(url, {"name": "support"}).status_code == 302
    assert not Dataset.objects.exists() and not storage().exists(f"datasets/{version.dataset_id}")


def test_demo__asked_for_twice__is_there_once(page: Client) -> None:
    first: Answer = page.post("/datasets/demo/")
    second: Answer = page.post("/datasets/demo/")
    assert first.url == second.url
    assert Dataset.objects.get().newest.row_count > 300  # type: ignore[union-attr]


def test_list__search_filter_sort__narrow_it(page: Client, workspace: Workspace) -> None:
    make_version(workspace, name="alpha")
    make_version(workspace, GOOD * 3, name="beta")
    make_upload(workspace, name="gamma")

    def names(**query: str) -> list[str]:
        text = page.get("/datasets/", query, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in text
        return sorted({"alpha", "beta", "gamma"} & set(text.replace(">", "<").split("<")), key=text.index)

    assert names() == ["gamma", "beta", "alpha"]
    assert names(q="ALP") == ["alpha"]
    assert names(sort="name") == ["alpha", "beta", "gamma"]
    assert names(sort="-rows") == ["beta", "alpha", "gamma"]
    assert names(state="ready", sort="name") == ["alpha", "beta"]
    assert names(state="mapping") == ["gamma"]
    assert names(layout="alpaca") == []
    assert names(sort="workspace__members__password", page="999") == ["gamma", "beta", "alpha"]  # B49, B53


def test_list__many_datasets__takes_few_queries(
    page: Client, cast: Cast, workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    first = make_version(workspace)
    finish_import(make_upload(workspace, GOOD * 2, dataset=first.dataset))
    for number in range(4):
        make_upload(workspace, name=f"other {number}", start=number % 2 == 0)
    with django_assert_max_num_queries(30):
        text = page.get("/datasets/").content.decode()
    assert text.count("Columns to be chosen</span>") == 2 and text.count('data-status="info"') == 2
    client = Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.viewer, workspace)}")
    with django_assert_max_num_queries(20):
        results = client.get("/api/v1/datasets/").json()["results"]
    assert results[-1]["newest_version"]["number"] == 2
    assert [row["state"] for row in results] == ["mapping", "importing", "mapping", "importing", "ready"]


PAGES = [
    "{dataset}", "{dataset}versions/", "{dataset}v1/", "{dataset}v1/quarantine/", "{dataset}v1/download/",
    "{dataset}v1/quarantine/download/", "{dataset}new-version/", "{dataset}delete/", "{upload}", "{upload}cancel/",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PAGES)
def test_every_page__stranger__sees_nothing(pattern: str, cast: Cast, browser_of: Browser) -> None:
    version = make_version(cast.workspace, GOOD + b"x\n")
    upload = Upload.objects.get()
    url = pattern.format(dataset=version.dataset.get_absolute_url(), upload=upload.get_absolute_url())
    owner, stranger = browser_of(cast.owner), browser_of(cast.stranger)
    assert owner.get(url).status_code in (200, 405)
    for method in (stranger.get, stranger.post):
        assert method(url).status_code in (404, 405)
    assert Client().get(url).status_code in (302, 405)
    assert "support" not in stranger.get("/datasets/").content.decode()


def test_upload_of_another_dataset__in_the_path__is_404(page: Client, workspace: Workspace) -> None:
    one, other = make_upload(workspace, name="one"), make_upload(workspace, name="other")
    assert page.get(f"/datasets/{one.dataset_id}/import/{other.pk}/").status_code == 404


@pytest.mark.parametrize("verb", ["new/", "demo/", "{dataset}new-version/", "{dataset}delete/", "{upload}"])
def test_pages_that_change__viewer__are_forbidden(verb: str, cast: Cast, browser_of: Browser) -> None:
    version = make_version(cast.workspace)
    url = verb.format(dataset=version.dataset.get_absolute_url(), upload=Upload.objects.get().get_absolute_url())
    url = url if url.startswith("/") else f"/datasets/{url}"
    viewer = browser_of(cast.viewer)
    assert viewer.post(url).status_code == 403
    seen = viewer.get(version.get_absolute_url()).content.decode()
    assert "Question 0?" in seen and "new-version" not in seen and "Delete the dataset" not in seen
