"""The scan of a model folder: what is refused before anything is loaded."""

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from workers.models import CAUSAL_MODEL_TYPES, ModelRefused, read_header, scan_model_folder


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def change_json(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def write_safetensors(file: Path, header: dict[str, Any], data: bytes = b"") -> None:
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_scan__sound_folder__gives_facts(folder: Path) -> None:
    facts = scan_model_folder(folder)
    assert (facts.architecture, facts.model_type, facts.hidden_size, facts.layers) == (
        "LlamaForCausalLM",
        "llama",
        32,
        2,
    )
    assert (facts.context_length, facts.has_chat_template) == (256, True)
    assert facts.parameters == 31_392 and facts.bytes > 4 * facts.parameters


@pytest.mark.parametrize(
    "name",
    ["pytorch_model.bin", "model.pt", "x.pkl", "a.ckpt", "training_args.bin", "sub/rng_state.pth", "w.npy", "W.BIN"],
)
def test_scan__pickle_anywhere__is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(ModelRefused, match="pickle") as caught:
        scan_model_folder(folder)
    assert name in caught.value.message and "safetensors" in caught.value.hint


@pytest.mark.parametrize("name", ["modeling_custom.py", "lib.so", "sub/tokenization.py"])
def test_scan__code__is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("print('hello')")
    with pytest.raises(ModelRefused, match="code"):
        scan_model_folder(folder)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"auto_map": {"AutoModelForCausalLM": "modeling.Model"}}),
        ("config.json", {"text_config": {"sub": [{"auto_map": {"AutoConfig": "x.Y"}}]}}),
        ("config.json", {"trust_remote_code": True}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["x.Y", None]}}),
        ("generation_config.json", {"custom_generate": "x/y"}),
        ("config.json", {"_attn_implementation": "someone/kernel"}),
        ("config.json", {"vision_config": {"attn_implementation": "kernels-community/x:fn"}}),
    ],
)
def test_scan__config_that_runs_code__is_refused_at_any_depth(folder: Path, file: str, change: dict[str, Any]) -> None:
    change_json(folder / file, **change)
    with pytest.raises(ModelRefused) as caught:
        scan_model_folder(folder)
    assert file in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    "change",
    [{"model_type": "evil"}, {"model_type": None}, {"quantization_config": {"bits": 4}}, {"model_type": "bert"}],
)
def test_scan__model_that_is_not_trained_here__is_refused(folder: Path, change: dict[str, Any]) -> None:
    change_json(folder / "config.json", **change)
    with pytest.raises(ModelRefused):
        scan_model_folder(folder)


def test_scan__deep_or_broken_json__is_refused(folder: Path) -> None:
    for text in ("[" * 100_000 + "]" * 100_000, '{"a": ' * 200 + "1" + "}" * 200, "{", '"text"'):
        (folder / "config.json").write_text(text)
        with pytest.raises(ModelRefused):
            scan_model_folder(folder)


def test_scan__link_out_of_the_folder__is_refused(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (folder / "notes.txt").symlink_to(secret)
    with pytest.raises(ModelRefused, match="leads out"):
        scan_model_folder(folder)


def test_scan__missing_parts__are_named(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model-00002-of-00002.safetensors"}})
    )
    with pytest.raises(ModelRefused, match="model-00002"):
        scan_model_folder(folder)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        other = Path(shutil.copytree(folder, tmp_path / f"without-{name}"))
        (other / name).unlink()
        with pytest.raises(ModelRefused):
            scan_model_folder(other)
    with pytest.raises(ModelRefused, match="no such folder"):
        scan_model_folder(tmp_path / "nowhere")


def test_header__cut_off_file__is_refused(folder: Path) -> None:
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    for size in (0, 7, 8, 100, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(ModelRefused, match="cut off"):
            scan_model_folder(folder)


@pytest.mark.parametrize(
    "header",
    [
        {
            "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        },
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}},
        {"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "PICKLE", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 2**63]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}},
        {"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}},
        {"a": "text"},
    ],
)
def test_header__that_lies__is_refused(tmp_path: Path, header: dict[str, Any]) -> None:
    write_safetensors(tmp_path / "x.safetensors", header, b"\0" * 12)
    with pytest.raises(ModelRefused, match="not a sound"):
        read_header(tmp_path / "x.safetensors")


def test_header__that_claims_to_be_huge__is_refused_without_reading_it(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(ModelRefused, match="header claims"):
        read_header(file)


def test_allow_list__every_type__is_known_to_transformers() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    assert set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) >= CAUSAL_MODEL_TYPES
