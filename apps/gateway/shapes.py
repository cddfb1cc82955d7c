"""How answers look to clients of the OpenAI API: completions, chunks, models, errors. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from apps.core.errors import Problem

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
CODES = {"not_found": "model_not_found", "invalid": None}


def error(problem: Problem, status: int) -> dict[str, Any]:
    """OpenAI's error object: message, type, param, code."""
    kind = TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
    message = " ".join(filter(None, [problem.message, problem.hint]))
    code = CODES.get(problem.code, problem.code)
    return {"error": {"message": message, "type": kind, "param": problem.field or None, "code": code}}


def usage(counts: Mapping[str, int]) -> dict[str, int]:
    prompt, completion = counts.get("prompt_tokens", 0), counts.get("completion_tokens", 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def completion(head: Mapping[str, Any], text: str, finish: str, counts: Mapping[str, int]) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage(counts)}


def chunk(head: Mapping[str, Any], delta: Mapping[str, Any], finish: str = "", *, with_usage: bool = False) -> bytes:
    """Some words as an event. Where usage was asked for, every chunk but the last has it as null."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish or None}
    more = {"usage": None} if with_usage else {}
    return event({**head, "object": "chat.completion.chunk", "choices": [choice], **more})


def usage_chunk(head: Mapping[str, Any], counts: Mapping[str, int]) -> bytes:
    return event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage(counts)})


def event(body: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n\n"


DONE = b"data: [DONE]\n\n"


def model(name: str, created: int, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": owner}
