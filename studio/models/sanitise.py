"""A safe view of a model's folder: a temporary folder with only the files that loading needs, and with cleaned settings.

Foreign settings can name code to run (`auto_map`), attention or kernel code to fetch, and a base to download. Those keys are taken out of
copies; the person's folder is never changed, weights are linked and not copied. To strip another key, add it to `STRIPPED` or `MENTIONS`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.models.headers import read_json

STRIPPED = {
    "auto_map",
    "auto_mapping",
    "trust_remote_code",
    "custom_pipelines",
    "custom_generate",
    "use_kernels",
    "kernels",
    "kernel_config",
    "use_kernel_forward_from_hub",
    "name_or_path",
    "_name_or_path",
    "base_model_name_or_path",
    "revision",
}
MENTIONS = ("attn_implementation", "experts_implementation", "hub_kernel")
SETTINGS = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "adapter_config.json",
)
COPIED = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "*.model",
    "*.safetensors.index.json",
)


def sanitised(value: Any) -> Any:
    """Settings without the keys that could fetch or run something, at every depth."""
    if isinstance(value, dict):
        return {key: sanitised(item) for key, item in value.items() if key not in STRIPPED and not any(m in key for m in MENTIONS)}
    if isinstance(value, list):
        return [sanitised(item) for item in value]
    return value


@contextmanager
def safe_view(folder: Path) -> Iterator[Path]:
    """A temporary folder to load from in place of `folder`; gone at the end, when the weights are in memory."""
    with tempfile.TemporaryDirectory(prefix="luthier-view-") as name:
        view = Path(name)
        for file in SETTINGS:
            if (folder / file).is_file():
                (view / file).write_text(json.dumps(sanitised(read_json(folder / file))), encoding="utf-8")
        for pattern in COPIED:
            for path in folder.glob(pattern):
                shutil.copy(path, view / path.name)
        for path in folder.glob("*.safetensors"):
            _link(path.resolve(), view / path.name)
        yield view


def _link(source: Path, target: Path) -> None:
    """A symbolic link where the system allows one, else a second name for the same file."""
    try:
        target.symlink_to(source)
    except OSError:
        os.link(source, target)
