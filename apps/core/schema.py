"""What every operation of the API may answer besides its own success, for the OpenAPI description."""

from typing import Any

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "A word for programs."},
                "message": {"type": "string", "description": "A sentence for people."},
                "field": {"type": "string", "description": "The place that is wrong."},
                "hint": {"type": "string", "description": "The way out."},
            },
        }
    },
}
MEANINGS = {
    "400": "The input is not valid.",
    "401": "Not signed in, or the key is not valid.",
    "403": "Your role does not allow this.",
    "404": "There is no such object in your workspaces.",
    "409": "The object is in a state that forbids this, or an Idempotency-Key was used for another request.",
    "413": "Too large.",
    "415": "This media type is not read.",
}
READING = {"400", "401", "403", "404"}
METHODS = {"get", "post", "put", "patch", "delete"}


def as_answered(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: the one shape of errors for all operations, and the one shape of lists."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in result["paths"].values():
        for method, operation in path.items():
            if method not in METHODS:
                continue
            for answer in operation["responses"].values():
                _wrap_list(answer)
            for code, meaning in MEANINGS.items():
                if code in READING or method != "get":
                    operation["responses"].setdefault(code, {"description": meaning, "content": content})
    return result


def _wrap_list(answer: dict[str, Any]) -> None:
    """A list without a paginator is answered as {"results", "next"} all the same."""
    for media in answer.get("content", {}).values():
        if media.get("schema", {}).get("type") == "array":
            link = {"type": "string", "format": "uri", "nullable": True}
            fields = {"results": media["schema"], "next": link}
            media["schema"] = {"type": "object", "required": ["results", "next"], "properties": fields}
