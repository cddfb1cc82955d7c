"""What may be asked, and which field is named when it may not."""

from typing import Any

import pytest

from apps.core.errors import Problem
from apps.gateway import asked

BODY: dict[str, Any] = {"model": "support-a", "messages": [{"role": "user", "content": "Hello"}]}


def test_read__least_body__has_openai_defaults() -> None:
    found = asked.read(BODY)
    assert found.request == {
        "messages": BODY["messages"], "max_tokens": 512, "temperature": 1.0, "top_p": 1.0, "seed": None, "stop": [],
    }  # fmt: skip
    assert (found.model, found.user, found.is_stream, found.with_usage) == ("support-a", "", False, False)


def test_read__unknown_and_idle_fields__are_let_pass() -> None:
    more = {
        "metadata": {"a": 1}, "store": False, "service_tier": "auto", "frequency_penalty": 0.5, "presence_penalty": 0, "n": 1,
        "tools": [], "tool_choice": "none", "logprobs": False, "response_format": {"type": "text"}, "x-own": [1, 2],
        "parallel_tool_calls": True, "modalities": ["text"], "reasoning_effort": "low", "stream_options": None, "user": None,
    }  # fmt: skip
    assert asked.read({**BODY, **more}).request == asked.read(BODY).request


def test_read__parts_and_developer__become_text_and_system() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts, "name": "Mia"}]
    found = asked.read({**BODY, "messages": messages})
    assert found.request["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]


def test_read__max_completion_tokens_stop_and_seed__are_taken() -> None:
    found = asked.read({**BODY, "max_completion_tokens": 9, "max_tokens": 7, "stop": "END", "seed": -1}).request
    assert (found["max_tokens"], found["stop"], found["seed"]) == (9, ["END"], 2**63 - 1)


@pytest.mark.parametrize(
    ("param", "body"),
    [
        ("", []), ("", None), ("model", {"model": ""}), ("model", {"model": 7}), ("model", {"model": "x" * 201}),
        ("messages", {"messages": None}), ("messages", {"messages": []}), ("messages", {"messages": [BODY["messages"][0]] * 201}),
        ("messages", {"messages": [{"role": "user", "content": "x" * 50_001}]}),
        ("messages[0]", {"messages": ["hello"]}), ("messages[0].role", {"messages": [{"content": "x"}]}),
        ("messages[0].role", {"messages": [{"role": "tool", "content": "x"}]}),
        ("messages[0].role", {"messages": [{"role": ["user"], "content": "x"}]}),
        ("messages[0].content", {"messages": [{"role": "user"}]}), ("messages[0].content", {"messages": [{"role": "user", "content": []}]}),
        ("messages[0].content[1]", {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}]}),
        ("max_tokens", {"max_tokens": 0}), ("max_tokens", {"max_tokens": 1.5}), ("max_tokens", {"max_tokens": True}),
        ("max_tokens", {"max_tokens": 10**9}), ("max_completion_tokens", {"max_completion_tokens": -1}),
        ("temperature", {"temperature": 2.1}), ("temperature", {"temperature": "hot"}), ("top_p", {"top_p": -0.1}),
        ("seed", {"seed": 1.5}), ("seed", {"seed": 2**64}), ("stop", {"stop": 5}), ("stop", {"stop": ["a"] * 5}),
        ("stop", {"stop": [1]}), ("stream", {"stream": "yes"}), ("stream_options", {"stream_options": True}),
        ("stream_options.include_usage", {"stream_options": {"include_usage": 1}}), ("user", {"user": 5}),
        ("n", {"n": 2}), ("tools", {"tools": [{"type": "function"}]}), ("logprobs", {"logprobs": True}),
        ("response_format", {"response_format": {"type": "json_object"}}),
    ],
)  # fmt: skip
def test_read__bad_body__names_the_parameter(param: str, body: Any) -> None:
    with pytest.raises(Problem) as refused:
        asked.read({**BODY, **body} if isinstance(body, dict) else body)
    assert refused.value.field == param
