"""Look at a model folder before anything loads it. No torch: web pages use this too.

`trust_remote_code=False` alone is not a boundary (CVE-2025-66448, CVE-2026-4372, CVE-2026-5241), so nothing is loaded that has
not passed here: weights as safetensors only, no pickles, no Python, no keys that make a loader fetch or run code, at any depth.
"""

import json
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

MAX_HEADER_BYTES = 100 * 2**20  # the limit of the safetensors library
MAX_JSON_BYTES = 64 * 2**20  # tokenizer.json of the largest vocabularies is about 35 MB
MAX_TEMPLATE_BYTES = 256 * 2**10
MAX_FILES = 2_000
MAX_TOTAL_BYTES = 2 * 2**40
MAX_JSON_DEPTH = 100

CODE_SUFFIXES = frozenset({".py", ".pyc", ".so", ".dll", ".dylib", ".sh", ".exe", ".whl", ".zip", ".tar", ".gz"})
PICKLE_SUFFIXES = frozenset(
    {
        ".bin",
        ".pt",
        ".pth",
        ".ckpt",
        ".pkl",
        ".pickle",
        ".joblib",
        ".npy",
        ".npz",
        ".h5",
        ".keras",
        ".msgpack",
        ".dill",
    }
)
FORBIDDEN_KEYS = frozenset(
    {"auto_map", "trust_remote_code", "custom_pipelines", "kernel_config", "use_kernels", "custom_generate"}
)
ATTENTION_KEYS = frozenset(
    {"attn_implementation", "_attn_implementation", "_attn_implementation_internal", "_attn_implementation_autoset"}
)
KNOWN_ATTENTION = frozenset({None, True, False, "eager", "sdpa", "flash_attention_2", "flex_attention"})
CAUSAL_MODEL_TYPES = frozenset(
    {
        "bloom", "codegen", "cohere", "cohere2", "deepseek_v2", "deepseek_v3", "exaone4", "falcon", "gemma", "gemma2", "gemma3_text",
        "glm", "glm4", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gpt_oss", "gptj", "granite", "granitemoe", "helium",
        "hunyuan_v1_dense", "llama", "ministral", "mistral", "mixtral", "nemotron", "olmo", "olmo2", "olmo3", "olmoe", "opt", "phi",
        "phi3", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "seed_oss", "smollm3", "stablelm", "starcoder2", "xglm",
    }
)  # fmt: skip
DTYPE_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


class ModelRefused(ValueError):
    """A model folder that is not loaded: why, and what would be accepted."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model without loading it."""

    architecture: str
    model_type: str
    parameters: int
    hidden_size: int
    layers: int
    context_length: int
    has_chat_template: bool
    bytes: int


@dataclass(frozen=True)
class TensorHeader:
    """One tensor as the header of its file describes it."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def scan_model_folder(path: str | os.PathLike[str]) -> ModelFacts:
    """Check every file of a causal language model's folder and say what it is. Raises ModelRefused; loads nothing."""
    folder = Path(path)
    files = _checked_files(folder)
    for file in files:
        if file.suffix == ".json":
            _check_json(file, folder)
    weights = [file for file in files if file.suffix == ".safetensors" and file.parent == folder]
    if not weights:
        raise ModelRefused(
            "The folder has no weights in safetensors.", "It needs model.safetensors (or its parts) beside config.json."
        )
    config = _read_config(folder)
    tensors = [tensor for file in weights for tensor in read_header(file)]
    _check_index(folder, weights)
    return _facts(config, tensors, folder, sum(file.stat().st_size for file in files))


def read_header(file: Path) -> list[TensorHeader]:
    """The tensors a safetensors file declares, after checking that they fill it exactly and overlap nowhere. Raises ModelRefused."""
    header, data_bytes = _raw_header(file)
    spans, tensors = [], []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        tensors.append(_tensor(file, name, entry))
        spans.append(_span(file, tensors[-1], entry))
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            raise _broken(file, "its tensors overlap or leave gaps")
        end = stop
    if end != data_bytes:
        raise _broken(file, "it is cut off" if end > data_bytes else "it has data that no tensor uses")
    return tensors


def _checked_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ModelRefused(
            "There is no such folder.", "Give the path of a folder with config.json and model.safetensors."
        )
    files: list[Path] = []
    total, root = 0, folder.resolve()
    for file in _walk(folder):
        if len(files) >= MAX_FILES:
            raise ModelRefused(f"The folder has more than {MAX_FILES} files.", "Give the folder of one model only.")
        _check_name(file, folder)
        if file.is_symlink() and root not in file.resolve().parents:
            raise ModelRefused(
                f"{file.name} is a link that leads out of the folder.", "Copy the file itself into the folder."
            )
        total += file.stat().st_size
        files.append(file)
    if total > MAX_TOTAL_BYTES:
        raise ModelRefused("The model is larger than 2 TiB.", "Give a smaller model.")
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if name not in (".git", ".cache")]
        for name in sorted(names):
            yield Path(base) / name


def _check_name(file: Path, folder: Path) -> None:
    name = file.relative_to(folder)
    if not file.is_file():
        raise ModelRefused(f"{name} is not a regular file.", "Give a folder of ordinary files.")
    if file.suffix.lower() in PICKLE_SUFFIXES:
        raise ModelRefused(
            f"{name} may be a pickle, which can run code when loaded.",
            "Only safetensors weights are accepted: convert the model with save_pretrained() and remove this file.",
        )
    if file.suffix.lower() in CODE_SUFFIXES:
        raise ModelRefused(
            f"{name} is code or an archive.", "Models that bring their own code are not run here; remove the file."
        )
    if file.suffix == ".jinja" and file.stat().st_size > MAX_TEMPLATE_BYTES:
        raise ModelRefused(f"{name} is too large for a chat template.", f"At most {MAX_TEMPLATE_BYTES // 1024} KiB.")


def _check_json(file: Path, folder: Path) -> None:
    name = file.relative_to(folder)
    if file.stat().st_size > MAX_JSON_BYTES:
        raise ModelRefused(f"{name} is larger than {MAX_JSON_BYTES // 2**20} MiB.", "Give the model's original file.")
    for key, value in _pairs(_load_json(file), name):
        if key in FORBIDDEN_KEYS and value not in (None, False, {}, []):
            raise ModelRefused(
                f"{name} has {key!r}, which makes a loader run code that comes with the model.",
                "Such models are not loaded. Use one of a built-in architecture.",
            )
        if key in ATTENTION_KEYS and not (isinstance(value, str | bool | None) and value in KNOWN_ATTENTION):
            raise ModelRefused(
                f"{name} asks for the attention code {str(value)[:60]!r}.",
                "Remove the key; the built-in attention is used.",
            )
        if key == "chat_template" and isinstance(value, str) and len(value) > MAX_TEMPLATE_BYTES:
            raise ModelRefused(
                f"{name} has a chat template that is too large.", f"At most {MAX_TEMPLATE_BYTES // 1024} KiB."
            )


def _load_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as exc:
        raise ModelRefused(f"{file.name} is not readable JSON.", "Download or copy the file again.") from exc


def _pairs(value: Any, name: Path, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at every depth. The vocabulary is skipped: it is tokens, not settings."""
    if depth > MAX_JSON_DEPTH:
        raise ModelRefused(f"{name} is nested too deeply.", "Give the model's original file.")
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("vocab", "merges"):
                continue
            yield key, inner
            yield from _pairs(inner, name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                yield from _pairs(inner, name, depth + 1)


def _read_config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    if not file.exists():
        raise ModelRefused("The folder has no config.json.", "Give a whole model folder, not only its weights.")
    config = _load_json(file)
    if not isinstance(config, dict):
        raise ModelRefused("config.json is not an object.", "Download or copy the file again.")
    model_type = config.get("model_type")
    if model_type not in CAUSAL_MODEL_TYPES:
        raise ModelRefused(
            f"The architecture {str(model_type)[:60]!r} is not one that is trained here.",
            "Text models of these types are: " + ", ".join(sorted(CAUSAL_MODEL_TYPES)) + ".",
        )
    if config.get("quantization_config"):
        raise ModelRefused("The weights are quantized.", "Give the original weights in 16 or 32 bits.")
    if not any((folder / name).exists() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise ModelRefused("The folder has no tokenizer.", "It needs tokenizer.json beside config.json.")
    return config


def _raw_header(file: Path) -> tuple[dict[str, Any], int]:
    size = file.stat().st_size
    with open(file, "rb") as source:
        start = source.read(8)
        if len(start) < 8:
            raise _broken(file, "it is cut off")
        (length,) = struct.unpack("<Q", start)
        if length > MAX_HEADER_BYTES:
            raise _broken(file, f"its header claims {length} bytes")
        text = source.read(length)
    if len(text) < length:
        raise _broken(file, "it is cut off")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise _broken(file, "its header is not JSON") from exc
    if not isinstance(header, dict):
        raise _broken(file, "its header is not an object")
    return header, size - 8 - length


def _tensor(file: Path, name: str, entry: Any) -> TensorHeader:
    if not isinstance(entry, Mapping) or entry.get("dtype") not in DTYPE_BITS:
        raise _broken(file, f"tensor {name[:80]!r} has an unknown number format")
    shape = entry.get("shape")
    if (
        not isinstance(shape, list)
        or not all(type(side) is int and 0 <= side < 2**48 for side in shape)
        or len(shape) > 8
    ):
        raise _broken(file, f"tensor {name[:80]!r} has an impossible shape")
    return TensorHeader(name, entry["dtype"], tuple(shape))


def _span(file: Path, tensor: TensorHeader, entry: Mapping[str, Any]) -> tuple[int, int]:
    offsets = entry.get("data_offsets")
    if (
        not isinstance(offsets, list)
        or len(offsets) != 2
        or not all(type(offset) is int and offset >= 0 for offset in offsets)
    ):
        raise _broken(file, f"tensor {tensor.name[:80]!r} has no place")
    start, stop = offsets
    if (stop - start) * 8 != prod(tensor.shape) * DTYPE_BITS[tensor.dtype]:
        raise _broken(file, f"tensor {tensor.name[:80]!r} does not fit its place")
    return start, stop


def _check_index(folder: Path, weights: list[Path]) -> None:
    """A model in several files names them in an index; all must be there, and none elsewhere."""
    file = folder / "model.safetensors.index.json"
    if not file.exists():
        return
    index = _load_json(file)
    parts = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(parts, dict):
        raise ModelRefused(f"{file.name} has no weight_map.", "Download or copy the file again.")
    missing = {str(part) for part in parts.values()} - {weight.name for weight in weights}
    if missing:
        raise ModelRefused(
            f"Parts of the model are missing: {', '.join(sorted(missing)[:3])}.", "Download or copy them as well."
        )


def _facts(config: Mapping[str, Any], tensors: list[TensorHeader], folder: Path, size: int) -> ModelFacts:
    architectures = config.get("architectures")
    return ModelFacts(
        architecture=str(architectures[0])[:100]
        if isinstance(architectures, list) and architectures
        else str(config["model_type"]),
        model_type=str(config["model_type"]),
        parameters=sum(prod(tensor.shape) for tensor in tensors),
        hidden_size=_whole(config, "hidden_size", "n_embd", "d_model"),
        layers=_whole(config, "num_hidden_layers", "n_layer", "num_layers"),
        context_length=_whole(config, "max_position_embeddings", "n_positions", "seq_length", "max_seq_len"),
        has_chat_template=_has_chat_template(folder),
        bytes=size,
    )


def _whole(config: Mapping[str, Any], *names: str) -> int:
    for name in names:
        if type(config.get(name)) is int:
            return int(config[name])
    return 0


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").exists() or (folder / "chat_template.json").exists():
        return True
    file = folder / "tokenizer_config.json"
    return file.exists() and bool(_load_json(file).get("chat_template"))


def _broken(file: Path, why: str) -> ModelRefused:
    return ModelRefused(f"{file.name} is not a sound safetensors file: {why}.", "Download or copy the file again.")
