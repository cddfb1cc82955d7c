"""Every error leaves as {"error": {code, message, field?, hint?}}, 4xx when the caller can mend it."""

import base64
import json
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.doors")]

ANSWERS: list[tuple[str, int, dict[str, str]]] = [
    ("problem", 400, {"code": "short", "message": "It is too short.", "field": "name", "hint": "Use 3 letters."}),
    ("conflict", 409, {"code": "conflict", "message": "Somebody was first."}),
    ("too-large", 413, {"code": "too_large", "message": "Too large."}),
    ("parse", 400, {"code": "parse_error", "message": "broken"}),
    ("authentication", 401, {"code": "authentication_failed", "message": "Incorrect authentication credentials."}),
    (
        "not-authenticated",
        401,
        {"code": "not_authenticated", "message": "Authentication credentials were not provided."},
    ),
    ("permission", 403, {"code": "not_you", "message": "not you"}),
    ("not-found", 404, {"code": "not_found", "message": "Not found."}),
    ("method", 405, {"code": "method_not_allowed", "message": 'Method "PUT" not allowed.'}),
    ("not-acceptable", 406, {"code": "not_acceptable", "message": "Could not satisfy the request Accept header."}),
    ("media-type", 415, {"code": "unsupported_media_type", "message": 'Unsupported media type "text/x" in request.'}),
    ("throttled", 429, {"code": "throttled", "message": "Request was throttled. Expected available in 7 seconds."}),
    ("invalid-text", 400, {"code": "invalid", "message": "all wrong"}),
    ("invalid-field", 400, {"code": "invalid", "message": "too short", "field": "name"}),
    ("invalid-deep", 400, {"code": "invalid", "message": "must be positive", "field": "recipe.lora.r"}),
    ("invalid-list", 400, {"code": "invalid", "message": "too short", "field": "name"}),
    ("invalid-whole", 400, {"code": "invalid", "message": "do not fit together"}),
    ("invalid-names", 400, {"code": "invalid", "message": "is empty", "field": "message"}),
    ("http-404", 404, {"code": "not_found", "message": "There is no such object."}),
    ("http-403", 403, {"code": "permission_denied", "message": "Your role does not allow this."}),
    ("http-403-told", 403, {"code": "permission_denied", "message": "Only owners."}),
    ("model-field", 400, {"code": "invalid", "message": "Enter a valid slug.", "field": "slug"}),
    ("model-text", 400, {"code": "invalid", "message": "No valid date."}),
    ("suspicious", 400, {"code": "invalid", "message": "The request cannot be read."}),
]


@pytest.fixture
def api(cast: Cast, api_of: Callable[..., APIClient]) -> APIClient:
    return api_of(cast.owner, cast.workspace)


@pytest.mark.parametrize(("what", "status", "error"), ANSWERS, ids=[what for what, *_rest in ANSWERS])
def test_api__raising__answers_in_the_one_shape(api: APIClient, what: str, status: int, error: dict[str, str]) -> None:
    answer = api.get(f"/api/v1/raise/{what}/")
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_api__throttled__says_when_to_come_again(api: APIClient) -> None:
    assert api.get("/api/v1/raise/throttled/")["Retry-After"] == "7"


def test_api__our_fault__is_500_in_shape_and_keeps_its_secret(api: APIClient) -> None:
    api.raise_request_exception = False
    answer = api.get("/api/v1/raise/bug/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
    assert b"secret" not in answer.content


def test_api__unknown_address__is_404_in_shape_also_for_nobody(client: Client) -> None:
    answer = client.get("/api/v1/no/such/thing/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_api__wrong_method__is_405_with_allow(api: APIClient) -> None:
    answer = api.put("/api/v1/raise/x/", {}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in answer["Allow"]


@pytest.mark.parametrize(
    "media_type", ["text/xml", "application/x-www-form-urlencoded", "application/x-yaml", "nonsense"]
)
def test_api__other_media_type__is_415(api: APIClient, media_type: str) -> None:
    answer = api.post("/api/v1/raise/x/", "name=x", content_type=media_type)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


BROKEN = {
    "nothing": b"",
    "truncated": b'{"name": ',
    "trailing comma": b'{"name": "x",}',
    "text": b"hello",
    "NaN": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "too large a number": b'{"name": 1e400}',
    "too many digits": b'{"name": ' + b"1" * 5000 + b"}",
    "too deep": b"[" * 100_000,
    "latin-1": '{"name": "é"}'.encode("latin-1"),
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "NUL": b'{"name": "a\\u0000"}',
    "NUL in a key": b'{"na\\u0000me": "x"}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "hidden deep": b'{"name": [{"x": ["\\udfff"]}]}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_api__json_that_cannot_be_kept__is_400(api: APIClient, body: bytes) -> None:
    answer = api.post("/api/v1/raise/x/", body, content_type="application/json")
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("body", [b"[]", b"7", b'"x"', b"null", b'[{"name": "x"}]'])
def test_api__json_of_another_type__is_400(api: APIClient, body: bytes) -> None:
    assert api.post("/api/v1/raise/x/", body, content_type="application/json").status_code == 400


def test_api__charset_that_does_not_exist__is_read_as_utf8(api: APIClient) -> None:
    answer = api.post("/api/v1/raise/x/", '{"name": "é"}'.encode(), content_type="application/json; charset=nonsense")
    assert (answer.status_code, answer.json()) == (200, {"name": "é"})


def test_api__json_larger_than_the_limit__is_413_and_not_read_whole(api: APIClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = json.dumps({"name": "x" * 200})
    answer = api.post("/api/v1/raise/x/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_api__form_with_too_many_or_too_large_fields__is_4xx(api: APIClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 5
    assert api.post("/api/v1/raise/x/", {f"f{n}": "x" for n in range(9)}, format="multipart").status_code == 400
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert api.post("/api/v1/raise/x/", {"name": "x" * 200}, format="multipart").status_code == 413


@pytest.mark.parametrize("address", ["/api/v1/jobs/?status=%00", "/api/v1/jobs/?cursor=a%00", "/?q=%00"])
def test_nul_in_a_query__anywhere__is_400(api: APIClient, address: str) -> None:
    answer = api.get(address, HTTP_ACCEPT="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")


CURSORS = [
    "nonsense",
    "%ff",
    base64.b64encode(b"p=not-a-date").decode(),
    base64.b64encode(b"o=99999999999&p=x").decode(),
]


@pytest.mark.parametrize("cursor", CURSORS)
def test_cursor__made_up__is_4xx(api: APIClient, cursor: str) -> None:
    answer = api.get("/api/v1/jobs/", {"cursor": cursor})
    assert answer.status_code in (200, 400, 404)
    assert set(answer.json()) in ({"error"}, {"results", "next"})


def test_host__unknown__is_400(api: APIClient) -> None:
    answer = api.get("/api/v1/jobs/", HTTP_HOST="evil.example")
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_page_under_api__raising_a_problem__answers_json(cast: Cast, browser_of: Callable[..., Client]) -> None:
    answer = browser_of(cast.owner).get("/api/page/conflict/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_page__raising_a_problem__is_a_page_that_says_it(cast: Cast, browser_of: Callable[..., Client]) -> None:
    answer = browser_of(cast.owner).get("/page/problem/")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/html")
    assert b"It is too short." in answer.content
    assert b"Use 3 letters." in answer.content
