"""The stations of the ring for programs: each does one stage over REST and checks what it promises."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.e2e.console import ROOT

DEMO = ROOT / "apps/datasets/demo/harbour-and-pine-support.jsonl"
QUICK = {
    "max_steps": 4, "eval_every": 2, "save_every": 2, "sample_count": 1, "sample_max_tokens": 8, "max_length": 128, "learning_rate": 0.002,
}  # fmt: skip
CRITERIA = ("relevance", "fluency", "accuracy")
Json = dict[str, Any]


class Api:
    """One person's door."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def get(self, path: str, **params: Any) -> Any:
        return self._read(self.http.get(path, params=params))

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self._read(self.http.post(path, json=body, **more))

    def put(self, path: str, body: Any = None) -> Any:
        return self._read(self.http.put(path, json=body))

    def refused(self, path: str, body: Any = None) -> tuple[int, Json]:
        answer = self.http.post(path, json=body)
        return answer.status_code, answer.json()

    @staticmethod
    def _read(answer: httpx.Response) -> Any:
        assert answer.is_success, (
            f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:600]}"
        )
        return answer.json() if answer.content else None


def wait_for(find: Callable[[], Any], what: str, seconds: float = 300) -> Any:
    until = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.3)
    return found


def finished(api: Api, job: str) -> Json:
    """The job at its end, which must be a success."""

    def over() -> Json | None:
        row: Json = api.get(f"jobs/{job}/")
        return row if row["status"] in ("succeeded", "failed", "cancelled") else None

    row: Json = wait_for(over, f"job {job} ends")
    assert row["status"] == "succeeded", row
    return row


def upload(clara: Api) -> Json:
    rows = DEMO.read_bytes().splitlines(keepends=True)[:120]
    answer = clara.http.post("datasets/", data={"name": "ring"}, files={"file": ("support.jsonl", b"".join(rows))})
    made: Json = clara._read(answer)
    finished(clara, made["job"]["id"] if isinstance(made["job"], dict) else made["job"])
    return made


def clean_and_split(clara: Api, dataset: str) -> Json:
    steps = [{"step": "html"}, {"step": "unicode"}, {"step": "whitespace"}, {"step": "duplicates"}]
    split = {"fractions": {"train": 0.7, "validation": 0.15, "test": 0.15}, "seed": 7}
    job = clara.post(f"datasets/{dataset}/versions/1/prepare/", {"steps": steps, "split": split})
    finished(clara, job["id"])
    version: Json = clara.get(f"datasets/{dataset}/versions/2/")
    assert set(version["splits"]["counts"]) == {"train", "validation", "test"}
    return version


def label(clara: Api, annotators: list[Api], version: str) -> Json:
    """Two people say of each of six rows whether it is good enough; what both find good becomes the next version."""
    [config] = [c["label_config"] for c in clara.get("label-configs/")["results"] if c["name"] == "quality"]
    wanted = {
        "name": "ring-quality",
        "label_config": config,
        "dataset_version": version,
        "overlap": 2,
        "keep": {"quality": ["good"]},
    }
    project = clara.post("label-projects/", {**wanted, "limit": 40})
    clara.post(f"label-projects/{project['id']}/status/", {"status": "open"})
    for person in annotators:
        seen = 0
        while task := person.post(f"label-projects/{project['id']}/tasks/next/", {})["assignment"]:
            seen += 1
            verdict = "bad" if "refund" in str(task["data"]).lower() else "good"
            region = {"from_name": "quality", "to_name": "given", "type": "choices", "value": {"choices": [verdict]}}
            answer = {"assignment": task["id"], "result": [region], "lead_time": 2.5}
            person.post(f"label-projects/{project['id']}/annotations/", answer)
        assert seen == 40
    progress = clara.get(f"label-projects/{project['id']}/progress/")
    assert progress["agreement"][0]["value"] == 1.0 or progress["agreement"][0]["undefined"]
    clara.post(f"label-projects/{project['id']}/status/", {"status": "closed"})
    frozen: Json = clara.post(f"label-projects/{project['id']}/freeze/", {})
    assert 10 <= frozen["row_count"] <= 40
    return frozen


def train(emil: Api, version: str, name: str, base: str = "") -> Json:
    base = base or emil.get("base-models/")["results"][0]["slug"]
    run = emil.post("runs/", {"name": name, "base_model": base, "dataset_version": version, "recipe": QUICK})
    finished(emil, run["job"]["id"])
    done: Json = emil.get(f"runs/{run['id']}/")
    return done


def judge(emil: Api, raters: dict[str, Api], checkpoint: str, version: str) -> Json:
    """A round of twelve prompts: three people who agree well enough for the gate that was fixed before."""
    report = emil.post(
        "metric-reports/", {"checkpoint": checkpoint, "dataset_version": version, "max_rows": 6, "max_tokens": 12}
    )
    finished(emil, report["job"])
    metrics = emil.get(f"metric-reports/{report['id']}/")["metrics"]
    assert {"tuned", "base"} <= set(metrics), metrics
    people = [f"{name}@example.com" for name in raters]
    body = {"name": "ring-round", "checkpoints": [checkpoint], "dataset_version": version, "raters": people, "sample_size": 12,
            "max_tokens": 12, "seed": 5}  # fmt: skip
    round = emil.post("rounds/", body)
    emil.post(f"rounds/{round['id']}/open/")
    wait_for(lambda: emil.get(f"rounds/{round['id']}/")["status"] == "rating", "the answers are there")
    first = next(iter(raters.values()))
    code, problem = first.refused(f"rounds/{round['id']}/ratings/", {"item": "nothing", "scores": {"fluency": 6}})
    assert 400 <= code < 500 and problem["error"]["message"]
    for name, rater in raters.items():
        for item in rater.get(f"rounds/{round['id']}/items/")["results"]:
            assert "checkpoint" not in str(item) and "SmolLM" not in str(
                {k: v for k, v in item.items() if k != "answer"}
            )
            base = sum(map(ord, item["id"])) % 5  # the same for all, so that they agree
            score = min(5, base + (name == "cesar" and base == 2))
            rater.post(f"rounds/{round['id']}/ratings/", {"item": item["id"], "scores": dict.fromkeys(CRITERIA, score)})
    code, _problem = first.refused(f"rounds/{round['id']}/close/", {})
    assert code == 403
    closed: Json = emil.post(f"rounds/{round['id']}/close/", {})
    assert closed["status"] == "closed" and closed["outcome"] == "passed", closed["result"]
    return closed


def register(emil: Api, petra: Api, model: str, checkpoint: str) -> Json:
    """A draft, refused to its author, approved by another person."""
    version = emil.post(f"models/{model}/versions/", {"checkpoint": checkpoint})
    path = f"models/{model}/versions/{version['version']}"
    emil.post(f"{path}/request/", {})
    code, _problem = emil.refused(f"{path}/approve/", {"note": "mine"})
    assert code == 403
    approved: Json = petra.post(f"{path}/approve/", {"note": "The round reads well."})
    assert approved["status"] == "approved"
    return approved


def deploy(emil: Api, name: str, version: str) -> Json:
    """A version behind a name, waited for until it answers."""
    made = emil.post("deployments/", {"name": name, "model_version": version})
    return ready(emil, made["id"])


def ready(emil: Api, deployment: str) -> Json:
    def state() -> Json | None:
        row: Json = emil.get(f"deployments/{deployment}/")
        assert row["status"] != "failed", row
        return row if row["status"] == "ready" else None

    found: Json = wait_for(state, "the deployment is ready")
    return found


def roll_out(emil: Api, name: str, control: str, candidate: str) -> Json:
    code, problem = emil.refused(
        "rollouts/",
        {"name": name, "control": control, "candidate": candidate, "weights": {"control": 0, "candidate": 0}},
    )
    assert code == 400 and problem["error"]["field"], problem
    rollout = emil.post("rollouts/", {"name": name, "control": control, "candidate": candidate, "share": 0.5})
    started: Json = emil.post(f"rollouts/{rollout['id']}/start/", {})
    assert started["status"] == "running"
    return started


def correct(clara: Api, annotator: Api, signals: list[str]) -> Json:
    """Chosen feedback goes to labeling; the accepted corrections are the next version."""
    project = clara.post("feedback/send/", {"signals": signals})["project"]
    if clara.get(f"label-projects/{project}/")["status"] == "draft":
        clara.post(f"label-projects/{project}/status/", {"status": "open"})
    while task := annotator.post(f"label-projects/{project}/tasks/next/", {})["assignment"]:
        text = f"Hello, and thank you for asking. {len(str(task['data']))} ways lead to the harbour. - Harbour & Pine"
        region = {"from_name": "answer", "to_name": "conversation", "type": "textarea", "value": {"text": [text]}}
        annotator.post(f"label-projects/{project}/annotations/", {"assignment": task["id"], "result": [region]})
    clara.post(f"label-projects/{project}/status/", {"status": "closed"})
    frozen: Json = clara.post(f"label-projects/{project}/freeze/", {})
    assert frozen["row_count"] == len(signals)
    return frozen


def chain(api: Api, kind: str, pk: str) -> dict[str, list[str]]:
    """The lineage upwards: names by kind."""
    found: dict[str, list[str]] = {}
    for node in api.get(f"lineage/{kind}/{pk}/", way="up")["nodes"]:
        found.setdefault(node["kind"], []).append(node["name"])
    return found
