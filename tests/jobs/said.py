"""Events as a program writes them, with as little said as possible."""

from typing import Any


def metric(seq: int, step: int, value: float | None = 1.0, name: str = "loss") -> dict[str, Any]:
    return {"seq": seq, "at": 1.7e9, "type": "metric", "step": step, "name": name, "value": value}


def log(seq: int, text: str = "hello", level: str = "info") -> dict[str, Any]:
    return {"seq": seq, "at": 1.7e9 + seq, "type": "log", "level": level, "text": text}


def other(seq: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"seq": seq, "at": 1.7e9, "type": kind, **fields}


def checkpoint(seq: int, step: int, **fields: Any) -> dict[str, Any]:
    manifest = {"files": [{"name": "a", "size": 3}, {"name": "b", "size": 4}]}
    return other(seq, "checkpoint", step=step, folder=f"checkpoints/step-{step:08d}", manifest=manifest, **fields)


def curve(first_seq: int, steps: range, value: float = 1.0, name: str = "loss") -> list[dict[str, Any]]:
    return [metric(first_seq + place, step, value, name) for place, step in enumerate(steps)]
