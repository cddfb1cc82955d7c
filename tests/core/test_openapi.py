"""The description of the API: it can be made without a warning, and every operation says what it answers."""

from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("openapi") / "schema.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(path))
    described: dict[str, Any] = yaml.safe_load(path.read_text())
    return described


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(p, m, op) for p, methods in schema["paths"].items() for m, op in methods.items() if m in METHODS]


def test_schema__generated__is_valid_and_without_warnings(schema: dict[str, Any]) -> None:
    assert len(operations(schema)) >= 6


def test_schema__every_operation__tells_its_success_and_its_errors(schema: dict[str, Any]) -> None:
    silent = []
    for path, method, operation in operations(schema):
        answers = operation["responses"]
        good = [answers[code] for code in answers if code.startswith("2")]
        told = good and all("content" in answer or "204" in answers for answer in good)
        if not told or not {"400", "401", "403", "404"} <= set(answers):
            silent.append((method, path))
    assert silent == []


def test_schema__errors__have_the_one_shape(schema: dict[str, Any]) -> None:
    for _path, _method, operation in operations(schema):
        content = operation["responses"]["404"]["content"]["application/json"]
        assert content == {"schema": {"$ref": "#/components/schemas/Error"}}


def test_schema__lists__have_the_one_shape(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        for answer in operation["responses"].values():
            for media in answer.get("content", {}).values():
                assert media.get("schema", {}).get("type") != "array", (method, path)


def test_schema__every_operation__has_words_for_people_and_needs_a_sign_in(schema: dict[str, Any]) -> None:
    wordless = [(m, p) for p, m, op in operations(schema) if not op.get("description") and not op.get("summary")]
    assert wordless == []
    assert [(m, p) for p, m, op in operations(schema) if {} in op.get("security", [{}])] == []


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/schema/", "/api/docs/"])
def test_pages_of_the_description__are_there(client: Client, address: str) -> None:
    assert client.get(address).status_code == 200
