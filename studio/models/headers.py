"""Safetensors headers: the names, shapes and dtypes of a model's weights, read without torch and without reading the weights.

Format: eight bytes of length (little endian), then JSON (https://github.com/huggingface/safetensors#format). Used by `inspect.py`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import ModelError

MAX_HEADER_BYTES = 100 * 2**20
NOT_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".gguf")


@dataclass(frozen=True)
class Tensor:
    """One stored tensor: its name, shape and dtype as safetensors writes it (`F32`, `BF16`)."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def weight_files(folder: Path, stem: str = "model") -> list[Path]:
    """The safetensors files of a folder, in order; raises `ModelError` that says what is there instead, or which shard is missing."""
    index = folder / f"{stem}.safetensors.index.json"
    if index.is_file():
        names = sorted(set(read_json(index).get("weight_map", {}).values()))
        missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
        if missing or not names:
            raise ModelError(
                f"{folder} lacks weight files that its index names: {', '.join(missing) or 'none are named'}.",
                "Copy the whole folder again, with every .safetensors file.",
            )
        return [folder / name for name in names]
    files = sorted(folder.glob(f"{stem}*.safetensors"))
    if not files:
        raise _no_weights(folder)
    return files


def _no_weights(folder: Path) -> ModelError:
    others = sorted(path.name for path in folder.iterdir() if path.suffix in NOT_WEIGHTS)
    if any(name.endswith(".gguf") for name in others):
        return gguf_error(folder)
    if others:
        return ModelError(
            f"{folder} has its weights as {others[0]}, a format that can run code when it is read.",
            "Get the model's .safetensors files, or convert it where you trust it: load it with transformers, then save_pretrained.",
        )
    return ModelError(f"{folder} has no .safetensors weights.", "Choose a folder in Hugging Face format that holds model.safetensors.")


def gguf_error(path: Path) -> ModelError:
    """The answer to a GGUF file, which holds weights rounded for inference."""
    return ModelError(
        f"{path} is a GGUF model, which is for inference only and cannot be trained.",
        "Get the same model in Hugging Face format: a folder with config.json, .safetensors files and a tokenizer.",
    )


def read_headers(files: Iterable[Path]) -> list[Tensor]:
    """All tensors of some safetensors files; raises `ModelError` for a file that is cut off or not safetensors."""
    tensors: list[Tensor] = []
    for path in files:
        header, data_bytes = _header(path)
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            if entry["data_offsets"][1] > data_bytes:
                raise _damaged(path, "it is cut off")
            tensors.append(Tensor(name, tuple(entry["shape"]), entry["dtype"]))
    return tensors


def _header(path: Path) -> tuple[dict[str, Any], int]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 0 < length <= min(MAX_HEADER_BYTES, size - 8):
            raise _damaged(path, "its header cannot be read")
        try:
            return json.loads(file.read(length)), size - 8 - length
        except ValueError as error:
            raise _damaged(path, "its header cannot be read") from error


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(f"{path} is not a complete safetensors file: {why}.", "Copy or download the file again.")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; raises `ModelError` when the file is missing or is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{path.parent} has no {path.name}.", "Choose a folder in Hugging Face format: config.json, .safetensors files and a tokenizer."
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}.", "Copy or download the file again.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} holds no settings.", "Copy or download the file again.")
    return value


def sha256_of(files: Iterable[Path]) -> str:
    """One hash over the contents of some files, in order."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(2**22):
                digest.update(block)
    return digest.hexdigest()
